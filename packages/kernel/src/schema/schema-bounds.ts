/** How the limits of a JSON Schema changed: ranges, lengths, steps, patterns and formats. */
import type { JsonSchema } from './schema.ts'

/** One limit that allows less or more than it did. */
export interface BoundChange {
  readonly reason: string
  readonly narrows: boolean
  readonly widens: boolean
}

const lower = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties']
const upper = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties']
const texts = ['pattern', 'format', 'contentEncoding', 'contentMediaType']

/** Every limit that changed, on the schemas themselves; not inside their properties or items. */
export function boundChanges(before: JsonSchema, after: JsonSchema): BoundChange[] {
  return [
    ...lower.flatMap((key) => compareNumbers(key, before[key], after[key], (is, was) => is > was)),
    ...upper.flatMap((key) => compareNumbers(key, before[key], after[key], (is, was) => is < was)),
    ...texts.flatMap((key) => compareTexts(key, before[key], after[key])),
    ...compareSteps(before['multipleOf'], after['multipleOf']),
    ...compareTexts('uniqueItems', before['uniqueItems'] || undefined, after['uniqueItems'] || undefined),
  ]
}

function compareNumbers(
  key: string,
  was: unknown,
  is: unknown,
  isTighter: (is: number, was: number) => boolean,
): BoundChange[] {
  if (was === is) return []
  if (typeof was !== 'number') return [{ reason: `${key} ${is} is new`, narrows: true, widens: false }]
  if (typeof is !== 'number') return [{ reason: `${key} ${was} is gone`, narrows: false, widens: true }]
  const narrows = isTighter(is, was)
  return [{ reason: `${key} ${was} became ${is}`, narrows, widens: !narrows }]
}

/** Two patterns or formats cannot be compared: another one allows less here and more there. */
function compareTexts(key: string, was: unknown, is: unknown): BoundChange[] {
  if (was === is) return []
  if (was === undefined) return [{ reason: `${key} ${String(is)} is new`, narrows: true, widens: false }]
  if (is === undefined) return [{ reason: `${key} ${String(was)} is gone`, narrows: false, widens: true }]
  return [{ reason: `${key} ${String(was)} became ${String(is)}`, narrows: true, widens: true }]
}

function compareSteps(was: unknown, is: unknown): BoundChange[] {
  if (typeof was !== 'number' || typeof is !== 'number') return compareTexts('multipleOf', was, is)
  if (was === is) return []
  const reason = `multipleOf ${was} became ${is}`
  return [{ reason, narrows: was % is !== 0, widens: is % was !== 0 }]
}

/**
 * How one JSON Schema differs from an earlier one: each place where it allows less (narrows) or more (widens). Whether that breaks anybody
 * depends on who gives and who reads the value. What is not understood counts as both, so that a silent break is never called safe.
 */
import type { JsonSchema } from './schema.ts'
import { boundChanges } from './schema-bounds.ts'
import { isSame } from './schema-fit.ts'
import { isRecord, referenceTarget } from './schema-parts.ts'

export interface SchemaChange {
  /** `hits[].score`; empty for the value itself. `[]` stands for every item, `{}` for every value of a record. */
  readonly path: string
  readonly reason: string
  /** Values that were allowed no longer are. */
  readonly narrows: boolean
  /** Values are allowed that were not. */
  readonly widens: boolean
  /** A property is gone: who gave it is refused, who read it misses it. */
  readonly isRemoval: boolean
}

/** Both sides with the documents that their references point into, and the pairs of references already under comparison. */
interface Comparison {
  readonly before: JsonSchema
  readonly after: JsonSchema
  readonly pending: ReadonlySet<string>
}

type Report = Pick<SchemaChange, 'path' | 'reason' | 'narrows' | 'widens'>

/** All changes from `before` to `after`, in the order of the earlier schema. Empty for schemas that differ in descriptions only. */
export function schemaChanges(before: JsonSchema, after: JsonSchema): SchemaChange[] {
  return compare(before, after, '', { before, after, pending: new Set() })
}

function compare(before: unknown, after: unknown, path: string, given: Comparison): SchemaChange[] {
  const pair = `${referenceIn(before) ?? ''} ${referenceIn(after) ?? ''}`
  if (pair !== ' ' && given.pending.has(pair)) return []
  const inside = pair === ' ' ? given : { ...given, pending: new Set([...given.pending, pair]) }
  const earlier = resolve(before, given.before)
  const later = resolve(after, given.after)
  const alternatives = [alternativesOf(earlier), alternativesOf(later)] as const
  if (alternatives[0].length > 1 || alternatives[1].length > 1)
    return compareAlternatives(alternatives[0], alternatives[1], path, inside)
  return comparePlain(alternatives[0][0] ?? earlier, alternatives[1][0] ?? later, path, inside)
}

function comparePlain(before: JsonSchema, after: JsonSchema, path: string, given: Comparison): SchemaChange[] {
  const types = compareTypes(before, after, path)
  // Below another type nothing is comparable.
  if (types.some(({ narrows, widens }) => narrows && widens)) return types
  return [
    ...types,
    ...compareValues(before, after, path),
    ...boundChanges(before, after).map((change) => made({ path, ...change })),
    ...compareObjects(before, after, path, given),
    ...compareItems(before, after, path, given),
    ...compareRest(before, after, path),
  ]
}

/** Types as sets; `integer` is a part of `number`. */
function compareTypes(before: JsonSchema, after: JsonSchema, path: string): SchemaChange[] {
  const earlier = typesOf(before)
  const later = typesOf(after)
  const lacks = (types: readonly string[], type: string) =>
    !types.includes(type) && !(type === 'integer' && types.includes('number'))
  const narrows = earlier.some((type) => lacks(later, type))
  const widens = later.some((type) => lacks(earlier, type))
  if (!narrows && !widens) return []
  return [made({ path, reason: `${name(before)} became ${name(after)}`, narrows, widens })]
}

const anyType = ['array', 'boolean', 'null', 'number', 'object', 'string']

function typesOf({ type, const: constant, enum: options }: JsonSchema): readonly string[] {
  if (typeof type === 'string') return [type]
  if (Array.isArray(type)) return type
  const values = constant !== undefined ? [constant] : Array.isArray(options) ? options : undefined
  return values ? [...new Set(values.map(typeOfValue))] : anyType
}

function typeOfValue(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

function name(schema: JsonSchema): string {
  const types = typesOf(schema)
  return types === anyType ? 'any value' : types.join(' or ')
}

/** `enum` and `const` as sets of values. */
function compareValues(before: JsonSchema, after: JsonSchema, path: string): SchemaChange[] {
  const earlier = valuesOf(before)
  const later = valuesOf(after)
  if (!earlier && !later) return []
  if (!earlier) return [made({ path, reason: `only ${list(later)} is allowed now`, narrows: true, widens: false })]
  if (!later) return [made({ path, reason: `not only ${list(earlier)} is allowed now`, narrows: false, widens: true })]
  const gone = earlier.filter((value) => !later.some((one) => isSame(one, value)))
  const added = later.filter((value) => !earlier.some((one) => isSame(one, value)))
  const changes: SchemaChange[] = []
  if (gone.length > 0) changes.push(made({ path, reason: `${list(gone)} was removed`, narrows: true, widens: false }))
  if (added.length > 0) changes.push(made({ path, reason: `${list(added)} was added`, narrows: false, widens: true }))
  return changes
}

function valuesOf({ const: constant, enum: options }: JsonSchema): readonly unknown[] | undefined {
  if (constant !== undefined) return [constant]
  return Array.isArray(options) ? options : undefined
}

function list(values: readonly unknown[] | undefined): string {
  return (values ?? []).map((value) => JSON.stringify(value)).join(', ')
}

function compareObjects(before: JsonSchema, after: JsonSchema, path: string, given: Comparison): SchemaChange[] {
  const earlier = recordAt(before, 'properties')
  const later = recordAt(after, 'properties')
  const wasRequired = namesAt(before, 'required')
  const isRequired = namesAt(after, 'required')
  const changes: SchemaChange[] = []
  for (const [key, property] of Object.entries(earlier)) {
    const at = join(path, key)
    if (!Object.hasOwn(later, key)) {
      changes.push({ path: at, reason: 'was removed', narrows: false, widens: false, isRemoval: true })
      continue
    }
    if (isRequired.has(key) && !wasRequired.has(key))
      changes.push(made({ path: at, reason: 'is required now', narrows: true, widens: false }))
    if (!isRequired.has(key) && wasRequired.has(key))
      changes.push(made({ path: at, reason: 'may be missing now', narrows: false, widens: true }))
    changes.push(...compare(property, later[key], at, given))
  }
  for (const key of Object.keys(later)) {
    if (Object.hasOwn(earlier, key)) continue
    const isNeeded = isRequired.has(key)
    const reason = isNeeded ? 'is new and required' : 'is new'
    changes.push(made({ path: join(path, key), reason, narrows: isNeeded, widens: false }))
  }
  return [...changes, ...compareOpenness(before, after, path, given)]
}

/** A closed object and one that does not say are the same here: what crosses a process is refused or stripped beyond its schema. */
function compareOpenness(before: JsonSchema, after: JsonSchema, path: string, given: Comparison): SchemaChange[] {
  const earlier = opennessOf(before)
  const later = opennessOf(after)
  if (earlier && later)
    return [
      ...compare(earlier, later, `${path}{}`, given),
      ...compare(before['propertyNames'] ?? {}, after['propertyNames'] ?? {}, `${path}{}.key`, given),
    ]
  if (earlier) return [made({ path, reason: 'other keys are not allowed any more', narrows: true, widens: false })]
  // Readers of a known shape ignore keys they do not know.
  return later ? [made({ path, reason: 'other keys are allowed now', narrows: false, widens: false })] : []
}

function opennessOf({ additionalProperties: open }: JsonSchema): JsonSchema | undefined {
  if (open === true) return {}
  return isRecord(open) ? open : undefined
}

function compareItems(before: JsonSchema, after: JsonSchema, path: string, given: Comparison): SchemaChange[] {
  const [earlier, later] = [listAt(before, 'prefixItems'), listAt(after, 'prefixItems')]
  const changes = earlier
    .slice(0, later.length)
    .flatMap((item, position) => compare(item, later[position], `${path}[${position}]`, given))
  if (earlier.length !== later.length)
    changes.push(made({ path, reason: `${earlier.length} places became ${later.length}`, narrows: true, widens: true }))
  const [items, itemsNow] = [before['items'], after['items']]
  if (items === itemsNow) return changes
  return [...changes, ...compare(items ?? {}, itemsNow ?? {}, `${path}[]`, given)]
}

/** Keywords that were looked at above or in schema-bounds.ts, and those that say nothing about values. */
const understood = new Set(
  `type enum const properties required additionalProperties propertyNames prefixItems items minimum maximum exclusiveMinimum
  exclusiveMaximum minLength maxLength minItems maxItems minProperties maxProperties multipleOf uniqueItems pattern format contentEncoding
  contentMediaType title description examples default deprecated readOnly writeOnly id $id $schema $comment $defs definitions $anchor`.split(
    /\s+/,
  ),
)

function compareRest(before: JsonSchema, after: JsonSchema, path: string): SchemaChange[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...keys]
    .filter((key) => !understood.has(key) && !key.startsWith('x-') && !isSame(before[key], after[key]))
    .map((key) => made({ path, reason: `"${key}" changed`, narrows: true, widens: true }))
}

/** Alternatives are paired by equality, then by what tells them apart; one without a pair was removed or is new, unless another covers it. */
function compareAlternatives(
  before: readonly JsonSchema[],
  after: readonly JsonSchema[],
  path: string,
  given: Comparison,
): SchemaChange[] {
  const left = [...before]
  const right = [...after]
  const changes: SchemaChange[] = []
  for (const earlier of before) {
    const later = right.find((one) => isSame(one, earlier)) ?? counterpartOf(earlier, left, right, given)
    if (!later) continue
    left.splice(left.indexOf(earlier), 1)
    right.splice(right.indexOf(later), 1)
    changes.push(...compare(earlier, later, `${path}${markOf(earlier, given.before)}`, given))
  }
  for (const gone of left) {
    if (after.some((one) => compare(gone, one, '', given).every(({ narrows, isRemoval }) => !narrows && !isRemoval)))
      continue
    changes.push(
      made({ path, reason: `the alternative ${markOf(gone, given.before)} was removed`, narrows: true, widens: false }),
    )
  }
  for (const added of right) {
    if (before.some((one) => compare(one, added, '', given).every(({ widens }) => !widens))) continue
    changes.push(
      made({ path, reason: `the alternative ${markOf(added, given.after)} is new`, narrows: false, widens: true }),
    )
  }
  return changes
}

/** One schema is its only alternative; a list of types is one alternative per type, so that `string` may become `string or null` either way. */
function alternativesOf(schema: JsonSchema): readonly JsonSchema[] {
  const { anyOf, oneOf, ...rest } = schema
  const options = Array.isArray(anyOf) ? anyOf : oneOf
  if (!Array.isArray(options)) return [schema]
  return options.map((option: unknown) => ({ ...rest, ...(isRecord(option) ? option : {}) }))
}

/** The one alternative on the other side with the same mark, when neither side has two of them. */
function counterpartOf(
  schema: JsonSchema,
  own: readonly JsonSchema[],
  others: readonly JsonSchema[],
  given: Comparison,
): JsonSchema | undefined {
  const mark = markOf(schema, given.before)
  const candidates = others.filter((one) => markOf(one, given.after) === mark)
  const rivals = own.filter((one) => markOf(one, given.before) === mark)
  return candidates.length === 1 && rivals.length === 1 ? candidates[0] : undefined
}

/** What tells an alternative from the others: the constants of its properties, its value, or its type. */
function markOf(option: JsonSchema, root: JsonSchema): string {
  const schema = resolve(option, root)
  const constants = Object.entries(recordAt(schema, 'properties'))
    .map(([key, property]) => [key, isRecord(property) ? property['const'] : undefined] as const)
    .filter(([, constant]) => constant !== undefined)
    .map(([key, constant]) => `${key}=${JSON.stringify(constant)}`)
  if (constants.length > 0) return `(${constants.join(',')})`
  return schema['const'] === undefined ? `(${name(schema)})` : `(${JSON.stringify(schema['const'])})`
}

/** Follows references inside `root`, and folds `allOf` into one schema where its parts do not overlap. */
function resolve(schema: unknown, root: JsonSchema): JsonSchema {
  if (schema === false) return { not: {} }
  if (!isRecord(schema)) return {}
  const reference = referenceIn(schema)
  if (reference !== undefined) {
    const { $ref: _, ...beside } = schema
    return { ...resolve(targetOf(reference, root), root), ...beside }
  }
  const { allOf, ...rest } = schema
  return Array.isArray(allOf) ? allOf.map((part: unknown) => resolve(part, root)).reduce(merged, rest) : schema
}

function merged(one: JsonSchema, other: JsonSchema): JsonSchema {
  const required = [...new Set([...namesAt(one, 'required'), ...namesAt(other, 'required')])]
  const properties = { ...recordAt(one, 'properties'), ...recordAt(other, 'properties') }
  return { ...one, ...other, ...(Object.keys(properties).length > 0 && { properties, required }) }
}

function targetOf(reference: string, root: JsonSchema): unknown {
  return reference.startsWith('#') ? referenceTarget(reference, root) : { [`$ref ${reference}`]: true }
}

function referenceIn(schema: unknown): string | undefined {
  return isRecord(schema) && typeof schema['$ref'] === 'string' ? schema['$ref'] : undefined
}

function made(report: Report): SchemaChange {
  return { ...report, isRemoval: false }
}

function recordAt(schema: JsonSchema, key: string): Readonly<Record<string, unknown>> {
  const value = schema[key]
  return isRecord(value) ? value : {}
}

function namesAt(schema: JsonSchema, key: string): ReadonlySet<string> {
  return new Set(listAt(schema, key).filter((one) => typeof one === 'string'))
}

function listAt(schema: JsonSchema, key: string): readonly unknown[] {
  const value = schema[key]
  return Array.isArray(value) ? value : []
}

function join(path: string, key: string): string {
  return path ? `${path}.${key}` : key
}

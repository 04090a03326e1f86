/** What differs between two configurations, value by value, in a form that may be logged. */

import { isPlainObject } from '../schema/json-value.ts'
import { type ConfigSections, sectionSchema } from './config-layer.ts'
import { withoutSecrets } from './redact.ts'
import { isSecret } from './secret.ts'

/** One value that changed. Secrets are `[redacted]` on both sides; a value that is not there is undefined. */
export interface ConfigChange {
  readonly section: string
  /** Dotted, with the section: `documents.maxBytes`. */
  readonly path: string
  readonly before: unknown
  readonly after: unknown
}

/** Validated values by section. */
export type ConfigValues = Readonly<Record<string, unknown>>

/** The changes from `before` to `after`. Objects are compared key by key, lists as a whole. */
export function changesBetween(sections: ConfigSections, before: ConfigValues, after: ConfigValues): ConfigChange[] {
  return Object.entries(sections).flatMap(([section, schema]) => {
    const [old, next] = [before[section], after[section]]
    if (isEqual(old, next)) return []
    const shape = sectionSchema(section, schema)
    const shown: Shown = { before: withoutSecrets(old, shape), after: withoutSecrets(next, shape) }
    return differences(old, next, shown, section).map((change) => ({ section, ...change }))
  })
}

/** The two sides as they may be shown, walked beside the real ones. */
interface Shown {
  readonly before: unknown
  readonly after: unknown
}

function differences(before: unknown, after: unknown, shown: Shown, path: string): Omit<ConfigChange, 'section'>[] {
  if (isEqual(before, after)) return []
  if (!isPlainObject(before) || !isPlainObject(after)) return [{ path, ...shown }]
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
    differences(
      before[key],
      after[key],
      { before: valueAt(shown.before, key), after: valueAt(shown.after, key) },
      `${path}.${key}`,
    ),
  )
}

/** By value; what is neither data nor a secret nor a date is equal only to itself. */
function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (isSecret(a) && isSecret(b)) return Object.is(a.reveal(), b.reveal())
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, position) => isEqual(item, b[position]))
  if (isPlainObject(a) && isPlainObject(b)) {
    const keys = Object.keys(a)
    return (
      keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key]))
    )
  }
  return a instanceof Date && b instanceof Date && a.getTime() === b.getTime()
}

function valueAt(value: unknown, key: string): unknown {
  return isPlainObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

/** Finds what a validator would silently drop: keys of outside input that its JSON Schema does not know. */
import { isRecord, propertiesOf } from './coerce.ts'
import type { JsonSchema, Problem } from './schema.ts'

/**
 * The unknown keys of `value`, with their paths. Objects that say `additionalProperties`, and choices between several schemas, are left
 * to the validator.
 */
export function unknownKeys(value: unknown, schema: JsonSchema | undefined, path = ''): Problem[] {
  if (Array.isArray(value)) {
    const items = schema?.['items']
    return isRecord(items)
      ? value.flatMap((item, position) => unknownKeys(item, items, join(path, String(position))))
      : []
  }
  if (!isRecord(value) || schema?.['type'] !== 'object') return []
  const open = schema['additionalProperties']
  if (isRecord(open) || open === true) return []
  const properties = propertiesOf(schema)
  return Object.entries(value).flatMap(([key, inner]) =>
    Object.hasOwn(properties, key)
      ? unknownKeys(inner, properties[key], join(path, key))
      : [{ path: join(path, key), message: 'unknown' }],
  )
}

function join(path: string, key: string): string {
  return path ? `${path}.${key}` : key
}

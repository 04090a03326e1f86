/** Finds what a validator would silently drop: keys of outside input that its JSON Schema does not know. */
import type { JsonSchema, Problem } from './schema.ts'
import { isRecord, itemAt, partsOf, propertyAt } from './schema-parts.ts'

/**
 * The unknown keys of `value`, with their paths. A key that one of several schemas knows is known; objects that say `additionalProperties`
 * are left to the validator.
 *
 * @param root the document that references of `schema` point into.
 */
export function unknownKeys(
  value: unknown,
  schema: JsonSchema | undefined,
  root: JsonSchema = schema ?? {},
  path = '',
): Problem[] {
  if (Array.isArray(value))
    return value.flatMap((item, position) =>
      unknownKeys(item, itemAt(schema, root, position), root, join(path, String(position))),
    )
  if (!isRecord(value)) return []
  const objects = partsOf([schema], root).filter(isAboutObjects)
  if (objects.length === 0 || objects.some(isOpen)) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    objects.some(({ properties }) => isRecord(properties) && Object.hasOwn(properties, key))
      ? unknownKeys(inner, propertyAt(schema, root, key), root, join(path, key))
      : [{ path: join(path, key), message: 'unknown' }],
  )
}

function isAboutObjects({ type, properties, additionalProperties }: JsonSchema): boolean {
  return type === 'object' || isRecord(properties) || additionalProperties !== undefined
}

function isOpen({ additionalProperties, patternProperties }: JsonSchema): boolean {
  return isRecord(additionalProperties) || additionalProperties === true || isRecord(patternProperties)
}

function join(path: string, key: string): string {
  return path ? `${path}.${key}` : key
}

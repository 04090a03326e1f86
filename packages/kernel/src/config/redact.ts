/**
 * Finds secrets in values, wherever they are nested: by the schema they belong to (`format: password` with `writeOnly`), by being a
 * `Secret`, and, where values are shown, by their names and look.
 */
import { isSecretName, withoutCredentials } from '../redaction.ts'
import { isPlainObject } from '../schema/json-value.ts'
import type { JsonSchema } from '../schema/schema.ts'
import { isRecord, partsOf } from '../schema/schema-parts.ts'
import { isSecret, redacted } from './secret.ts'

/** A copy in which every secret is `[redacted]`, also one that only its name or its look gives away. Never changes `value`. */
export function withoutSecrets(value: unknown, schema: JsonSchema): unknown {
  return withoutLookalikes(mapSecrets(value, partsOf([schema], schema), schema, () => redacted))
}

function withoutLookalikes(value: unknown): unknown {
  if (typeof value === 'string') return withoutCredentials(value)
  if (Array.isArray(value)) return value.map(withoutLookalikes)
  if (!isPlainObject(value)) return value
  const entries = Object.entries(value).map(([key, inner]) => [
    key,
    isShown(key, inner) ? withoutLookalikes(inner) : redacted,
  ])
  return Object.fromEntries(entries)
}

/** A switch says nothing, whatever it is called. */
function isShown(key: string, value: unknown): boolean {
  return value === undefined || value === null || typeof value === 'boolean' || !isSecretName(key, value)
}

/** The texts of all secrets in `value`, without white space around them; empty ones are left out. */
export function secretTexts(value: unknown, schema: JsonSchema): string[] {
  const texts: string[] = []
  mapSecrets(value, partsOf([schema], schema), schema, (found) => {
    texts.push(...textsIn(isSecret(found) ? found.reveal() : found))
    return undefined
  })
  return texts.filter((text) => text !== '')
}

/** A secret of the wrong form may be nested; a schema may have trimmed it. */
function textsIn(value: unknown): string[] {
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [String(value).trim()]
}

/** True for the JSON Schema of one secret. */
export function isSecretSchema(schema: JsonSchema): boolean {
  return schema['format'] === 'password' && schema['writeOnly'] === true
}

/** `schemas` are all that may describe `value`; one that calls it a secret is enough. */
function mapSecrets(
  value: unknown,
  schemas: readonly JsonSchema[],
  root: JsonSchema,
  replace: (secret: unknown) => unknown,
): unknown {
  if (value === undefined || value === null) return value
  if (isSecret(value) || schemas.some(isSecretSchema)) return replace(value)
  if (Array.isArray(value)) {
    const items = partsOf(
      schemas.flatMap(({ items, prefixItems }) => [items, ...(Array.isArray(prefixItems) ? prefixItems : [])]),
      root,
    )
    return value.map((item) => mapSecrets(item, items, root, replace))
  }
  if (!isPlainObject(value)) return value
  const entries = Object.entries(value).map(([key, inner]) => {
    const about = partsOf(
      schemas.map(({ properties, additionalProperties }) =>
        isRecord(properties) && Object.hasOwn(properties, key) ? properties[key] : additionalProperties,
      ),
      root,
    )
    return [key, mapSecrets(inner, about, root, replace)] as const
  })
  return Object.fromEntries(entries)
}

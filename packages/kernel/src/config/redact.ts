/**
 * Finds secrets in values, wherever they are nested: by the schema they belong to (`format: password` with `writeOnly`), by being a
 * `Secret`, and, where values are shown, by their names and look.
 */

import { isSecretName, withoutCredentials } from '../redaction.ts'
import { isRecord, propertiesOf } from '../schema/coerce.ts'
import type { JsonSchema } from '../schema/schema.ts'
import { isSecret, redacted } from './secret.ts'

/** A copy in which every secret is `[redacted]`, also one that only its name or its look gives away. Never changes `value`. */
export function withoutSecrets(value: unknown, schema: JsonSchema): unknown {
  return withoutLookalikes(mapSecrets(value, expand([schema], schema), schema, () => redacted))
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
  mapSecrets(value, expand([schema], schema), schema, (found) => {
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
    const items = expand(
      schemas.flatMap(({ items, prefixItems }) => [items, ...(Array.isArray(prefixItems) ? prefixItems : [])]),
      root,
    )
    return value.map((item) => mapSecrets(item, items, root, replace))
  }
  if (!isPlainObject(value)) return value
  const entries = Object.entries(value).map(([key, inner]) => {
    const about = expand(
      schemas.map((schema) =>
        Object.hasOwn(propertiesOf(schema), key) ? propertiesOf(schema)[key] : schema['additionalProperties'],
      ),
      root,
    )
    return [key, mapSecrets(inner, about, root, replace)] as const
  })
  return Object.fromEntries(entries)
}

/** The schemas and all that they choose between, combine or refer to inside `root`. */
function expand(schemas: readonly unknown[], root: JsonSchema): JsonSchema[] {
  const found = new Set<JsonSchema>()
  const visit = (schema: unknown) => {
    if (!isRecord(schema) || found.has(schema)) return
    found.add(schema)
    for (const branches of [schema['anyOf'], schema['oneOf'], schema['allOf']])
      if (Array.isArray(branches)) branches.forEach(visit)
    if (typeof schema['$ref'] === 'string') visit(target(schema['$ref'], root))
  }
  schemas.forEach(visit)
  return [...found]
}

/** What a local reference such as `#/$defs/key` names. */
function target(reference: string, root: JsonSchema): unknown {
  let place: unknown = root
  for (const key of reference.split('/').slice(1)) place = isRecord(place) ? place[key] : undefined
  return place
}

/** An object literal or what JSON makes, as opposed to a date, a map or an instance. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (!isRecord(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // Of any realm: only what every object comes from has no prototype itself.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

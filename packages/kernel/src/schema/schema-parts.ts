/**
 * A JSON Schema seen through its references, choices and combinations: which types it admits, which properties and items it knows. Everything
 * that is made from a schema (parameters, options, documents) asks here, so that a named or combined schema reads like a plain one.
 */
import type { JsonSchema } from './schema.ts'

export type JsonType = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object'

const allTypes: readonly JsonType[] = ['null', 'boolean', 'number', 'string', 'array', 'object']

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The type of a JSON value. */
export function typeOf(value: unknown): JsonType | undefined {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return allTypes.find((type) => type === typeof value)
}

/** The types that a schema admits; `integer` counts as `number`. `root` is the document that its references point into. */
export function typesOf(schema: unknown, root: JsonSchema = rootOf(schema)): ReadonlySet<JsonType> {
  return typesWithin(schema, root, new Set())
}

function typesWithin(schema: unknown, root: JsonSchema, seen: ReadonlySet<unknown>): Set<JsonType> {
  if (schema === false) return new Set()
  if (!isRecord(schema) || seen.has(schema)) return new Set(allTypes)
  const inside = new Set([...seen, schema])
  let types = ownTypes(schema)
  for (const part of [...list(schema['allOf']), ...referred(schema, root)])
    types = both(types, typesWithin(part, root, inside))
  for (const options of choices(schema)) {
    const either = new Set(options.flatMap((option) => [...typesWithin(option, root, inside)]))
    types = both(types, either)
  }
  return types
}

function ownTypes({ type, enum: options, const: constant }: JsonSchema): Set<JsonType> {
  const named = (Array.isArray(type) ? type : [type]).map((one) => (one === 'integer' ? 'number' : one))
  const values = constant === undefined ? options : [constant]
  return new Set(
    allTypes.filter(
      (one) =>
        (type === undefined || named.includes(one)) &&
        (!Array.isArray(values) || values.some((value) => typeOf(value) === one)),
    ),
  )
}

/** The schema itself and all that it refers to, chooses between or combines, each once. */
export function partsOf(schemas: readonly unknown[], root: JsonSchema): JsonSchema[] {
  const found = new Set<JsonSchema>()
  const visit = (schema: unknown) => {
    if (!isRecord(schema) || found.has(schema)) return
    found.add(schema)
    for (const inner of [list(schema['allOf']), ...choices(schema), referred(schema, root)]) inner.forEach(visit)
  }
  schemas.forEach(visit)
  return [...found]
}

/** The schemas of an object's properties by name; empty for anything that is not an object. */
export function propertiesOf(
  schema: JsonSchema | undefined,
  root: JsonSchema = rootOf(schema),
): Readonly<Record<string, JsonSchema>> {
  const names = new Set(partsOf([schema], root).flatMap(namesIn))
  const entries = [...names].map((name) => [name, propertyAt(schema, root, name) ?? {}])
  return Object.fromEntries(entries)
}

function namesIn({ properties, propertyNames }: JsonSchema): string[] {
  const named = isRecord(propertyNames) ? list(propertyNames['enum']).filter((one) => typeof one === 'string') : []
  return [...Object.keys(isRecord(properties) ? properties : {}), ...named]
}

/** The schema of one property, named or not; undefined when the object does not know it. */
export function propertyAt(schema: unknown, root: JsonSchema, name: string): JsonSchema | undefined {
  return pickedFrom(schema, root, ({ properties, patternProperties, additionalProperties }) => {
    if (isRecord(properties) && Object.hasOwn(properties, name)) return properties[name]
    const patterns = Object.entries(isRecord(patternProperties) ? patternProperties : {})
    const matching = patterns.find(([pattern]) => patternOf(pattern)?.test(name))
    if (matching) return matching[1]
    return additionalProperties === false ? undefined : additionalProperties
  })
}

/** The schema of the item at a position of a list. */
export function itemAt(schema: unknown, root: JsonSchema, position: number): JsonSchema | undefined {
  return pickedFrom(schema, root, ({ prefixItems, items }) => list(prefixItems)[position] ?? items)
}

/** The names of the properties that no valid object lacks. */
export function requiredOf(schema: unknown, root: JsonSchema = rootOf(schema)): ReadonlySet<string> {
  return requiredWithin(schema, root, new Set())
}

function requiredWithin(schema: unknown, root: JsonSchema, seen: ReadonlySet<unknown>): Set<string> {
  if (!isRecord(schema) || seen.has(schema)) return new Set()
  const inside = new Set([...seen, schema])
  const names = new Set(list(schema['required']).filter((one) => typeof one === 'string'))
  for (const part of [...list(schema['allOf']), ...referred(schema, root)])
    for (const name of requiredWithin(part, root, inside)) names.add(name)
  for (const options of choices(schema)) {
    const [first = new Set<string>(), ...rest] = options.map((option) => requiredWithin(option, root, inside))
    for (const name of rest.reduce(both, first)) names.add(name)
  }
  return names
}

/** What `pick` finds in a schema and in all that it refers to, chooses between or combines, as one schema. */
function pickedFrom(
  schema: unknown,
  root: JsonSchema,
  pick: (part: JsonSchema) => unknown,
  seen: ReadonlySet<unknown> = new Set(),
): JsonSchema | undefined {
  if (!isRecord(schema) || seen.has(schema)) return undefined
  const inside = new Set([...seen, schema])
  const within = (part: unknown) => pickedFrom(part, root, pick, inside)
  const combined = [...list(schema['allOf']), ...referred(schema, root)].map(within)
  const chosen = choices(schema).map((options) => joined('anyOf', options.map(within)))
  return joined('allOf', [pick(schema), ...combined, ...chosen])
}

function joined(keyword: 'allOf' | 'anyOf', schemas: readonly unknown[]): JsonSchema | undefined {
  const different = new Map<string, JsonSchema>()
  for (const schema of schemas) {
    if (schema === undefined) continue
    const made: JsonSchema = isRecord(schema) ? schema : schema === false ? { not: {} } : {}
    different.set(JSON.stringify(made), made)
  }
  const [only, ...more] = different.values()
  return more.length === 0 ? only : { [keyword]: [only, ...more] }
}

/** A pattern of JSON Schema as JavaScript's; undefined for one that is not. */
export function patternOf(pattern: string): RegExp | undefined {
  for (const flags of ['u', '']) {
    try {
      return new RegExp(pattern, flags)
    } catch {
      // Escapes such as `\-` are errors with the flag only.
    }
  }
  return undefined
}

/** What a local reference such as `#/$defs/Key` names; undefined when it leads nowhere or out of the document. */
export function referenceTarget(reference: string, root: JsonSchema): unknown {
  if (!reference.startsWith('#')) return undefined
  let place: unknown = root
  for (const part of reference.split('/').slice(1)) {
    const key = decoded(part).replaceAll('~1', '/').replaceAll('~0', '~')
    // Pointers lead through lists too: `#/anyOf/0`.
    place =
      typeof place === 'object' && place !== null && Object.hasOwn(place, key) ? Reflect.get(place, key) : undefined
  }
  return place
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

function referred(schema: JsonSchema, root: JsonSchema): unknown[] {
  const reference = schema['$ref']
  return typeof reference === 'string' ? [referenceTarget(reference, root)] : []
}

function choices(schema: JsonSchema): (readonly unknown[])[] {
  return [list(schema['anyOf']), list(schema['oneOf'])].filter((options) => options.length > 0)
}

function both<T>(one: ReadonlySet<T>, other: ReadonlySet<T>): Set<T> {
  return new Set([...one].filter((value) => other.has(value)))
}

function rootOf(schema: unknown): JsonSchema {
  return isRecord(schema) ? schema : {}
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

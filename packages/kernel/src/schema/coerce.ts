/**
 * Turns the strings of a query string, an environment variable or a command line into the types that a JSON Schema asks for. It never
 * refuses: what does not fit is left a string, so that validation reports it in the schema's own words.
 */
import type { JsonSchema } from './schema.ts'

/** Coerces one string (or the repeated strings of one name) to the type that `schema` describes. */
export function coerceText(text: string | readonly string[], schema: JsonSchema | undefined): unknown {
  const types = typesOf(schema)
  if (types.has('array')) {
    const items = isRecord(schema?.['items']) ? schema['items'] : undefined
    const list = typeof text === 'string' ? [text] : text
    return list.map((item) => coerceText(item, items))
  }
  if (typeof text !== 'string') return text.length === 1 && text[0] !== undefined ? coerceText(text[0], schema) : text
  if (types.has('string') || types.size === 0) return text
  if ((types.has('number') || types.has('integer')) && text.trim() !== '' && Number.isFinite(Number(text)))
    return Number(text)
  if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true'
  if (types.has('null') && text === 'null') return null
  if (types.has('object')) return parseObject(text)
  return text
}

/** The schemas of an object's properties by name; empty for anything that is not an object. */
export function propertiesOf(schema: JsonSchema | undefined): Readonly<Record<string, JsonSchema>> {
  const properties = schema?.['properties']
  // JSON Schema says that `properties` maps names to schemas.
  return isRecord(properties) ? (properties as Record<string, JsonSchema>) : {}
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function typesOf(schema: JsonSchema | undefined): Set<string> {
  const types = new Set<string>()
  if (!schema) return types
  const { type, anyOf, oneOf, enum: options, const: constant } = schema
  for (const one of Array.isArray(type) ? type : [type]) if (typeof one === 'string') types.add(one)
  for (const option of [...list(anyOf), ...list(oneOf)]) {
    if (isRecord(option)) for (const one of typesOf(option)) types.add(one)
  }
  if (types.size === 0)
    for (const value of [...list(options), constant]) if (value !== undefined) types.add(typeof value)
  return types
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function parseObject(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

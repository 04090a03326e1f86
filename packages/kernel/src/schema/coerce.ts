/**
 * Turns the strings of a query string, an environment variable or a command line into the values that a JSON Schema asks for. It never
 * refuses: what does not fit is left a string, so that validation reports it in the schema's own words.
 */
import { numberIn, parseJson } from './json-value.ts'
import type { JsonSchema } from './schema.ts'
import { fits } from './schema-fit.ts'
import { itemAt, typeOf, typesOf } from './schema-parts.ts'

/**
 * Reads one string, or the repeated strings of one name, as `schema` describes it. A list is its repeated items, so that none is empty. Where
 * several types are admitted, null, booleans and numbers win over text that looks like them; lists inside lists and objects are JSON.
 *
 * @param root the document that references of `schema` point into.
 */
export function coerceText(
  text: string | readonly string[],
  schema: JsonSchema | undefined,
  root: JsonSchema = schema ?? {},
): unknown {
  const texts = typeof text === 'string' ? [text] : text
  const [only = '', ...more] = texts
  const types = typesOf(schema ?? { type: 'string' }, root)
  if (!types.has('array')) return more.length === 0 ? readOne(only, schema, root) : texts
  const items = texts.map((one, at) => readOne(one, itemAt(schema, root, at) ?? {}, root))
  if (more.length > 0) return items
  const isList = [...types].every((type) => type === 'array' || type === 'null')
  if (isList) return only === 'null' && types.has('null') ? null : items
  const one = readOne(only, schema, root)
  return !fits(one, schema, root) && fits(items, schema, root) ? items : one
}

/** The reading of a text that fits; else the first of an admitted type, which validation will speak about; else the text. */
function readOne(text: string, schema: JsonSchema | undefined, root: JsonSchema): unknown {
  if (schema === undefined) return text
  const types = typesOf(schema, root)
  const admitted = readings(text).filter((value) => types.has(typeOf(value) ?? 'string'))
  if (admitted.length < 2) return admitted.length === 0 ? text : admitted[0]
  const fitting = admitted.findIndex((value) => fits(value, schema, root))
  return admitted[Math.max(0, fitting)]
}

/** Everything that a text may stand for, the more special first. */
function readings(text: string): unknown[] {
  const number = numberIn(text)
  const json = /^[[{]/.test(text) ? parsed(text) : undefined
  return [
    ...(text === 'null' ? [null] : []),
    ...(text === 'true' || text === 'false' ? [text === 'true'] : []),
    ...(number === undefined ? [] : [number]),
    ...(json === undefined ? [] : [json]),
    text,
  ]
}

function parsed(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}

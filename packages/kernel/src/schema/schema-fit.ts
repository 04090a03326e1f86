/**
 * Whether a JSON value fits a JSON Schema (draft 2020-12, without formats and `unevaluated…`). It answers yes or no, for code that must choose
 * between readings of a text or make values; what a caller gives is judged by the contract's own validator, which says what is wrong.
 */
import type { JsonSchema } from './schema.ts'
import { isRecord, patternOf, referenceTarget, typeOf } from './schema-parts.ts'

/** A schema that refers to itself without taking the value apart admits nothing more by going on. */
const deepest = 200

/** @param root the document that references of `schema` point into. */
export function fits(value: unknown, schema: unknown, root: JsonSchema, depth = 0): boolean {
  if (typeof schema === 'boolean') return schema
  if (!isRecord(schema)) return true
  if (depth > deepest) return false
  const within = (inner: unknown, part: unknown) => fits(inner, part, root, depth + 1)
  return (
    fitsType(value, schema) &&
    fitsChoices(value, schema, root, within) &&
    (typeof value !== 'string' || fitsText(value, schema)) &&
    (typeof value !== 'number' || fitsNumber(value, schema)) &&
    (!Array.isArray(value) || fitsList(value, schema, within)) &&
    (!isRecord(value) || fitsObject(value, schema, within))
  )
}

type Within = (value: unknown, schema: unknown) => boolean

function fitsType(value: unknown, { type, enum: options, const: constant }: JsonSchema): boolean {
  const is = typeOf(value)
  const named = Array.isArray(type) ? type : [type]
  if (type !== undefined && !named.includes(is) && !(named.includes('integer') && Number.isInteger(value))) return false
  if (constant !== undefined && !isSame(value, constant)) return false
  return !Array.isArray(options) || options.some((option) => isSame(value, option))
}

function fitsChoices(value: unknown, schema: JsonSchema, root: JsonSchema, within: Within): boolean {
  const { $ref: reference, allOf, anyOf, oneOf, not } = schema
  const fitsIt = (part: unknown) => within(value, part)
  return (
    (typeof reference !== 'string' || fitsIt(referenceTarget(reference, root))) &&
    (!Array.isArray(allOf) || allOf.every(fitsIt)) &&
    (!Array.isArray(anyOf) || anyOf.some(fitsIt)) &&
    (!Array.isArray(oneOf) || oneOf.filter(fitsIt).length === 1) &&
    (not === undefined || !fitsIt(not)) &&
    (schema['if'] === undefined || fitsIt((fitsIt(schema['if']) ? schema['then'] : schema['else']) ?? true))
  )
}

function fitsText(text: string, { minLength, maxLength, pattern }: JsonSchema): boolean {
  // JSON Schema counts characters, validators count UTF-16 units; either may be meant, so both must fit.
  const lengths = [text.length, [...text].length]
  return (
    lengths.every((length) => !isBelow(length, minLength) && !isAbove(length, maxLength)) &&
    (typeof pattern !== 'string' || (patternOf(pattern)?.test(text) ?? true))
  )
}

function fitsNumber(number: number, schema: JsonSchema): boolean {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema
  const steps = typeof multipleOf === 'number' ? number / multipleOf : 0
  return (
    !isBelow(number, minimum) &&
    !isAbove(number, maximum) &&
    (typeof exclusiveMinimum !== 'number' || number > exclusiveMinimum) &&
    (typeof exclusiveMaximum !== 'number' || number < exclusiveMaximum) &&
    Math.abs(steps - Math.round(steps)) < 1e-9
  )
}

function fitsList(items: readonly unknown[], schema: JsonSchema, within: Within): boolean {
  const { minItems, maxItems, uniqueItems, contains } = schema
  const first: readonly unknown[] = Array.isArray(schema['prefixItems']) ? schema['prefixItems'] : []
  return (
    !isBelow(items.length, minItems) &&
    !isAbove(items.length, maxItems) &&
    items.every((item, at) => within(item, at < first.length ? first[at] : schema['items'])) &&
    (uniqueItems !== true || items.every((one, at) => items.findIndex((other) => isSame(one, other)) === at)) &&
    (contains === undefined || items.some((item) => within(item, contains)))
  )
}

function fitsObject(value: Record<string, unknown>, schema: JsonSchema, within: Within): boolean {
  const { required, minProperties, maxProperties, propertyNames, additionalProperties } = schema
  const keys = Object.keys(value)
  const properties = isRecord(schema['properties']) ? schema['properties'] : {}
  const patterns = Object.entries(isRecord(schema['patternProperties']) ? schema['patternProperties'] : {})
  const fitsKey = (key: string) => {
    const matching = patterns.filter(([pattern]) => patternOf(pattern)?.test(key)).map(([, part]) => part)
    const about = Object.hasOwn(properties, key) ? [properties[key], ...matching] : matching
    return (about.length > 0 ? about : [additionalProperties]).every((part) => within(value[key], part))
  }
  return (
    !isBelow(keys.length, minProperties) &&
    !isAbove(keys.length, maxProperties) &&
    (!Array.isArray(required) || required.every((key) => typeof key === 'string' && Object.hasOwn(value, key))) &&
    keys.every((key) => within(key, propertyNames) && fitsKey(key))
  )
}

function isBelow(number: number, bound: unknown): boolean {
  return typeof bound === 'number' && number < bound
}

function isAbove(number: number, bound: unknown): boolean {
  return typeof bound === 'number' && number > bound
}

/** Equal as JSON, whatever the order of keys. What is undefined is not there. */
export function isSame(one: unknown, other: unknown): boolean {
  if (Array.isArray(one))
    return Array.isArray(other) && one.length === other.length && one.every((item, at) => isSame(item, other[at]))
  if (!isRecord(one) || !isRecord(other)) return one === other
  const keys = definedKeys(one)
  return (
    keys.length === definedKeys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && isSame(one[key], other[key]))
  )
}

function definedKeys(record: Record<string, unknown>): string[] {
  return Object.keys(record).filter((key) => record[key] !== undefined)
}

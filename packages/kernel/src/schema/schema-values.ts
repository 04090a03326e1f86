/**
 * Values made from a JSON Schema: valid ones with a liking for edges, and invalid ones that are nearly valid. What needs values without
 * knowing what they mean stands on this: mocks, load, tests of contracts.
 */
import { kernelErrors } from '../errors.ts'
import { oneOf, type Random, textsFor } from './pattern-text.ts'
import type { JsonSchema } from './schema.ts'
import { fits } from './schema-fit.ts'
import { isRecord, referenceTarget, typeOf } from './schema-parts.ts'

export interface SchemaValues {
  /** A value that fits. Throws SCHEMA_VALUE_UNKNOWN when none is found. */
  valid(): unknown
  /** A value that does not fit, mostly by one change to one that does; undefined when none is found, as for a schema that admits everything. */
  invalid(): unknown
}

/**
 * A source of values. The same schema and seed give the same values in the same order. References, choices, combinations, bounds, the
 * common formats and plain patterns are understood; other keywords are left to chance and checked.
 *
 * @param seed an integer, or a random source of the caller's.
 *
 * @example
 * const values = schemaValues(jsonSchemaOf(Order, 'input', 'an order'), 42)
 * values.valid()
 */
export function schemaValues(schema: JsonSchema, seed: number | Random): SchemaValues {
  const random = typeof seed === 'number' ? seededRandom(seed) : seed
  const make = () => new ValueMaker(schema, random).value(schema, 0)
  const valid = () => {
    for (let tries = 0; tries < 200; tries++) {
      const value = make()
      if (fits(value, schema, schema)) return value
    }
    throw kernelErrors.SCHEMA_VALUE_UNKNOWN({ schema: JSON.stringify(schema).slice(0, 300) })
  }
  const invalid = () => {
    for (let tries = 0; tries < 100; tries++) {
      const value = changed(valid(), random)
      if (!fits(value, schema, schema)) return value
    }
    return undefined
  }
  return { valid, invalid }
}

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Texts that something on the way may take for another value, or cut. */
const oddTexts = [
  '',
  ' ',
  'null',
  'true',
  '5',
  '1e3',
  ' 5',
  '0x10',
  '-0',
  'NaN',
  '9007199254740993',
  '[]',
  '["a"]',
  '{"a":1}',
  'a,b',
  'a=b&c',
  'a+b',
  '%2F',
  '..',
  '.',
  '/',
  ':x',
  '*',
  '__proto__',
  'constructor',
  'grüße',
  '😀',
  '\ufeffx',
  '\0',
  'a\nb',
  '"',
  "'",
  '<b>',
  'x'.repeat(600),
]
const oddNumbers = [
  0,
  1,
  -1,
  0.1,
  -0.5,
  1e21,
  1e-7,
  2 ** 31,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_SAFE_INTEGER,
  Number.MIN_VALUE,
]
const oddKeys = ['a', '__proto__', 'constructor', 'toString', 'x y', '1', 'a.b', 'ключ', '']
const formats: Readonly<Record<string, readonly string[]>> = {
  'date-time': ['2024-02-29T23:59:59Z', '1970-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z'],
  date: ['2024-02-29', '1970-01-01'],
  time: ['00:00:00', '23:59:59'],
  duration: ['P1D', 'PT0S'],
  email: ['a@example.com', 'first.last+tag@sub.example.org'],
  uuid: ['00000000-0000-0000-0000-000000000000', '123e4567-e89b-42d3-a456-426614174000'],
  uri: ['https://example.com/a?b=c#d', 'urn:isbn:0451450523'],
  ipv4: ['127.0.0.1', '255.255.255.255'],
  ipv6: ['::1', '2001:db8::ff00:42:8329'],
  hostname: ['localhost', 'a.example.com'],
}
const scalars = ['string', 'number', 'boolean', 'null'] as const
/** Below this depth only what must be there is made, so that recursive schemas end. */
const deep = 4

class ValueMaker {
  readonly #root: JsonSchema
  readonly #random: Random

  constructor(root: JsonSchema, random: Random) {
    this.#root = root
    this.#random = random
  }

  value(given: unknown, depth: number): unknown {
    const schema = this.#plain(given, depth, new Set())
    if (schema['const'] !== undefined) return schema['const']
    if (Array.isArray(schema['enum'])) return this.#oneOf(schema['enum'])
    const type = this.#typeOf(schema, depth)
    if (type === 'string') return this.#text(schema)
    if (type === 'number' || type === 'integer') return this.#number(schema, type === 'integer')
    if (type === 'boolean') return this.#chance(0.5)
    if (type === 'array') return this.#list(schema, depth)
    return type === 'object' ? this.#object(schema, depth) : null
  }

  /** One schema without references, choices and combinations: of a choice, one. */
  #plain(given: unknown, depth: number, seen: ReadonlySet<unknown>): JsonSchema {
    if (!isRecord(given) || seen.has(given)) return {}
    const inside = new Set([...seen, given])
    const { $ref: reference, allOf, anyOf, oneOf: one, ...own } = given
    const parts: unknown[] = [own, ...(Array.isArray(allOf) ? allOf : [])]
    if (typeof reference === 'string') parts.push(referenceTarget(reference, this.#root))
    for (const options of [anyOf, one])
      if (Array.isArray(options)) parts.push(depth < deep ? this.#oneOf(options) : this.#shortest(options))
    const made = parts.map((part) => (part === own ? own : this.#plain(part, depth, inside)))
    return made.reduce(merged)
  }

  #shortest(options: readonly unknown[]): unknown {
    const isShort = (option: unknown) => isRecord(option) && scalars.some((type) => option['type'] === type)
    return options.find(isShort) ?? this.#oneOf(options)
  }

  #typeOf(schema: JsonSchema, depth: number): unknown {
    const { type } = schema
    if (Array.isArray(type)) return this.#oneOf(type)
    if (type !== undefined) return type
    if (schema['properties'] !== undefined || schema['required'] !== undefined) return 'object'
    if (schema['items'] !== undefined || schema['prefixItems'] !== undefined) return 'array'
    if (schema['pattern'] !== undefined || schema['minLength'] !== undefined) return 'string'
    if (schema['minimum'] !== undefined || schema['maximum'] !== undefined) return 'number'
    return this.#oneOf(depth < deep ? [...scalars, 'array', 'object'] : scalars)
  }

  #text(schema: JsonSchema): string {
    const { minLength: least = 0, maxLength: most = Number.POSITIVE_INFINITY, pattern, format } = schema
    const known = typeof format === 'string' && Object.hasOwn(formats, format) ? formats[format] : undefined
    if (known) return this.#oneOf(known) ?? ''
    if (typeof pattern === 'string') return textsFor(pattern)(this.#random)
    const fitting = oddTexts.filter((text) => text.length >= Number(least) && text.length <= Number(most))
    if (fitting.length > 0 && this.#chance(0.6)) return this.#oneOf(fitting) ?? ''
    const length = Number(least) + this.#below(Math.min(Number(most) - Number(least), 8) + 1)
    return Array.from({ length }, () => this.#oneOf([...'abcXYZ019 -_é'])).join('')
  }

  #number(schema: JsonSchema, isInteger: boolean): number {
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema
    const step = typeof multipleOf === 'number' ? multipleOf : isInteger ? 1 : 0
    const past = step || 1e-6
    const least = Math.max(numberOr(minimum, -1e6), numberOr(exclusiveMinimum, Number.NEGATIVE_INFINITY) + past)
    const most = Math.min(
      numberOr(maximum, Math.max(1e6, least)),
      numberOr(exclusiveMaximum, Number.POSITIVE_INFINITY) - past,
    )
    const within = oddNumbers.filter((number) => fits(number, schema, this.#root))
    const edges = [...within, minimum, maximum].filter((number) => typeof number === 'number')
    if (edges.length > 0 && this.#chance(0.6)) return this.#oneOf(edges) ?? 0
    const number = least + this.#random() * (most - least)
    return step > 0 ? Number((Math.round(number / step) * step).toPrecision(15)) : number
  }

  #list(schema: JsonSchema, depth: number): unknown[] {
    const first: readonly unknown[] = Array.isArray(schema['prefixItems']) ? schema['prefixItems'] : []
    const items = schema['items']
    const least = numberOr(schema['minItems'], 0)
    const most = Math.min(numberOr(schema['maxItems'], 5), items === false ? first.length : least + 5)
    const length = depth >= deep ? least : least + this.#below(Math.max(0, most - least) + 1)
    return Array.from({ length: Math.max(length, least) }, (_, at) =>
      this.value(at < first.length ? first[at] : items, depth + 1),
    )
  }

  #object(schema: JsonSchema, depth: number): Record<string, unknown> {
    const { properties, required, additionalProperties: rest, propertyNames: names } = schema
    const needed: readonly unknown[] = Array.isArray(required) ? required : []
    const known = isRecord(properties) ? properties : {}
    const isThere = (key: string) => needed.includes(key) || (known[key] !== false && depth < deep && this.#chance(0.6))
    const entries = Object.keys(known)
      .filter(isThere)
      .map((key) => [key, this.value(known[key], depth + 1)] as const)
    const more = isRecord(rest) && depth < deep ? this.#keys(names, depth) : []
    for (const key of [...more, ...needed.filter((one) => typeof one === 'string')])
      if (!Object.hasOwn(known, key)) entries.push([key, this.value(rest, depth + 1)])
    return Object.fromEntries(entries)
  }

  #keys(names: unknown, depth: number): string[] {
    const make = () =>
      isRecord(names) && Object.keys(names).length > 1 ? this.value(names, depth) : this.#oneOf(oddKeys)
    return Array.from({ length: this.#below(4) }, () => String(make()))
  }

  #oneOf<T>(values: readonly T[]): T | undefined {
    return oneOf(values, this.#random)
  }

  #below(bound: number): number {
    return Math.floor(this.#random() * bound)
  }

  #chance(of: number): boolean {
    return this.#random() < of
  }
}

/** Both schemas as one: properties together, the narrower of two bounds, values that both name. */
function merged(one: JsonSchema, other: JsonSchema): JsonSchema {
  const both: Record<string, unknown> = { ...one, ...other }
  for (const key of ['properties', 'patternProperties'])
    if (isRecord(one[key]) && isRecord(other[key])) both[key] = mergedProperties(one[key], other[key])
  if (Array.isArray(one['required']) && Array.isArray(other['required']))
    both['required'] = [...one['required'], ...other['required']]
  for (const [prefix, narrower] of [
    ['min', Math.max],
    ['max', Math.min],
    ['exclusiveMin', Math.max],
    ['exclusiveMax', Math.min],
  ] as const)
    for (const key of Object.keys(one).filter((name) => name.startsWith(prefix)))
      if (typeof one[key] === 'number' && typeof other[key] === 'number') both[key] = narrower(one[key], other[key])
  return both
}

function mergedProperties(one: Record<string, unknown>, other: Record<string, unknown>): Record<string, unknown> {
  const shared = Object.keys(one).filter((key) => Object.hasOwn(other, key))
  return { ...one, ...other, ...Object.fromEntries(shared.map((key) => [key, { allOf: [one[key], other[key]] }])) }
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise
}

/** The value with one thing changed, anywhere in it. */
function changed(value: unknown, random: Random): unknown {
  const isDeeper = random() < 0.7
  if (Array.isArray(value) && value.length > 0 && isDeeper) {
    const at = Math.floor(random() * value.length)
    if (random() < 0.2) return value.toSpliced(at, 1)
    return value.with(at, changed(value[at], random))
  }
  const keys = isRecord(value) ? Object.keys(value) : []
  const key = oneOf(keys, random)
  if (isRecord(value) && key !== undefined && isDeeper) {
    const entries = Object.entries(value)
    if (random() < 0.3) return Object.fromEntries(entries.filter(([name]) => name !== key))
    return Object.fromEntries(entries.map(([name, inner]) => [name, name === key ? changed(inner, random) : inner]))
  }
  return oneOf(otherThan(value), random)
}

function otherThan(value: unknown): unknown[] {
  const near: unknown[] =
    typeof value === 'number'
      ? [value + 0.5, -value - 1, value * 1e6 + 1, String(value)]
      : typeof value === 'string'
        ? [`${value}!`, value.slice(1), '', 'x'.repeat(1_000), [value], Number(value) || 0]
        : Array.isArray(value)
          ? [[...value, ...value, 'x'], [], value[0], {}]
          : [JSON.stringify(value), [value]]
  const others: unknown[] = [null, true, 0, '5', [], {}]
  return [...near, ...others].filter((one) => typeOf(one) !== typeOf(value) || one !== value)
}

/**
 * JSON Schema of an OpenAPI document (3.0 and 3.1) as zod code. Named schemas become constants in an order in which each is declared before
 * it is used; those that refer to themselves do so through getters. What zod cannot say is noted, never dropped without a word.
 */
import { isRecord } from '@keelson/kernel'

type Node = Readonly<Record<string, unknown>>

/** Turns schemas into code and collects the constants they need. */
export interface ZodWriter {
  /** The code of one schema. `place` says where it stands, for notes. */
  schema(node: unknown, place: string): string
  /** Follows references; undefined for one that leads nowhere, which is noted. */
  resolve(node: unknown, place: string): Node | undefined
  /** The properties of an object schema, references and `allOf` folded in; undefined for anything that is more than that. */
  fields(
    node: unknown,
    place: string,
  ): { readonly properties: Node; readonly required: ReadonlySet<string> } | undefined
  /** The constants made so far, in order. */
  declarations(): string[]
}

/** `reserved` is the name that the contract itself takes in the module. */
export function createZodWriter(
  document: Node,
  reserved: string,
  note: (place: string, text: string) => void,
): ZodWriter {
  const declared = new Map<string, { identifier: string; code?: string }>()
  const order: string[] = []
  /** Named schemas whose code is being written, innermost last. */
  const open: string[] = []
  let isInGetter = false

  function resolve(node: unknown, place: string, depth = 0): Node | undefined {
    if (!isRecord(node)) return undefined
    const reference = node['$ref']
    if (typeof reference !== 'string') return node
    const target = reference.startsWith('#/') && depth < 50 ? targetOf(document, reference) : undefined
    if (target === undefined) note(place, `the reference ${reference} leads nowhere in this document`)
    return resolve(target, place, depth + 1)
  }

  function fields(node: unknown, place: string): ReturnType<ZodWriter['fields']> {
    const schema = resolve(node, place)
    if (!schema || schema['nullable'] === true || schema['oneOf'] || schema['anyOf'] || schema['additionalProperties'])
      return undefined
    const { allOf, type, properties } = schema
    if (type !== undefined && type !== 'object') return undefined
    const own = { properties: isRecord(properties) ? properties : {}, required: namesIn(schema['required']) }
    if (!Array.isArray(allOf)) return isRecord(properties) || type === 'object' ? own : undefined
    const parts = allOf.map((part: unknown) => fields(part, place))
    return parts.reduce<ReturnType<ZodWriter['fields']>>(
      (all, part) =>
        all && part
          ? {
              properties: { ...all.properties, ...part.properties },
              required: new Set([...all.required, ...part.required]),
            }
          : undefined,
      own,
    )
  }

  /** The constant of a named schema, written first when it has not been. */
  function constant(reference: string, place: string): string {
    const known = declared.get(reference)
    if (known) return known.identifier
    const identifier = freshName(pascal(reference.split('/').at(-1) ?? ''), reserved, declared)
    const entry: { identifier: string; code?: string } = { identifier }
    declared.set(reference, entry)
    const before = isInGetter
    isInGetter = false
    open.push(reference)
    entry.code = schemaCode(resolve({ $ref: reference }, place), identifier)
    open.pop()
    isInGetter = before
    order.push(reference)
    return identifier
  }

  function schemaCode(node: unknown, place: string): string {
    if (node === true || node === undefined) return 'z.unknown()'
    if (node === false) return 'z.never()'
    if (!isRecord(node)) return 'z.unknown()'
    const reference = node['$ref']
    if (typeof reference === 'string') {
      if (!resolve(node, place)) return 'z.unknown()'
      const isBackwards = open.includes(reference) && !isInGetter
      const code = constant(reference, place)
      return isBackwards ? lazily(code, place) : code
    }
    return decorate(node, coreCode(node, place))
  }

  /** Only a property of an object can refer to its own object by name alone. */
  function lazily(code: string, place: string): string {
    note(place, `${code} refers to itself outside an object: its type is unknown here`)
    return `z.lazy((): z.ZodType => ${code})`
  }

  function coreCode(node: Node, place: string): string {
    const { type, enum: options, const: constantValue, allOf } = node
    const alternatives = Array.isArray(node['oneOf']) ? node['oneOf'] : node['anyOf']
    for (const keyword of ['not', 'if', 'patternProperties', 'dependentRequired', 'dependentSchemas', 'contains'])
      if (node[keyword] !== undefined) note(place, `"${keyword}" is not checked`)
    if (constantValue !== undefined) return `z.literal(${literal(constantValue)})`
    if (Array.isArray(options)) return enumCode(options)
    if (Array.isArray(alternatives)) return unionCode(alternatives, place)
    if (Array.isArray(allOf)) return allOfCode(node, allOf, place)
    if (Array.isArray(type)) {
      const kinds = type.filter((one) => one !== 'null').map((one) => coreCode({ ...node, type: one }, place))
      const code = kinds.length === 1 ? (kinds[0] ?? '') : `z.union([${kinds.join(', ')}])`
      return type.includes('null') ? `${code}.nullable()` : code
    }
    return typeCode(typeof type === 'string' ? type : guessType(node), node, place)
  }

  function typeCode(type: string | undefined, node: Node, place: string): string {
    if (type === 'string') return stringCode(node, place, note)
    if (type === 'integer') return `z.int()${limits(node, numberLimits)}`
    if (type === 'number') return `z.number()${limits(node, numberLimits)}`
    if (type === 'boolean') return 'z.boolean()'
    if (type === 'null') return 'z.null()'
    if (type === 'array') {
      if (node['uniqueItems'] === true) note(place, 'that items are unique is not checked')
      return `z.array(${schemaCode(node['items'], `${place}[]`)})${limits(node, itemLimits)}`
    }
    return type === 'object' ? objectCode(node, place) : 'z.unknown()'
  }

  function objectCode(node: Node, place: string): string {
    const rest = node['additionalProperties']
    const properties = isRecord(node['properties']) ? node['properties'] : undefined
    const others = rest === true || rest === undefined ? 'z.unknown()' : schemaCode(rest, `${place}{}`)
    if (!properties) return rest === false ? 'z.object({})' : `z.record(z.string(), ${others})`
    const required = namesIn(node['required'])
    const lines = Object.entries(properties).map(([key, property]) => propertyCode(key, property, required, place))
    const code = `z.object({${lines.length > 0 ? `\n${indent(lines.join('\n'))}\n` : ''}})`
    return rest === undefined || rest === false ? code : `${code}.catchall(${others})`
  }

  function propertyCode(key: string, property: unknown, required: ReadonlySet<string>, place: string): string {
    const isCyclic = open.some((one) => reaches(property, one))
    const before = isInGetter
    isInGetter = isCyclic
    const code = optional(schemaCode(property, `${place}.${key}`), property, required.has(key))
    isInGetter = before
    return isCyclic ? `get ${keyCode(key)}() {\n  return ${code}\n},` : `${keyCode(key)}: ${code},`
  }

  /** Whether following references from `node` leads to the named schema. */
  function reaches(node: unknown, reference: string, seen = new Set<string>()): boolean {
    if (Array.isArray(node)) return node.some((one) => reaches(one, reference, seen))
    if (!isRecord(node)) return false
    const target = node['$ref']
    if (typeof target === 'string') {
      if (target === reference) return true
      if (seen.has(target)) return false
      seen.add(target)
      return reaches(targetOf(document, target), reference, seen)
    }
    return Object.entries(node).some(([key, inner]) => !isProse.has(key) && reaches(inner, reference, seen))
  }

  function unionCode(alternatives: readonly unknown[], place: string): string {
    const isNull = (one: unknown) => isRecord(one) && one['type'] === 'null'
    const codes = alternatives.filter((one) => !isNull(one)).map((one) => schemaCode(one, place))
    const code = codes.length === 1 ? (codes[0] ?? '') : `z.union([${codes.join(', ')}])`
    return alternatives.some(isNull) ? `${code}.nullable()` : code
  }

  function allOfCode(node: Node, parts: readonly unknown[], place: string): string {
    if (parts.length === 1 && !node['properties']) return schemaCode(parts[0], place)
    const merged = fields({ ...node, nullable: false }, place)
    if (merged)
      return objectCode({ type: 'object', properties: merged.properties, required: [...merged.required] }, place)
    const { allOf: _, nullable: __, description: ___, ...own } = node
    const all = Object.keys(own).length > 0 ? [own, ...parts] : parts
    return all.map((part) => schemaCode(part, place)).reduce((one, other) => `z.intersection(${one}, ${other})`)
  }

  return {
    schema: schemaCode,
    resolve,
    fields,
    declarations: () =>
      order.map((reference) => {
        const entry = declared.get(reference)
        return `const ${entry?.identifier} = ${entry?.code}`
      }),
  }
}

/** `optional()` where a property may be left out; one with a default may be anyway. */
export function optional(code: string, node: unknown, isRequired: boolean): string {
  const hasDefault = isRecord(node) && node['default'] !== undefined
  return isRequired || hasDefault ? code : `${code}.optional()`
}

/** A string as source, in single quotes. */
export function quote(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}

export function keyCode(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) && key !== '__proto__' ? key : `[${quote(key)}]`
}

export function pascal(text: string): string {
  const name = text.replace(/(^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, (_, __, letter: string) => letter.toUpperCase())
  const word = name.replace(/[^A-Za-z0-9]/g, '')
  return /^[A-Za-z]/.test(word) ? word : `Schema${word}`
}

export function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ')
}

const isProse = new Set(['description', 'example', 'examples', 'default', 'enum', 'const'])
const numberLimits = { minimum: 'min', maximum: 'max', multipleOf: 'multipleOf' }
const itemLimits = { minItems: 'min', maxItems: 'max' }
const textLimits = { minLength: 'min', maxLength: 'max' }

const formats: Readonly<Record<string, string>> = {
  'date-time': 'z.iso.datetime({ offset: true })',
  date: 'z.iso.date()',
  email: 'z.email()',
  uuid: 'z.guid()',
  uri: 'z.url()',
  url: 'z.url()',
  ipv4: 'z.ipv4()',
  ipv6: 'z.ipv6()',
  byte: 'z.base64()',
}

function stringCode(node: Node, place: string, note: (place: string, text: string) => void): string {
  const { format, pattern } = node
  const known = typeof format === 'string' && Object.hasOwn(formats, format) ? formats[format] : undefined
  if (typeof format === 'string' && !known) note(place, `the format "${format}" is not checked`)
  const code = `${known ?? 'z.string()'}${limits(node, textLimits)}`
  if (typeof pattern !== 'string') return code
  const flags = flagsOf(pattern)
  if (flags !== undefined) return `${code}.regex(new RegExp(${quote(pattern)}${flags && `, ${quote(flags)}`}))`
  note(place, `the pattern ${pattern} is not one of JavaScript's and is not checked`)
  return code
}

/**
 * The flags with which JavaScript reads a pattern as JSON Schema means it, with code points (JSON Schema Core, 6.4). Without the flag `u` only
 * what needs to be: escapes of punctuation. Undefined for a pattern of another language, such as one with `\\A`, which would be the letter A.
 */
function flagsOf(pattern: string): string | undefined {
  if (isPattern(pattern, 'u')) return isPattern(pattern, '') && !meansCodePoints.test(pattern) ? '' : 'u'
  const hasForeignEscape = /(^|[^\\])(\\\\)*\\([^bBcdDfknrsStuvwWx0-9\W_]|u\{)/.test(pattern)
  return isPattern(pattern, '') && !hasForeignEscape ? '' : undefined
}

/** Properties of letters, code points in braces, letters beyond 16 bits, and whatever stands for one letter of many. */
const meansCodePoints = /\\[pP]\{|\\u\{|[\u{10000}-\u{10ffff}]|(^|[^\\])\.|\[\^|\\[WDS]/u

function isPattern(pattern: string, flags: string): boolean {
  try {
    new RegExp(pattern, flags)
    return true
  } catch {
    return false
  }
}

/** Limits as calls. OpenAPI 3.0 marks an exclusive one with a boolean beside it, 3.1 gives it as a number. */
function limits(node: Node, names: Readonly<Record<string, string>>): string {
  const exclusive = { minimum: 'exclusiveMinimum', maximum: 'exclusiveMaximum' } as const
  let code = ''
  for (const [keyword, method] of Object.entries(names)) {
    const side = keyword === 'minimum' || keyword === 'maximum' ? exclusive[keyword] : undefined
    const [value, beyond] = [node[keyword], side && node[side]]
    const strict = method === 'min' ? 'gt' : 'lt'
    if (typeof value === 'number') code += `.${beyond === true ? strict : method}(${value})`
    if (typeof beyond === 'number') code += `.${strict}(${beyond})`
  }
  return code
}

function enumCode(options: readonly unknown[]): string {
  const values = options.filter((one) => one !== null)
  const code = values.every((one) => typeof one === 'string')
    ? `z.enum([${values.map((one) => quote(String(one))).join(', ')}])`
    : `z.literal([${values.map(literal).join(', ')}])`
  return options.includes(null) ? `${code}.nullable()` : code
}

function decorate(node: Node, code: string): string {
  const isNullable = node['nullable'] === true && !code.endsWith('.nullable()')
  const fallback = node['default'] === undefined ? '' : `.default(${literal(node['default'])})`
  const about = typeof node['description'] === 'string' ? `.describe(${quote(node['description'].trim())})` : ''
  return `${code}${isNullable ? '.nullable()' : ''}${fallback}${about}`
}

function literal(value: unknown): string {
  return typeof value === 'string' ? quote(value) : JSON.stringify(value)
}

function guessType(node: Node): string | undefined {
  if (node['properties'] !== undefined || node['additionalProperties'] !== undefined) return 'object'
  return node['items'] === undefined ? undefined : 'array'
}

function namesIn(value: unknown): ReadonlySet<string> {
  return new Set(Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [])
}

function targetOf(document: Node, reference: string): unknown {
  return reference
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((at, key) => (isRecord(at) && Object.hasOwn(at, key) ? at[key] : undefined), document)
}

function freshName(name: string, reserved: string, declared: ReadonlyMap<string, { identifier: string }>): string {
  const taken = new Set([reserved, 'RegExp', ...[...declared.values()].map(({ identifier }) => identifier)])
  let candidate = name
  for (let n = 2; taken.has(candidate); n++) candidate = `${name}${n}`
  return candidate
}

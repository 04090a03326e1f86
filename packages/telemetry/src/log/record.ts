/**
 * One record, and how anything a caller passes becomes one: JSON that is safe to write, bounded in size and free of secrets. It is done
 * once, here, so that every log says the same of the same value.
 */
import { isNativeError } from 'node:util/types'
import { isSecretName, type Json, redacted, withoutCredentials } from '@keelson/kernel'
import type { LogFields, LogLevel } from './log.ts'

export interface LogRecord {
  /** Milliseconds since 1970. */
  readonly time: number
  readonly level: LogLevel
  /** One line: control characters are shown as escapes. */
  readonly message: string
  readonly fields: SafeFields
}

export type SafeFields = Readonly<Record<string, Json>>

const deepest = 8
const valuesAtMost = 1_000
const charactersAtMost = 32_768
const textAtMost = 8_192
const keyAtMost = 256

/** What is left to spend on one record, and the objects the walk is inside of. */
interface Walk {
  values: number
  characters: number
  readonly inside: object[]
}

/** The fields of a record as JSON. Never throws. */
export function safeFields(fields: LogFields): SafeFields {
  const walk: Walk = { values: valuesAtMost, characters: charactersAtMost, inside: [] }
  const safe: Record<string, Json> = {}
  // An error in place of the fields is a slip the compiler catches only for typed callers.
  const given = isErrorObject(fields) ? { error: fields } : fields
  try {
    if (typeof given === 'object' && given !== null) fill(safe, propertiesOf(given), walk, freeKey)
  } catch {
    put(safe, 'fields', unreadable)
  }
  return safe
}

/** A message as one bounded line: control characters and those that reorder text are shown as escapes. Never throws. */
export function safeMessage(message: unknown): string {
  try {
    return oneLine(shortened(String(message), textAtMost))
  } catch {
    return unreadable
  }
}

/** Shows control characters, line separators and the marks that reorder text as escapes. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, escaped)
}

const unreadable = '[unreadable]'
const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function escaped(character: string): string {
  return shortEscapes[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** Names that the record itself has. */
function freeKey(key: string): string {
  return key === 'time' || key === 'level' || key === 'message' ? `${key}_` : key
}

type Property = readonly [key: string, read: () => unknown]

function propertiesOf(object: object): Iterable<Property> {
  // Indexing by an object's own key is what reading a property is.
  const record = object as Record<string, unknown>
  return Object.keys(object).map((key) => [key, () => record[key]] as const)
}

function fill(target: Record<string, Json>, properties: Iterable<Property>, walk: Walk, rename = sameKey): void {
  for (const [key, read] of properties) {
    if (walk.values <= 0) {
      put(target, '…', '[more left out]')
      return
    }
    const name = cut(rename(key), keyAtMost)
    walk.characters -= name.length
    const value = readSafely(read)
    const safe = value !== undefined && isSecretName(key, value) ? redacted : safeValue(value, walk)
    if (safe !== undefined) put(target, name, safe)
  }
}

function sameKey(key: string): string {
  return key
}

function readSafely(read: () => unknown): unknown {
  try {
    return read()
  } catch {
    return unreadable
  }
}

function put(target: Record<string, Json>, key: string, value: Json): void {
  if (key === '__proto__')
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  else target[key] = value
}

function safeValue(value: unknown, walk: Walk): Json | undefined {
  walk.values--
  switch (typeof value) {
    case 'string':
      return safeText(value, walk)
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'boolean':
      return value
    case 'bigint':
    case 'symbol':
      return safeText(String(value), walk)
    case 'function':
      return '[function]'
    case 'object':
      return value === null ? null : safeObject(value, walk)
    default:
      return undefined
  }
}

function safeText(text: string, walk: Walk): string {
  const safe = shortened(text, Math.min(textAtMost, Math.max(walk.characters, 0)))
  walk.characters -= safe.length
  return safe
}

/**
 * A text without passwords, cut. What lies far beyond the cut is not even looked at: a line of ten megabytes costs no more than one of thirty
 * kilobytes.
 */
function shortened(text: string, atMost: number): string {
  const far = textAtMost * 4
  if (text.length <= far) return cut(withoutCredentials(text), atMost)
  const begin = withoutCredentials(text.slice(0, far)).slice(0, atMost).toWellFormed()
  return `${begin}…[${text.length - atMost} more]`
}

function cut(text: string, atMost: number): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed()
  return whole.length <= atMost ? whole : `${whole.slice(0, atMost).toWellFormed()}…[${whole.length - atMost} more]`
}

function safeObject(object: object, walk: Walk): Json | undefined {
  if (walk.inside.includes(object)) return '[circular]'
  if (walk.inside.length >= deepest) return '[too deep]'
  walk.inside.push(object)
  try {
    return describe(object, walk)
  } catch {
    return unreadable
  } finally {
    walk.inside.pop()
  }
}

function describe(object: object, walk: Walk): Json | undefined {
  if (isErrorObject(object)) return describeError(object, walk)
  if (Array.isArray(object) || object instanceof Set) return describeList(object, walk)
  if (ArrayBuffer.isView(object) || object instanceof ArrayBuffer) return `[${object.byteLength} bytes]`
  if (object instanceof RegExp) return safeText(String(object), walk)
  if (object instanceof Map) return describeRecord(entriesOf(object), walk)
  const json = 'toJSON' in object && typeof object.toJSON === 'function' ? object.toJSON() : object
  if (typeof json !== 'object' || json === null) return safeValue(json, walk)
  return Array.isArray(json) ? describeList(json, walk) : describeRecord(propertiesOf(json), walk)
}

function describeRecord(properties: Iterable<Property>, walk: Walk): Json {
  const record: Record<string, Json> = {}
  fill(record, properties, walk)
  return record
}

function* entriesOf(map: ReadonlyMap<unknown, unknown>): Generator<Property> {
  for (const [key, value] of map) yield [typeof key === 'object' ? '[object]' : String(key), () => value]
}

function describeList(items: Iterable<unknown>, walk: Walk): Json {
  const list: Json[] = []
  for (const item of items) {
    if (walk.values <= 0) {
      list.push('[more left out]')
      break
    }
    list.push(safeValue(item, walk) ?? null)
  }
  return list
}

const errorParts = ['name', 'message', 'code', 'details', 'stack', 'cause', 'errors'] as const

function describeError(error: object, walk: Walk): Json {
  // Errors carry these as own or inherited properties of any type; each is read on its own, since any may throw.
  const parts = error as Record<string, unknown>
  return describeRecord(
    errorParts.map((part) => [part, () => parts[part]] as const),
    walk,
  )
}

function isErrorObject(value: unknown): value is Error {
  return value instanceof Error || isNativeError(value)
}

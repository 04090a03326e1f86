/**
 * Any value as JSON of a bounded size. It is made for what has to be told whatever it holds, such as an error's details: nothing that a
 * value does while it is read may throw, recurse without end, or fill the memory.
 */
import type { Json } from './json.ts'

export interface JsonBounds {
  /** How many levels of arrays and objects are kept. */
  readonly depth: number
  /** The entries of all arrays and objects together. */
  readonly entries: number
  /** The characters of all texts and names together. */
  readonly characters: number
}

/** What is left of the bounds, and the objects that the present value lies in. */
interface Walk {
  depth: number
  entries: number
  characters: number
  readonly inside: object[]
}

const unreadable = '[unreadable]'

/**
 * `value` as JSON. Never throws. A value with a form in JSON keeps it; any other is named in its place: `[circular]`, `[too deep]`,
 * `[function]`, `[12 bytes]`, `[unreadable]` for what throws when it is read. Numbers that JSON does not know become text. What
 * lies beyond the bounds is left out and `[cut]`, or how many characters were, stands for it.
 */
export function boundedJson(value: unknown, bounds: JsonBounds): Json {
  return jsonOf(value, { ...bounds, inside: [] }) ?? null
}

/** `text` with at most `longest` characters, and behind them how many were cut. */
export function boundedText(text: string, longest: number): string {
  if (text.length <= longest) return text.toWellFormed()
  return `${text.slice(0, longest).toWellFormed()}…[${text.length - longest} more]`
}

/** Undefined for what JSON leaves out of objects. */
function jsonOf(value: unknown, walk: Walk): Json | undefined {
  switch (typeof value) {
    case 'string':
      return textWithin(value, walk)
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'boolean':
      return value
    case 'bigint':
      return bigIntText(value, walk)
    case 'undefined':
      return undefined
    case 'object':
      return value === null ? null : jsonOfObject(value, walk)
    default:
      return `[${typeof value}]`
  }
}

function textWithin(text: string, walk: Walk): string {
  const bounded = boundedText(text, Math.max(0, walk.characters))
  walk.characters -= text.length
  return bounded
}

/** The digits of a huge number take a time that grows with its square. */
function bigIntText(value: bigint, walk: Walk): string {
  return BigInt.asIntN(1_024, value) === value ? textWithin(String(value), walk) : '[bigint]'
}

function jsonOfObject(object: object, walk: Walk): Json | undefined {
  if (walk.inside.includes(object)) return '[circular]'
  if (walk.inside.length >= walk.depth) return '[too deep]'
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
  if (ArrayBuffer.isView(object) || object instanceof ArrayBuffer) return `[${object.byteLength} bytes]`
  if (object instanceof Error) return `[${boundedText(String(object.name), 100)}]`
  if (Array.isArray(object)) return listOf(object, walk)
  if (object instanceof Map || object instanceof Set) return listOf(object, walk)
  const form: unknown = 'toJSON' in object && typeof object.toJSON === 'function' ? object.toJSON() : object
  return form === object ? recordOf(object, walk) : jsonOf(form, walk)
}

function listOf(items: Iterable<unknown>, walk: Walk): Json {
  const list: Json[] = []
  for (const item of items) {
    if (isSpent(walk)) {
      list.push('[cut]')
      break
    }
    walk.entries--
    list.push(jsonOf(item, walk) ?? null)
  }
  return list
}

function recordOf(object: object, walk: Walk): Json {
  const entries: [string, Json][] = []
  // A loop over the names rather than a list of them: an object may have millions.
  for (const key in object) {
    if (!Object.hasOwn(object, key)) continue
    if (isSpent(walk)) {
      entries.push(['…', '[cut]'])
      break
    }
    walk.entries--
    const name = textWithin(key, walk)
    const value = valueAt(object, key, walk)
    if (value !== undefined) entries.push([name, value])
  }
  // Unlike an assignment this makes a property of "__proto__" too.
  return Object.fromEntries(entries)
}

function valueAt(object: object, key: string, walk: Walk): Json | undefined {
  try {
    return jsonOf(Reflect.get(object, key), walk)
  } catch {
    return unreadable
  }
}

function isSpent({ entries, characters }: Walk): boolean {
  return entries <= 0 || characters <= 0
}

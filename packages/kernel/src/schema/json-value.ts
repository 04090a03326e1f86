/** JSON without loss: what it cannot carry unchanged is found before it is written and refused when it is read. */
import type { Problem } from './schema.ts'
import { isRecord } from './schema-parts.ts'

/**
 * The number that a text writes as JSON does; undefined for anything else (`0x10`, ` 5`, `1.`), and for one that JavaScript would change: an
 * integer with more digits than a double holds, or a size beyond its range. There is one zero.
 */
export function numberIn(text: string): number | undefined {
  const match = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.exec(text)
  if (!match) return undefined
  const [, whole = '', fraction = '', exponent] = match
  const number = Number(text)
  if (!Number.isFinite(number)) return undefined
  const isInteger = fraction === '' && exponent === undefined
  // What JavaScript writes of a large number is not exact to the last digit, and is that number all the same.
  const isChanged = isInteger && String(number) !== text && BigInt(number) !== BigInt(text)
  if (isChanged) return undefined
  if (number === 0) return /[1-9]/.test(whole + fraction) ? undefined : 0
  return number
}

/** Nothing that is written by hand is nested deeper; validators and writers recurse. */
const deepest = 500

/** Parses JSON, and throws a SyntaxError also for a number that JavaScript would change and for what is nested deeper than 500 levels. */
export function parseJson(text: string): unknown {
  if (text.length > deepest * 2 && isDeeper(text)) throw new SyntaxError(`it is nested deeper than ${deepest} levels`)
  // Reviving costs several times what parsing does, and other numbers are safe.
  if (!/\d{16}|[eE][+-]?\d{3}/.test(text)) return JSON.parse(text)
  const revive = (_: string, value: unknown, context?: { source?: string }) => {
    if (typeof value === 'number' && context?.source !== undefined && numberIn(context.source) === undefined)
      throw new SyntaxError(`the number ${context.source.slice(0, 40)} cannot be held exactly`)
    return value
  }
  return JSON.parse(text, revive)
}

/** Counts the brackets outside of strings, without a recursion of its own. What is not JSON is left for the parser to refuse. */
function isDeeper(text: string): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at)
    if (character === quote) {
      do at = text.indexOf('"', at + 1)
      while (at > 0 && isEscaped(text, at))
      if (at < 0) return false
    } else if (character === bracket || character === brace) {
      if (++depth > deepest) return true
      // The closing ones come two places after the opening ones.
    } else if (character === bracket + 2 || character === brace + 2) depth--
  }
  return false
}

const quote = 34
const backslash = 92
const bracket = 91
const brace = 123

function isEscaped(text: string, at: number): boolean {
  let before = at - 1
  while (text.charCodeAt(before) === backslash) before--
  return (at - before) % 2 === 0
}

/**
 * Everything in a value that JSON would drop, change or refuse, with its path: NaN, a bigint, a Date, a Map, an undefined item. Properties that
 * are undefined are not there.
 */
export function jsonProblems(value: unknown): Problem[] {
  const problems: Problem[] = []
  const visit = (at: unknown, path: readonly string[]): void => {
    const reason = typeof at === 'object' && at !== null ? whyNoPlainObject(at, path) : whyNoScalar(at)
    if (reason !== undefined) problems.push({ path: path.join('.'), message: `${reason} has no JSON form` })
    else if (Array.isArray(at)) for (const [index, item] of at.entries()) visit(item, [...path, String(index)])
    else if (typeof at === 'object' && at !== null)
      for (const [key, inner] of Object.entries(at)) if (inner !== undefined) visit(inner, [...path, key])
  }
  if (value !== undefined) visit(value, [])
  return problems
}

function whyNoScalar(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : String(value)
  return ['string', 'boolean', 'object'].includes(typeof value) ? undefined : typeof value
}

function whyNoPlainObject(object: object, path: readonly string[]): string | undefined {
  if (path.length > deepest) return `what is nested deeper than ${deepest} levels`
  if ('toJSON' in object && typeof object.toJSON === 'function') return `an object with toJSON (${nameOf(object)})`
  return Array.isArray(object) || isPlainObject(object) ? undefined : `an object of another kind (${nameOf(object)})`
}

/** An object literal or what JSON makes, as opposed to a date, a map or an instance. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (!isRecord(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // Of any realm: only what every object comes from has no prototype itself.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function nameOf(object: object): string {
  const made: unknown = object.constructor
  return typeof made === 'function' ? made.name : 'value'
}

/** Which values JSON gives back as they were: what would come back as something else is refused before it is stored. */
import type { Problem } from '@keelson/kernel'

/** Deeper values are refused by databases, at depths of their own. */
const mostDeep = 500

/**
 * The first thing that stands in the way of a value, and where it is; undefined when there is nothing. A property that is undefined counts as
 * not there, and -0 as 0.
 */
export function whyNotJson(value: unknown): Problem | undefined {
  return search(value, [])
}

function search(value: unknown, path: (string | number)[]): Problem | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined
  if (typeof value === 'number')
    return Number.isFinite(value) ? undefined : problem(path, `${value} is no number of JSON`)
  if (typeof value !== 'object') return problem(path, `a value of type ${typeof value} is no JSON`)
  if (path.length >= mostDeep) return problem(path.slice(0, 3), `it is nested more than ${mostDeep} deep, or in itself`)
  if (Array.isArray(value)) return searchItems(value, path)
  if (!isPlain(value))
    return problem(path, `a ${value.constructor?.name ?? 'special object'} would come back as something else`)
  for (const name of Object.keys(value)) {
    // It is a plain object, and has this property.
    const one = (value as Record<string, unknown>)[name]
    if (one === undefined) continue
    path.push(name)
    const found = search(one, path)
    if (found) return found
    path.pop()
  }
  return undefined
}

function searchItems(items: readonly unknown[], path: (string | number)[]): Problem | undefined {
  for (let at = 0; at < items.length; at++) {
    path.push(at)
    const found = search(items[at], path)
    if (found) return found
    path.pop()
  }
  return undefined
}

/** An object of any realm that is nothing but its properties, and does not write itself. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  const isOfObject = prototype === null || Object.getPrototypeOf(prototype) === null
  return isOfObject && !('toJSON' in value && typeof value.toJSON === 'function')
}

function problem(path: readonly (string | number)[], message: string): Problem {
  return { path: path.join('.'), message }
}

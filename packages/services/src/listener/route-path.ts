/**
 * The grammar of routes, narrower than that of any router: segments of letters that need no encoding, with `{name}` for a value. One segment
 * may hold values and letters (`{id}:cancel`, `{name}.json`), two values never touch.
 */

/** A route's path taken apart: texts at even places, names of values at odd ones, of each segment. */
export type RoutePath = readonly (readonly string[])[]

/** Why a path is no route; undefined when it is one. */
export function whyNoRoutePath(path: string): string | undefined {
  if (!path.startsWith('/')) return 'it does not begin with "/"'
  const names = new Set<string>()
  const segments = path
    .replace(/(.)\/$/, '$1')
    .split('/')
    .slice(1)
  for (const [at, segment] of segments.entries()) {
    if (segment === '' && segments.length > 1) return `its part ${at + 1} is empty`
    if (/^\.{1,2}$/.test(segment)) return `"${segment}" is no part of a path`
    for (const [, name = ''] of segment.matchAll(/\{([^{}]*)\}/g)) {
      if (!/^\w+$/.test(name) || name === '__proto__')
        return `"{${name}}" is not the name of an input: letters, digits and "_"`
      if (names.has(name)) return `"{${name}}" is there twice`
      names.add(name)
    }
    const texts = segment.split(/\{\w+\}/)
    if (texts.slice(1, -1).includes('')) return `two inputs of "${segment}" touch`
    const odd = /[^\w\-.~!$&'()+,;=:@]/.exec(texts.join(''))?.[0]
    if (odd !== undefined) return `"${odd}" cannot stand in a route`
  }
  return undefined
}

/** The names of the values that a path holds, in order. */
export function namesInRoutePath(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
}

function parseRoutePath(path: string): RoutePath {
  return path
    .replace(/(.)\/$/, '$1')
    .split('/')
    .slice(1)
    .map((segment) => segment.split(/[{}]/))
}

/** The same route in the words of find-my-way, whose own grammar gives meaning to `:`, `*` and `(`. A closing `*` takes the rest. */
export function routerPath(path: string): string {
  const written = parseRoutePath(path).map((parts) =>
    parts.map((part, at) => (at % 2 === 0 ? part.replaceAll(':', '::') : valueIn(part, parts))).join(''),
  )
  return `/${written.join('/')}`
}

/** A value alone is `:name`; beside letters it must say where it ends. */
function valueIn(name: string, parts: readonly string[]): string {
  return isAlone(parts) ? `:${name}` : `:${name}([^/]+?)`
}

/** What two routes that match the same requests have in common. */
export function routeShape(path: string): string {
  return parseRoutePath(path)
    .map((parts) => parts.map((part, at) => (at % 2 === 0 ? part : '{}')).join(''))
    .join('/')
}

/** Writes the encoded values into a path. */
export function fillRoutePath(path: string, values: ReadonlyMap<string, string>): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => values.get(name) ?? '')
}

/** The encoded values that a filled path holds, as the router reads them; undefined when the path is not of this route. */
export function matchRoutePath(path: string, filled: string): ReadonlyMap<string, string> | undefined {
  const names = namesInRoutePath(path)
  const pattern = path.replace(/[.$()+]/g, '\\$&').replace(/\{\w+\}/g, '([^/]+?)')
  const match = new RegExp(`^${pattern}$`).exec(filled)
  return match ? new Map(names.map((name, at) => [name, match[at + 1] ?? ''])) : undefined
}

/** Whether a router asks `one` before `other`: of the first segments that differ, letters come before letters with values, and those before a value. */
export function comesBefore(one: string, other: string): boolean {
  const [left, right] = [parseRoutePath(one), parseRoutePath(other)]
  const at = left.findIndex((parts, index) => rankOf(parts) !== rankOf(right[index] ?? []))
  return at >= 0 && rankOf(left[at] ?? []) < rankOf(right[at] ?? [])
}

function rankOf(parts: readonly string[]): number {
  if (parts.length < 2) return 0
  return isAlone(parts) ? 2 : 1
}

function isAlone(parts: readonly string[]): boolean {
  return parts.length === 3 && parts[0] === '' && parts[2] === ''
}

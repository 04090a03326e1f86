/** Values as text that differs wherever the values do, for keys and fingerprints. */

/** Deeper values are refused rather than followed. */
const deepest = 500

/**
 * `value` as text, whatever the order of its fields. Throws Untellable for what has no text that tells it apart, such as a function or an
 * object with private fields.
 */
export function valueText(value: unknown): string {
  return textOf(value, '', 0)
}

/** What has no text of its own. */
export class Untellable extends Error {
  readonly path: string

  constructor(path: string, found: string) {
    super(found)
    this.path = path
  }
}

/** JSON, with words of its own for what JSON does not tell apart. */
function textOf(value: unknown, path: string, depth: number): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value)
    case 'bigint':
      return `${value}n`
    case 'boolean':
    case 'undefined':
      return String(value)
    case 'object':
      if (depth > deepest) throw new Untellable(path, 'too many levels')
      return value === null ? 'null' : textOfObject(value, path, depth + 1)
    default:
      throw new Untellable(path, `a ${typeof value}`)
  }
}

function textOfObject(value: object, path: string, depth: number): string {
  const inside = (inner: unknown, name: PropertyKey) =>
    textOf(inner, path === '' ? String(name) : `${path}.${String(name)}`, depth)
  if (Array.isArray(value))
    return `[${Array.from(value, (one: unknown, at) => (at in value ? inside(one, at) : 'hole'))}]`
  if (value instanceof Date) return `Date(${value.getTime()})`
  if (value instanceof Set) return `Set(${Array.from(value, inside)})`
  if (value instanceof Map)
    return `Map(${Array.from(value, (pair, at) => `${inside(pair[0], at)}:${inside(pair[1], at)}`)})`
  if (value instanceof ArrayBuffer) return `ArrayBuffer(${Buffer.from(value).toString('base64')})`
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value
    return `${nameOf(value)}(${Buffer.from(buffer, byteOffset, byteLength).toString('base64')})`
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') return `${nameOf(value)}(${inside(value.toJSON(), '')})`
  const prototype: unknown = Object.getPrototypeOf(value)
  // Of any realm: the prototype of plain objects is the one that has none.
  if (typeof prototype === 'object' && prototype !== null && Object.getPrototypeOf(prototype) !== null)
    throw new Untellable(path, `an object of ${nameOf(value)}`)
  if (Object.getOwnPropertySymbols(value).length > 0) throw new Untellable(path, 'an object with symbols')
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
  return `{${entries.map(([name, inner]) => `${JSON.stringify(name)}:${inside(inner, name)}`)}}`
}

function nameOf(value: object): string {
  return value.constructor?.name ?? 'Object'
}

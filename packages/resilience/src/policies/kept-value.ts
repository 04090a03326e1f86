/** Values that several callers are given, of which none may see what another does to his. */

/** A copy that can be shared: frozen all through where everything in it can be frozen, and to be copied for each reader where not. */
export function kept(value: unknown): unknown {
  const copy = structuredClone(value)
  const objects = new Set<object>()
  if (isFreezable(copy, objects)) for (const one of objects) Object.freeze(one)
  return copy
}

/** What a reader may be given of a kept value: the value itself when nobody can change it, else a copy of his own. */
export function shared(value: unknown): unknown {
  return Object.isFrozen(value) ? value : structuredClone(value)
}

/** Whether only arrays, plain objects and primitives are in it; `objects` holds them then. */
function isFreezable(value: unknown, objects: Set<object>): boolean {
  if (typeof value !== 'object' || value === null || objects.has(value)) return true
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return false
  objects.add(value)
  return Object.values(value).every((inner) => isFreezable(inner, objects))
}

const perValueBytes = 16

/** How many bytes a value takes in memory, roughly. */
export function sizeOf(value: unknown): number {
  let bytes = 0
  const seen = new Set<object>()
  const left = [value]
  while (left.length > 0) {
    const one = left.pop()
    bytes += perValueBytes
    if (typeof one === 'string') bytes += one.length * 2
    else if (typeof one === 'bigint') bytes += one.toString(16).length
    if (typeof one !== 'object' || one === null || seen.has(one)) continue
    seen.add(one)
    if (one instanceof ArrayBuffer) bytes += one.byteLength
    else if (ArrayBuffer.isView(one)) bytes += one.byteLength
    else if (one instanceof Map) for (const [key, inner] of one) left.push(key, inner)
    else if (one instanceof Set) for (const inner of one) left.push(inner)
    else if (Array.isArray(one)) for (const inner of one) left.push(inner)
    else left.push(...Object.keys(one), ...Object.values(one))
  }
  return bytes
}

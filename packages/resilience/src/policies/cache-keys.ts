/**
 * Under which key the answer for an input is kept: the input as JSON. Making that and hashing it costs more than everything else of a hit, so
 * the keys of flat inputs seen lately are remembered by what is in them.
 */

const slots = 256
/** Longer keys, and the inputs they are of, are not worth their room. */
const longestKey = 300

interface Slot {
  /** A copy: an implementation may change its input. */
  readonly input: unknown
  readonly fields: number
  readonly subject: string | undefined
  readonly key: string
}

export class CacheKeys {
  readonly #operation: string
  readonly #slots: (Slot | undefined)[] = new Array(slots)
  /** Fields of the input that was hashed last. */
  #fields = 0

  constructor(operation: string) {
    this.#operation = operation
  }

  /** A subject never sees what was made for another. */
  of(input: unknown, subject: string | undefined): string {
    const hash = this.#hash(input)
    if (hash < 0) return this.#make(input, subject)
    const fields = this.#fields
    const found = this.#slots[hash]
    if (found && found.fields === fields && found.subject === subject && isSame(found.input, input)) return found.key
    const key = this.#make(input, subject)
    if (key.length <= longestKey)
      this.#slots[hash] = { input: fields < 0 ? input : { ...Object(input) }, fields, subject, key }
    return key
  }

  #make(input: unknown, subject: string | undefined): string {
    const key = input === undefined ? this.#operation : `${this.#operation}:${JSON.stringify(input)}`
    return subject === undefined ? key : `${key}@${subject}`
  }

  /** The number of a slot; -1 for what is not flat. */
  #hash(input: unknown): number {
    if (typeof input !== 'object' || input === null) {
      this.#fields = -1
      return hashOf(input) & (slots - 1)
    }
    if (Object.getPrototypeOf(input) !== Object.prototype) return -1
    let hash = 0
    let fields = 0
    for (const name in input) {
      // A name of this very object.
      const value: unknown = input[name as keyof typeof input]
      if ((typeof value === 'object' && value !== null) || typeof value === 'function') return -1
      hash = Math.imul(hash, 31) + hashOf(value)
      fields++
    }
    this.#fields = fields
    return hash & (slots - 1)
  }
}

/** Of a few characters only: what it takes for another is told apart by its content. */
function hashOf(value: unknown): number {
  if (typeof value === 'number') return value | 0
  if (typeof value !== 'string') return value === true ? 1 : 0
  const { length } = value
  if (length === 0) return 0
  return (
    Math.imul(value.charCodeAt(0) + Math.imul(value.charCodeAt(length >> 1), 31), 31) +
    value.charCodeAt(length - 1) +
    length
  )
}

/** Both are flat and have as many fields. What is undefined is not in JSON either. */
function isSame(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || one === null || typeof other !== 'object' || other === null) return one === other
  for (const name in other) if (one[name as keyof typeof one] !== other[name as keyof typeof other]) return false
  return true
}

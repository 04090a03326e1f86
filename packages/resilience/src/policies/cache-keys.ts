/**
 * Under which key the answer for an input is kept: the input as text that differs wherever the inputs do. Making that and hashing it costs more than
 * everything else of a hit, so the keys of flat inputs seen lately are remembered by what is in them.
 */
import { hash } from 'node:crypto'
import { resilienceErrors } from '../errors.ts'
import { Untellable, valueText } from './value-text.ts'

const slots = 256
/** A longer key is replaced by its hash, so that what strangers send takes no room; and the inputs of such are not remembered. */
const longestKey = 300

interface Slot {
  /** A copy: an implementation may change its input. */
  readonly input: unknown
  readonly fields: number
  readonly identity: string
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

  /**
   * The key of an input, also for whom it is asked: nobody is given what was made for another. Throws CACHE_KEY_UNUSABLE for an input that
   * holds what has no text that tells it apart, such as a function or an object with private fields.
   */
  of(input: unknown, identity: string): string {
    const slot = this.#slotOf(input)
    if (slot < 0) return this.#keyOf(this.#textOf(input, identity))
    const fields = this.#fields
    const found = this.#slots[slot]
    if (found && found.fields === fields && found.identity === identity && isSame(found.input, input)) return found.key
    const text = this.#textOf(input, identity)
    const key = this.#keyOf(text)
    if (text.length <= longestKey)
      this.#slots[slot] = { input: fields < 0 ? input : { ...Object(input) }, fields, identity, key }
    return key
  }

  #keyOf(text: string): string {
    return `${this.#operation}:${boundedKey(text)}`
  }

  #textOf(input: unknown, identity: string): string {
    try {
      const text = input === undefined ? '' : valueText(input)
      return identity === '' ? text : `${text}@${identity}`
    } catch (error) {
      if (!(error instanceof Untellable)) throw error
      throw resilienceErrors.CACHE_KEY_UNUSABLE({ operation: this.#operation, path: error.path, found: error.message })
    }
  }

  /** The number of a slot; -1 for what is not flat. */
  #slotOf(input: unknown): number {
    if (typeof input !== 'object' || input === null) {
      this.#fields = -1
      return hashOf(input) & (slots - 1)
    }
    if (Object.getPrototypeOf(input) !== Object.prototype) return -1
    let sum = 0
    let fields = 0
    for (const name in input) {
      // A name of this very object.
      const value: unknown = input[name as keyof typeof input]
      if ((typeof value === 'object' && value !== null) || typeof value === 'function') return -1
      sum = Math.imul(sum, 31) + hashOf(value)
      fields++
    }
    this.#fields = fields
    return sum & (slots - 1)
  }
}

/** The key itself while it is short, else its SHA-256. */
export function boundedKey(key: string): string {
  return key.length <= longestKey ? key : `#${hash('sha256', key, 'base64url')}`
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

/** Both are flat and have as many fields. */
function isSame(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || one === null || typeof other !== 'object' || other === null)
    return Object.is(one, other)
  for (const name in other) {
    const value: unknown = other[name as keyof typeof other]
    if (!Object.is(one[name as keyof typeof one], value)) return false
    if (value === undefined && !Object.hasOwn(one, name)) return false
  }
  return true
}

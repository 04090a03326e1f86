/**
 * Idempotency keys. A key belongs to the call that it came with: that call takes effect once. The calls that it makes in turn have keys
 * of their own, worked out when somebody reads them, from the parent's key, the operation and the how-manieth call of that operation the
 * parent makes. So a repetition that makes the same calls in the same order makes them under the same keys, whatever number of calls
 * that is. (`docs/decisions/0007-the-context-of-a-call-and-its-key.md` has the reasons.)
 */
import { hash } from 'node:crypto'
import { kernelErrors } from './errors.ts'

/** Where a key stands, and what the keys of calls made under it are worked out from. */
type Derivation = readonly [parent: CallKey, operation: string, kind: 'count' | 'name', which: number | string]

/** The key of one call. */
export class CallKey {
  readonly #derivation: Derivation | undefined
  #text: string | undefined
  /** How often each operation was called, by the running implementation that this key was handed to. */
  #counts: Map<string, number> | undefined
  /** What tells a call from its siblings in place of their order. */
  #name: string | undefined

  private constructor(text: string | undefined, derivation?: Derivation) {
    this.#text = text
    this.#derivation = derivation
  }

  /** A key that a caller gave. Throws IDEMPOTENCY_KEY_INVALID unless it is 1 to 255 visible ASCII characters. */
  static of(text: string): CallKey {
    if (!isKeyText(text)) throw kernelErrors.IDEMPOTENCY_KEY_INVALID({ key: text.slice(0, 100) })
    return new CallKey(text)
  }

  /** A key from the name of a piece of work, whatever characters that has: the name where it may be a key, else a digest of it. */
  static from(name: string): CallKey {
    return new CallKey(isKeyText(name) ? name : hash('sha256', JSON.stringify(name), 'base64url'))
  }

  /** 1 to 255 visible ASCII characters. A derived key has 43, and none of another derivation. */
  get text(): string {
    this.#text ??= textOf(this.#derivation)
    return this.#text
  }

  /** The same key for one run of the implementation: it counts what that run calls, from none. A repetition begins another. */
  begin(): CallKey {
    const begun = this.#same()
    begun.#counts = new Map()
    return begun
  }

  /** Whether calls made under this key are told from one another already. */
  get isBegun(): boolean {
    return this.#counts !== undefined || this.#name !== undefined
  }

  /** This key, under which the next call is told from its siblings by `name` rather than by their order. */
  named(name: string): CallKey {
    const key = this.#same()
    key.#name = name
    return key
  }

  /** The key of a call of `operation` that is made under this one: this one itself where nothing runs under it yet. */
  of(operation: string): CallKey {
    if (this.#name !== undefined) return new CallKey(undefined, [this, operation, 'name', this.#name])
    if (!this.#counts) return this
    const count = (this.#counts.get(operation) ?? 0) + 1
    this.#counts.set(operation, count)
    return new CallKey(undefined, [this, operation, 'count', count])
  }

  #same(): CallKey {
    return new CallKey(this.#text, this.#derivation)
  }
}

/** Whether `text` may be the key of a call, as `CallKey.of` wants it. */
export function isKeyText(text: string): boolean {
  return /^[\x21-\x7e]{1,255}$/.test(text)
}

/** A digest, so that a key at any depth is short; of JSON, so that no two derivations have one text. */
function textOf(derivation: Derivation | undefined): string {
  const [parent, ...rest] = derivation ?? []
  return hash('sha256', JSON.stringify([parent?.text, ...rest]), 'base64url')
}

/** Keeps what must be closed and closes it in reverse order: the last thing opened is the first to go. */
import { kernelErrors } from '../errors.ts'
import { reasonOf } from '../reason-of.ts'

/** Something with an end. */
export type Closeable =
  | { close(): unknown }
  | { [Symbol.asyncDispose](): PromiseLike<void> }
  | { [Symbol.dispose](): void }

export class Lifetime {
  readonly #name: string
  readonly #onFailure: (error: unknown) => void
  readonly #closers: (() => unknown)[] = []
  readonly #ending = new AbortController()
  #closing: Promise<void> | undefined
  #isClosed = false

  /**
   * @param name what is kept, for messages.
   * @param onFailure told of each `failed`.
   */
  constructor(name: string, onFailure: (error: unknown) => void = () => {}) {
    this.#name = name
    this.#onFailure = onFailure
  }

  /** Aborts when the end is near: what waits or loops should leave. Nothing has been closed yet. */
  get signal(): AbortSignal {
    return this.#ending.signal
  }

  /** Aborts `signal`. Safe to repeat. */
  announceClose(): void {
    this.#ending.abort(kernelErrors.LIFETIME_ENDED({ subject: this.#name }))
  }

  /** Says that what lives here has failed after its start: whoever started it closes it, and starts it again where that is its policy. */
  failed(error: unknown): void {
    if (!this.#closing) this.#onFailure(error)
  }

  /** Closes `resource` when this lifetime ends, and hands it back. */
  own<T extends Closeable>(resource: T): T {
    this.onClose(() => {
      if ('close' in resource) return resource.close()
      if (Symbol.asyncDispose in resource) return resource[Symbol.asyncDispose]()
      return resource[Symbol.dispose]()
    })
    return resource
  }

  /** Runs `close` when this lifetime ends; at once when it has ended, as for what a start opens after its time was up. */
  onClose(close: () => unknown): void {
    if (!this.#isClosed) {
      this.#closers.push(close)
      return
    }
    // Nobody waits any more, so there is nobody to tell of a failure.
    void (async () => close())().catch(() => {})
  }

  /**
   * Closes everything, in reverse order, one after the other. Safe to repeat: later calls give the first one's outcome. One failure does
   * not keep the rest open; it rejects with CLOSE_FAILED once all has been tried.
   */
  close(): Promise<void> {
    this.announceClose()
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  async #closeAll(): Promise<void> {
    const failures: unknown[] = []
    for (const close of this.#closers.reverse()) {
      try {
        await close()
      } catch (error) {
        failures.push(error)
      }
    }
    this.#isClosed = true
    if (failures.length > 0) {
      const reason = failures.map(reasonOf).join('; ')
      throw kernelErrors.CLOSE_FAILED({ subject: this.#name, reason }, { cause: failures[0] })
    }
  }
}

/** The second attempt of a hedged call, from the moment that it is planned: the context that the implementation is given, with a signal of its own. */
import { type CallContext, rootCall, type TraceContext } from '@keelson/kernel'

export class SecondAttempt implements CallContext {
  readonly #call: CallContext
  readonly #outer: CallContext
  readonly #abort = new AbortController()
  #signal: AbortSignal | undefined
  isRunning = false
  startedMs = 0
  /** What the first attempt failed with while this one was under way. */
  firstFailure: { readonly error: unknown } | undefined

  /**
   * @param call what the first attempt is given.
   * @param outer whose end is the end of both.
   */
  constructor(call: CallContext, outer: CallContext) {
    this.#call = call
    this.#outer = outer
  }

  get correlationId(): string {
    return this.#call.correlationId
  }

  get trace(): TraceContext | undefined {
    return this.#call.trace
  }

  get subject(): string | undefined {
    return this.#call.subject
  }

  get idempotencyKey(): string | undefined {
    return this.#call.idempotencyKey
  }

  get deadlineAt(): number | undefined {
    return this.#call.deadlineAt
  }

  get signal(): AbortSignal {
    const { signal } = this.#abort
    this.#signal ??= this.#outer === rootCall ? signal : AbortSignal.any([this.#outer.signal, signal])
    return this.#signal
  }

  /** Whoever waits for its time, or works on it, need not any more. */
  cancel(reason?: unknown): void {
    this.#abort.abort(reason)
  }
}

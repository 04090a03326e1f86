/** The second attempt of a hedged call, from the moment that it is planned: the context that the implementation is given, with a signal of its own. */
import { type CallContext, rootCall, type TraceContext } from '@keelson/kernel'

export class SecondAttempt implements CallContext {
  readonly correlationId: string
  readonly trace: TraceContext | undefined
  readonly subject: string | undefined
  readonly idempotencyKey: string | undefined
  readonly deadlineAt: number | undefined
  readonly signal: AbortSignal
  readonly #abort = new AbortController()
  isRunning = false
  startedMs = 0
  /** What the first attempt failed with while this one was under way. */
  firstFailure: { readonly error: unknown } | undefined

  /**
   * @param call what the first attempt is given.
   * @param outer whose end is the end of both.
   */
  constructor(call: CallContext, outer: CallContext) {
    this.correlationId = call.correlationId
    this.trace = call.trace
    this.subject = call.subject
    this.idempotencyKey = call.idempotencyKey
    this.deadlineAt = call.deadlineAt
    const { signal } = this.#abort
    this.signal = outer === rootCall ? signal : AbortSignal.any([outer.signal, signal])
  }

  /** Whoever waits for its time, or works on it, need not any more. */
  cancel(reason?: unknown): void {
    this.#abort.abort(reason)
  }
}

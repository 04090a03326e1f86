/**
 * The second attempt of a hedged call, from the moment that it is planned: its own timer, place and signal. The call that it belongs to ends it, at the latest with its own end.
 */
import { type CallContext, deriveCall } from '@keelson/kernel'
import { type AbandonedPlace, type Hedge, type PolicyPlan, resilienceErrors } from '@keelson/resilience'

/** The call that is hedged. */
interface HedgedCall {
  attempt(context: CallContext): unknown
  /** The second attempt has answered first, after so many milliseconds. */
  overtaken(value: unknown, ranMs: number): void
  /** Both attempts have failed. */
  failedTwice(error: unknown): void
}

export class SecondAttempt {
  readonly #operation: string
  readonly #call: HedgedCall
  readonly #hedge: Hedge
  readonly #policies: PolicyPlan
  readonly #abort = new AbortController()
  readonly #context: CallContext
  #isRunning = false
  #isEnded = false
  #abandoned: AbandonedPlace | undefined
  /** What the first attempt failed with while this one was under way. */
  #firstFailure: { readonly error: unknown } | undefined

  /** @param context what the first attempt is given. */
  constructor(operation: string, call: HedgedCall, context: CallContext, hedge: Hedge, policies: PolicyPlan) {
    this.#operation = operation
    this.#context = deriveCall(context, { signal: this.#abort.signal })
    this.#call = call
    this.#hedge = hedge
    this.#policies = policies
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  /** Begins after this time, unless it is ended before. */
  planIn(afterMs: number): void {
    this.#policies.platform.clock.sleep(afterMs, this.#abort.signal).then(
      () => this.#begin(),
      () => {},
    )
  }

  /** Neither its answer nor its time matters any more. Its signal says so. */
  end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    if (this.#isRunning) {
      const { bulkhead, deadline, platform } = this.#policies
      this.#abandoned = bulkhead?.abandon(platform.deadlines, platform.clock.monotonic(), deadline.ms)
    }
    this.#abort.abort(this.#isRunning ? resilienceErrors.CALL_CANCELLED({ operation: this.#operation }) : undefined)
  }

  /** True: the first attempt has failed, and this one may still answer; when it fails too, the call fails with the first error. */
  standsInFor(error: unknown): boolean {
    if (this.#isRunning) this.#firstFailure = { error }
    return this.#isRunning
  }

  /** Where there is room for it and nothing says that the operation is in trouble. */
  #begin(): void {
    const { breaker, bulkhead, platform } = this.#policies
    if (this.#isEnded || (breaker && breaker.state !== 'closed')) return
    if (bulkhead && !bulkhead.enter()) return
    if (!this.#hedge.take()) {
      bulkhead?.leave()
      return
    }
    this.#isRunning = true
    const startedMs = platform.clock.monotonic()
    const left = () => {
      this.#isRunning = false
      const place = this.#abandoned ?? bulkhead
      place?.leave()
      return !this.#isEnded
    }
    const attempt = async () => this.#call.attempt(this.#context)
    attempt().then(
      (value) => {
        if (left()) this.#call.overtaken(value, platform.clock.monotonic() - startedMs)
      },
      () => {
        if (left() && this.#firstFailure) this.#call.failedTwice(this.#firstFailure.error)
      },
    )
  }
}

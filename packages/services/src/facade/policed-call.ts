/** A call under policies: each step is a method, in the order in which a call takes them. */
import { type CallContext, isError, rootCall, runInCall, type SchemaResult, type TraceContext } from '@keelson/kernel'
import {
  type CacheEntry,
  type Expiring,
  type Flight,
  type Hedge,
  isFailure,
  type PolicyPlan,
  type ResultCache,
  resilienceErrors,
  type Waiting,
} from '@keelson/resilience'
import type { Span } from '@keelson/telemetry'
import { accept, type OperationState, type Plan, refuseDisabled } from './call-plan.ts'
import { SecondAttempt } from './second-attempt.ts'

/**
 * One call through policies, from outside in: fallback, deadline, validation, authorisation, flag, cache, rate limit; then for each try breaker, bulkhead,
 * hedge, chaos, policies of one's own and the implementation, with retries around the try. It is the entry of its own deadline and of its own place
 * in the queue, and, when its deadline is tighter than its caller's, the context that the implementation is given: one object per call.
 */
export class PolicedCall implements CallContext, Expiring, Waiting {
  readonly #operation: OperationState
  readonly #plan: Plan
  readonly #policies: PolicyPlan
  readonly #caller: string
  readonly #outer: CallContext
  /** What the implementation is given. */
  #inner: CallContext
  #input: unknown
  #startedMs = 0
  /** When this try got its place; kept only for a bound that adapts, and for hedging. */
  #enteredMs = -1
  #span: Span | undefined
  #tries = 0
  #isSettled = false
  /** Whether the implementation is at work: it may be so after the call is settled. */
  #isTrying = false
  /** In which term of the breaker this try was admitted. */
  #term = 0
  #second: SecondAttempt | undefined
  #cacheKey = ''
  #flight: Flight | undefined
  #stale: CacheEntry | undefined
  #abort: AbortController | undefined
  #signal: AbortSignal | undefined
  readonly #promise: Promise<unknown>
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: unknown) => void

  deadlineAt = Number.POSITIVE_INFINITY
  before: Expiring | undefined = undefined
  after: Expiring | undefined = undefined

  constructor(
    operation: OperationState,
    plan: Plan,
    policies: PolicyPlan,
    input: unknown,
    outer: CallContext,
    caller: string,
  ) {
    this.#operation = operation
    this.#plan = plan
    this.#policies = policies
    this.#input = input
    this.#outer = outer
    this.#inner = outer
    this.#caller = caller
    this.#promise = new Promise(capture)
    this.#resolve = captured.resolve
    this.#reject = captured.reject
  }

  get correlationId(): string {
    return this.#outer.correlationId
  }

  get trace(): TraceContext | undefined {
    return this.#span ?? this.#outer.trace
  }

  get subject(): string | undefined {
    return this.#outer.subject
  }

  get idempotencyKey(): string | undefined {
    return this.#outer.idempotencyKey
  }

  /** Made when it is first asked for: most implementations never do. */
  get signal(): AbortSignal {
    if (this.#signal) return this.#signal
    this.#abort = new AbortController()
    if (this.#isSettled) this.#abort.abort()
    const { signal } = this.#abort
    this.#signal = this.#outer === rootCall ? signal : AbortSignal.any([this.#outer.signal, signal])
    return this.#signal
  }

  start(): Promise<unknown> {
    const { instrument } = this.#plan
    const { platform, deadlineMs, retry, hedge } = this.#policies
    const now = instrument ? instrument.now() : platform.clock.monotonic()
    this.#startedMs = now
    retry?.earn()
    hedge?.earn()
    const outerAt = this.#outer.deadlineAt ?? Number.POSITIVE_INFINITY
    this.deadlineAt = Math.min(now + deadlineMs, outerAt)
    this.#span = instrument?.begin(this.#outer, now)
    if (this.deadlineAt < outerAt || this.#span || hedge) this.#inner = this
    if (this.deadlineAt <= now) this.expire()
    else {
      if (this.deadlineAt !== Number.POSITIVE_INFINITY) platform.deadlines.add(this, now)
      this.#validate()
    }
    return this.#promise
  }

  #now(): number {
    return this.#policies.platform.clock.monotonic()
  }

  #validate(): void {
    const { validate } = this.#plan
    if (validate === undefined) {
      this.#authorise()
      return
    }
    try {
      const result = validate(this.#input)
      if (result instanceof Promise) result.then((late) => this.#accept(late)).catch((error) => this.#fail(error))
      else this.#accept(result)
    } catch (error) {
      this.#fail(error)
    }
  }

  #accept(result: SchemaResult<unknown>): void {
    this.#input = accept(this.#operation, result)
    this.#authorise()
  }

  #authorise(): void {
    const { authorise } = this.#plan
    if (authorise === undefined) {
      this.#admit()
      return
    }
    try {
      const allowed = authorise(this.#input, this.#inner)
      if (allowed === undefined) this.#admit()
      else allowed.then(() => this.#admit()).catch((error) => this.#fail(error))
    } catch (error) {
      this.#fail(error)
    }
  }

  #admit(): void {
    const { flag, cache } = this.#policies
    if (flag === undefined && cache === undefined) {
      this.#limit()
      return
    }
    try {
      refuseDisabled(this.#operation, this.#policies, this.#outer)
      if (cache) this.#cacheKey = cache.keyOf(this.#input, this.#outer.subject)
    } catch (error) {
      this.#fail(error)
      return
    }
    if (cache === undefined) {
      this.#limit()
      return
    }
    const found = cache.find(this.#cacheKey)
    if (found instanceof Promise)
      found.then((entry) => this.#found(cache, entry, this.#now())).catch((error) => this.#fail(error))
    else this.#found(cache, found, this.#startedMs)
  }

  /** What is fresh answers at once; what another call is making already is waited for. */
  #found(cache: ResultCache, entry: CacheEntry | undefined, nowMs: number): void {
    if (this.#isSettled) return
    const now = entry ? cache.now(nowMs) : 0
    if (entry && now < entry.freshUntil) {
      cache.counts.hits++
      if (cache.isDue(entry, now) && !cache.flight(this.#cacheKey)) this.#refresh()
      this.#settle(entry.value)
      return
    }
    const flight = cache.flight(this.#cacheKey)
    if (flight) {
      flight.then(
        (value) => {
          cache.counts.hits++
          this.#settle(value)
        },
        // Whoever made it ran out of its own time: this call may have more.
        (error) => (isOwnEnd(error) ? this.#found(cache, undefined, 0) : this.#fail(error)),
      )
      return
    }
    cache.counts.misses++
    this.#stale = entry && now < entry.keptUntil ? entry : undefined
    this.#flight = cache.takeOff(this.#cacheKey, this.#promise)
    this.#limit()
  }

  /** Makes a new answer for the cache while the one at hand is still good. */
  #refresh(): void {
    const { correlationId, subject } = this.#outer
    const background: CallContext = { correlationId, subject, signal: rootCall.signal }
    const call = new PolicedCall(this.#operation, this.#plan, this.#policies, this.#input, background, this.#caller)
    call.#startedMs = this.#plan.instrument?.now() ?? 0
    call.#flight = this.#policies.cache?.takeOff(this.#cacheKey, call.#promise)
    call.#cacheKey = this.#cacheKey
    // The answer at hand stays until its time has passed.
    call.#promise.catch(() => {})
    call.#limit()
  }

  #limit(): void {
    const { rateLimit, platform } = this.#policies
    if (rateLimit === undefined) {
      this.#try(this.#startedMs)
      return
    }
    const { by } = rateLimit
    const who = by === 'caller' ? this.#caller : by === 'subject' ? (this.#outer.subject ?? '') : ''
    let waitMs: number | Promise<number> = 0
    try {
      const { name } = this.#operation
      waitMs = platform.rateLimits.take(who === '' ? name : `${name}:${who}`, rateLimit)
    } catch {
      // A limit whose store cannot be reached lets calls through: it must not take down what it protects.
    }
    if (typeof waitMs === 'number') this.#limited(waitMs)
    else
      waitMs.then(
        (ms) => this.#limited(ms),
        () => this.#limited(0),
      )
  }

  #limited(retryAfterMs: number): void {
    if (retryAfterMs === 0) {
      this.#try(this.#startedMs)
      return
    }
    this.#operation.counts.rateLimited++
    this.#fail(resilienceErrors.RATE_LIMITED({ operation: this.#operation.name, retryAfterMs }))
  }

  #try(nowMs: number): void {
    if (this.#isSettled) return
    const { breaker, bulkhead } = this.#policies
    const operation = this.#operation.name
    this.#tries++
    const retryAfterMs = breaker ? breaker.admit(nowMs) : 0
    if (retryAfterMs > 0) {
      this.#fail(resilienceErrors.CIRCUIT_OPEN({ operation, retryAfterMs }))
      return
    }
    if (breaker) this.#term = breaker.term
    if (bulkhead === undefined || bulkhead.enter()) {
      this.enter()
      return
    }
    if (bulkhead.wait(this)) {
      this.#watchCaller()
      return
    }
    breaker?.left(this.#term)
    const { running, waiting } = bulkhead
    this.#fail(resilienceErrors.BULKHEAD_FULL({ operation, running, waiting }))
  }

  /** A call whose caller gives up leaves the queue. */
  #watchCaller(): void {
    const { signal } = this.#outer
    const leave = () => {
      if (this.#leaveQueue()) this.#fail(resilienceErrors.CALL_CANCELLED({ operation: this.#operation.name }))
    }
    if (signal.aborted) leave()
    else if (this.#outer !== rootCall) signal.addEventListener('abort', leave, { once: true })
  }

  #leaveQueue(): boolean {
    const { bulkhead, breaker } = this.#policies
    if (!bulkhead?.forget(this)) return false
    breaker?.left(this.#term)
    return true
  }

  /** There is a place for this try. */
  enter(): void {
    this.#isTrying = true
    const { bulkhead, chaos, hedge, platform } = this.#policies
    if (bulkhead?.isAdaptive || hedge) this.#enteredMs = platform.clock.monotonic()
    if (!chaos?.strikes(this.#outer, this.#caller, platform.random)) {
      this.#invoke()
      return
    }
    this.#operation.counts.struck++
    chaos.strike(this.#operation.name, this.signal, platform.clock).then(
      () => this.#invoke(),
      (error) => this.#failed(error),
    )
  }

  #invoke(): void {
    const { hedge } = this.#policies
    try {
      const answer = this.#attempt(this.#inner)
      if (answer instanceof Promise) {
        if (hedge) this.#planSecond(hedge)
        answer.then(
          (value) => this.#succeeded(value),
          (error) => this.#failed(error),
        )
      } else this.#succeeded(answer)
    } catch (error) {
      this.#failed(error)
    }
  }

  #attempt(context: CallContext): unknown {
    const { around } = this.#policies
    return around
      ? around(this.#input, context, async () => this.#implementation(context))
      : this.#implementation(context)
  }

  #implementation(context: CallContext): unknown {
    const { invoke, callsOthers } = this.#operation
    if (context === this.#outer || !(callsOthers || this.#span)) return invoke(this.#input, context)
    // Only where it may be asked for: entering costs as much as all policies together.
    return runInCall(context, () => invoke(this.#input, context))
  }

  #planSecond(hedge: Hedge): void {
    const afterMs = hedge.afterMs(this.#outer.idempotencyKey !== undefined)
    if (afterMs === undefined) return
    const second = new SecondAttempt(this, this.#outer)
    this.#second = second
    this.#policies.platform.clock.sleep(afterMs, second.signal).then(
      () => this.#hedge(hedge, second),
      () => {},
    )
  }

  /** Makes the call again beside the first attempt, where there is room for it and nothing says that the operation is in trouble. */
  #hedge(hedge: Hedge, second: SecondAttempt): void {
    const { breaker, bulkhead, platform } = this.#policies
    if (this.#second !== second || (breaker && breaker.state !== 'closed')) return
    if (bulkhead && !bulkhead.enter()) return
    if (!hedge.take()) {
      bulkhead?.leave()
      return
    }
    second.isRunning = true
    second.startedMs = platform.clock.monotonic()
    const left = () => {
      second.isRunning = false
      bulkhead?.leave()
      return this.#second === second && !this.#isSettled
    }
    const attempt = async () => this.#attempt(second)
    attempt().then(
      (value) => {
        if (!left()) return
        const now = platform.clock.monotonic()
        hedge.ranFor(now - second.startedMs)
        // The first would have taken longer still.
        if (this.#isTrying) hedge.ranFor(now - this.#enteredMs)
        hedge.state.won++
        this.#second = undefined
        this.#accepted(value)
        this.#abort?.abort(resilienceErrors.CALL_CANCELLED({ operation: this.#operation.name }))
      },
      () => {
        if (left() && second.firstFailure) this.#tryFailed(second.firstFailure.error)
      },
    )
  }

  #leavePlace(): void {
    this.#isTrying = false
    const { bulkhead, platform } = this.#policies
    // A call that entered while the bound was fixed was not measured.
    if (bulkhead?.isAdaptive && this.#enteredMs >= 0) bulkhead.ranFor(platform.clock.monotonic() - this.#enteredMs)
    bulkhead?.leave()
  }

  #succeeded(value: unknown): void {
    this.#leavePlace()
    if (this.#isSettled) return
    const { hedge, platform } = this.#policies
    if (hedge) hedge.ranFor(platform.clock.monotonic() - this.#enteredMs)
    this.#accepted(value)
  }

  #accepted(value: unknown): void {
    const { breaker, cache, invalidates } = this.#policies
    breaker?.succeeded(this.#startedMs, this.#term)
    if (this.#flight) cache?.keep(this.#cacheKey, this.#flight, this.#input, value)
    if (invalidates === undefined) {
      this.#settle(value)
      return
    }
    void this.#invalidate(invalidates, value)
  }

  /** The caller may read at once what it has changed. */
  async #invalidate(tagsOf: NonNullable<PolicyPlan['invalidates']>, value: unknown): Promise<void> {
    try {
      await this.#policies.platform.caches.invalidate(tagsOf(this.#input, value))
    } catch (error) {
      // The command has taken effect, but what its caller reads next may be old: that must not pass for a success.
      this.#fail(error)
    }
    this.#settle(value)
  }

  #failed(error: unknown): void {
    this.#leavePlace()
    if (this.#isSettled) return
    // The other attempt may still answer.
    if (this.#second?.isRunning) this.#second.firstFailure = { error }
    else this.#tryFailed(error)
  }

  #tryFailed(error: unknown): void {
    this.#endSecond()
    const { breaker, retry, platform } = this.#policies
    const now = platform.clock.monotonic()
    if (isFailure(error)) breaker?.failed(now, this.#term)
    else if (isError(error) && error.kind === 'cancelled') breaker?.left(this.#term)
    else breaker?.succeeded(now, this.#term)
    const isKeyed = this.#outer.idempotencyKey !== undefined
    const waitMs = retry?.next(error, this.#tries, this.deadlineAt - now, isKeyed, platform.random)
    if (waitMs === undefined) {
      this.#fail(error)
      return
    }
    platform.clock.sleep(waitMs, this.signal).then(
      () => this.#try(platform.clock.monotonic()),
      () => this.#fail(resilienceErrors.CALL_CANCELLED({ operation: this.#operation.name })),
    )
  }

  /** The deadline has passed: the caller is answered now, whatever the implementation still does. */
  expire(): void {
    // A fallback is at work.
    if (this.#isSettled) return
    const { breaker, platform } = this.#policies
    const now = platform.clock.monotonic()
    this.#operation.counts.deadlineExceeded++
    const waitedMs = Math.round(now - this.#startedMs)
    const error = resilienceErrors.DEADLINE_EXCEEDED({ operation: this.#operation.name, waitedMs })
    if (!this.#leaveQueue() && (this.#isTrying || this.#second?.isRunning)) breaker?.failed(now, this.#term)
    this.#fail(error)
    this.#abort?.abort(error)
  }

  #settle(value: unknown): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#answer(value)
  }

  /** Settles the call: by a kept answer or the fallback where there is one, else by the error. */
  #fail(error: unknown): void {
    if (this.#isSettled) return
    this.#isSettled = true
    const { cache, fallback } = this.#policies
    if (!isFailure(error)) {
      this.#refuse(error)
      return
    }
    if (this.#stale && cache && cache.now(this.#now()) < this.#stale.keptUntil) {
      cache.counts.stale++
      this.#answer(this.#stale.value)
      return
    }
    if (fallback === undefined) {
      this.#refuse(error)
      return
    }
    try {
      const instead = fallback(this.#input, error)
      this.#operation.counts.fellBack++
      if (instead instanceof Promise)
        instead.then(
          (value) => this.#answer(value),
          (failure) => this.#refuse(failure),
        )
      else this.#answer(instead)
    } catch (failure) {
      this.#refuse(failure)
    }
  }

  #answer(value: unknown): void {
    this.#end(undefined)
    this.#resolve(value)
  }

  #refuse(error: unknown): void {
    this.#end(error ?? 'no reason')
    this.#reject(error)
  }

  #endSecond(): void {
    const second = this.#second
    this.#second = undefined
    second?.cancel(second.isRunning ? resilienceErrors.CALL_CANCELLED({ operation: this.#operation.name }) : undefined)
  }

  #end(error: unknown): void {
    if (this.#second) this.#endSecond()
    const { platform, cache } = this.#policies
    if (this.deadlineAt !== Number.POSITIVE_INFINITY) platform.deadlines.remove(this)
    if (this.#flight) cache?.land(this.#cacheKey, this.#flight)
    this.#plan.instrument?.ended(this.#outer, this.#span, this.#startedMs, error)
  }
}

/** One executor for all promises: a closure per call would cost more than a policy. */
const captured = { resolve: (_: unknown) => {}, reject: (_: unknown) => {} }
function capture(resolve: (value: unknown) => void, reject: (error: unknown) => void): void {
  captured.resolve = resolve
  captured.reject = reject
}

/** An error that says something of the call it ended, and nothing of its operation. */
function isOwnEnd(error: unknown): boolean {
  return isError(error, resilienceErrors.DEADLINE_EXCEEDED.code) || isError(error, resilienceErrors.CALL_CANCELLED.code)
}

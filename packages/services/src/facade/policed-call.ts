/** A call under policies: each step is a method, in the order in which a call takes them. */
import {
  beginCall,
  type CallContext,
  type CallKey,
  type CallOrigin,
  currentCall,
  deriveCall,
  detachCall,
  isError,
  promiseOf,
  rootCall,
  runInCall,
  type TraceContext,
} from '@keelson/kernel'
import {
  type AbandonedPlace,
  type CallRun,
  type Chaos,
  type Expiring,
  type FallbackPart,
  type Hedge,
  type InvalidatesPart,
  isFailure,
  type KeyedCall,
  kindOf,
  type PolicyPlan,
  type QueuePlace,
  type RateLimit,
  resilienceErrors,
  type Waiting,
} from '@keelson/resilience'
import type { Span } from '@keelson/telemetry'
import { CacheReader } from './cache-reader.ts'
import { accept, type OperationState, type Plan } from './call-plan.ts'
import { SecondAttempt } from './second-attempt.ts'

/** An operation that had this share of its own deadline and gave no answer is at fault; with less, its caller may have been too hasty. */
const fairShare = 0.9

/**
 * One call through policies, from outside in: fallback, deadline, validation, authorisation, flag, cache, rate limit; then for each try breaker, bulkhead,
 * hedge, chaos, policies of one's own and the implementation, with retries around the try. It is the entry of its own deadline and of its own place
 * in the queue, and, when its deadline is tighter than its caller's, the context that the implementation is given: one object per call.
 */
export class PolicedCall implements CallContext, Expiring, Waiting {
  readonly #operation: OperationState
  readonly #plan: Plan
  readonly #policies: PolicyPlan
  readonly #outer: CallContext
  /** What the implementation is given. */
  #inner: CallContext
  input: unknown
  #startedMs = 0
  /** When this try got its place; -1 where that was when the call began. */
  #enteredMs = -1
  #span: Span | undefined
  #tries = 0
  /** How it ends is decided, and perhaps a fallback at work. */
  #stage: 'open' | 'settled' | 'ended' = 'open'
  /** Whether the implementation is at work: it may be so after the call is settled. */
  #isTrying = false
  /** Whether the operation was told that it is, when the call ended. */
  #outlives = false
  /** The place in the bulkhead that the implementation has kept since. */
  #abandoned: AbandonedPlace | undefined
  /** Whether it makes an answer for a cache, for others to answer with. */
  #isFlight = false
  #watchesCaller = false
  /** In which term of the breaker this try was admitted; -1 when the breaker waits for no word of it. */
  #term = -1
  /** Its place in the queue of the bulkhead. */
  #queued: QueuePlace | undefined
  #second: SecondAttempt | undefined
  #reader: CacheReader | undefined
  /** The call is the first under its idempotency key, whose outcome is still open. */
  #run: CallRun | undefined
  #abort: AbortController | undefined
  readonly #promise: Promise<unknown>
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: unknown) => void

  deadlineAt = Number.POSITIVE_INFINITY
  before: Expiring | undefined = undefined
  after: Expiring | undefined = undefined

  // Properties of its own rather than getters: an implementation may spread what it is given.
  readonly origin: CallOrigin
  readonly caller: string
  readonly key: CallKey | undefined
  trace: TraceContext | undefined

  constructor(operation: OperationState, plan: Plan, policies: PolicyPlan, input: unknown, outer: CallContext) {
    this.#operation = operation
    this.#plan = plan
    this.#policies = policies
    this.input = input
    this.#outer = outer
    this.#inner = outer
    this.origin = outer.origin
    this.caller = outer.caller
    this.key = outer.key
    this.trace = outer.trace
    this.#promise = new Promise(capture)
    this.#resolve = captured.resolve
    this.#reject = captured.reject
  }

  /** Made when it is first asked for: most implementations never do. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      if (this.isSettled) this.#abort.abort()
      else this.#watchCaller()
    }
    return this.#abort.signal
  }

  start(): Promise<unknown> {
    const { instrument } = this.#plan
    const { platform, deadline, retry, hedge } = this.#policies
    const now = instrument ? instrument.now() : platform.clock.monotonic()
    this.#startedMs = now
    retry?.earn()
    hedge?.earn()
    const ownAt = now + deadline.ms
    const outerAt = this.#outer.deadlineAt ?? Number.POSITIVE_INFINITY
    this.deadlineAt = outerAt < ownAt ? outerAt : ownAt
    this.#span = instrument?.begin(this.#outer, now)
    if (this.#span) this.trace = this.#span
    if (ownAt < outerAt || this.#span || hedge) this.#inner = this
    if (this.deadlineAt <= now) this.expire()
    else {
      if (this.deadlineAt !== Number.POSITIVE_INFINITY) platform.deadlines.add(this, now)
      this.#authoriseCaller()
    }
    return this.#promise
  }

  /** How long the operation has by itself; a flight ends in any case. */
  #ownMs(): number {
    const { deadline, cache } = this.#policies
    const isEndless = deadline.ms === Number.POSITIVE_INFINITY
    return isEndless && this.#isFlight && cache ? cache.settings.withinMs : deadline.ms
  }

  get #tryingSinceMs(): number {
    return this.#enteredMs < 0 ? this.#startedMs : this.#enteredMs
  }

  now(): number {
    return this.#policies.platform.clock.monotonic()
  }

  get isSettled(): boolean {
    return this.#stage !== 'open'
  }

  #authoriseCaller(): void {
    const check = this.#plan.authorisation?.ofCaller
    if (check === undefined) this.#validate()
    else
      this.#after(
        () => check(this.#inner),
        () => this.#validate(),
      )
  }

  #validate(): void {
    const { validate } = this.#plan
    if (validate === undefined) {
      this.#authoriseInput()
      return
    }
    // Not by `after`: its closures would cost each call more than this step.
    try {
      const result = validate(this.input)
      const late = promiseOf(result)
      if (late === undefined) this.#accept(result)
      else late.then((valid) => this.#accept(valid)).catch((error: unknown) => this.fail(error))
    } catch (error) {
      this.fail(error)
    }
  }

  #accept(result: unknown): void {
    this.input = accept(this.#operation, result)
    this.#authoriseInput()
  }

  #authoriseInput(): void {
    const check = this.#plan.authorisation?.ofInput
    if (check === undefined) this.#admit()
    else
      this.#after(
        () => check(this.input, this.#inner),
        () => this.#admit(),
      )
  }

  /** Goes on after a step, at once or late; what either throws is the call's failure. */
  #after(step: () => unknown, next: () => void): void {
    try {
      const late = promiseOf(step())
      if (late === undefined) next()
      else late.then(next).catch((error: unknown) => this.fail(error))
    } catch (error) {
      this.fail(error)
    }
  }

  #admit(): void {
    if (this.isSettled) return
    const { flag, cache, keyed } = this.#policies
    if (flag === undefined && cache === undefined && keyed === undefined) {
      this.#limit()
      return
    }
    try {
      flag?.check(this.#outer)
      if (cache === undefined) this.#claim()
      else {
        this.#reader = new CacheReader(this, cache, cache.keyOf(this.input, this.#outer))
        this.#reader.read(this.#startedMs)
      }
    } catch (error) {
      this.fail(error)
    }
  }

  /** Of the calls under one key the first goes on. */
  #claim(): void {
    const { keyed } = this.#policies
    if (keyed === undefined || this.key === undefined) {
      this.#limit()
      return
    }
    this.#watchCaller()
    void keyed.claim(this.#outer, this.key, this.input).then((claimed) => this.#claimed(claimed))
  }

  #claimed(claimed: KeyedCall): void {
    if ('run' in claimed) {
      this.#run = claimed.run
      if (this.isSettled) void this.#letKeyGo(this.#cancelled())
      else this.#limit()
    } else if ('error' in claimed) this.fail(claimed.error)
    else this.settle(claimed.answer)
  }

  /** Whatever the call came to without its implementation, or with its last try, is known under its key. */
  #letKeyGo(error: unknown): Promise<void> | undefined {
    const run = this.#run
    this.#run = undefined
    return run?.failed(error)
  }

  /** An answer for a cache, as the contract lets it out: made by a call of nobody's, for whoever wants it. */
  make(): Promise<unknown> {
    const background = detachCall(this)
    const call = new PolicedCall(this.#operation, this.#plan, this.#policies, this.input, background)
    return runInCall(background, () => call.#fly()).then((value) => this.#operation.strip(value))
  }

  /** From the rate limit on, and over after the operation's own time. */
  #fly(): Promise<unknown> {
    const { platform } = this.#policies
    const now = platform.clock.monotonic()
    this.#isFlight = true
    this.#startedMs = now
    this.deadlineAt = now + this.#ownMs()
    this.#inner = this
    platform.deadlines.add(this, now)
    this.#limit()
    return this.#promise
  }

  #limit(): void {
    const { rateLimit } = this.#policies
    if (rateLimit === undefined) {
      this.#try(this.#startedMs)
      return
    }
    const waitMs = rateLimit.take(this.#outer)
    const late = promiseOf(waitMs)
    if (late === undefined) this.#limited(rateLimit, waitMs)
    else
      late.then(
        (ms) => this.#limited(rateLimit, ms),
        () => this.#limited(rateLimit, 0),
      )
  }

  #limited(rateLimit: RateLimit, retryAfterMs: unknown): void {
    if (this.isSettled) return
    if (typeof retryAfterMs !== 'number' || retryAfterMs === 0) {
      this.#try(this.#startedMs)
      return
    }
    rateLimit.counts.refused++
    this.fail(resilienceErrors.RATE_LIMITED({ operation: this.#operation.name, retryAfterMs }))
  }

  #try(nowMs: number): void {
    if (this.isSettled) return
    const { breaker, bulkhead } = this.#policies
    const operation = this.#operation.name
    this.#tries++
    if (this.#tries > 1) this.#enteredMs = nowMs
    if (breaker) {
      const retryAfterMs = breaker.admit(nowMs)
      if (retryAfterMs > 0) {
        this.fail(resilienceErrors.CIRCUIT_OPEN({ operation, retryAfterMs }))
        return
      }
      this.#term = breaker.term
      // A probe whose caller leaves makes room for another.
      if (breaker.state === 'half-open') this.#watchCaller()
      if (this.isSettled) return
    }
    if (bulkhead === undefined || bulkhead.enter()) {
      this.enter()
      return
    }
    this.#queued = bulkhead.wait(this)
    if (this.#queued) {
      this.#watchCaller()
      return
    }
    this.#leaveBreaker()
    const { running, waiting } = bulkhead
    this.fail(resilienceErrors.BULKHEAD_FULL({ operation, running, waiting }))
  }

  waits(): void {
    this.#watchCaller()
  }

  /** From now on the call ends with its caller, where it waits for something that does not watch its signal. */
  #watchCaller(): void {
    if (this.#watchesCaller) return
    const { signal } = this.#outer
    if (signal === rootCall.signal) return
    this.#watchesCaller = true
    if (signal.aborted) this.handleEvent()
    else signal.addEventListener('abort', this)
  }

  /** The caller has left. */
  handleEvent(): void {
    if (this.isSettled) return
    this.#abort?.abort(this.#outer.signal.reason)
    const isWaiting = this.#leaveQueue() || this.#reader?.isWaiting === true
    this.#leaveBreaker()
    if (this.#second) this.#endSecond()
    if (isWaiting || !this.#isTrying) this.fail(this.#cancelled())
  }

  #cancelled(cause?: unknown): Error {
    return resilienceErrors.CALL_CANCELLED({ operation: this.#operation.name }, { cause })
  }

  #leaveQueue(): boolean {
    const place = this.#queued
    this.#queued = undefined
    return place !== undefined && this.#policies.bulkhead?.forget(place) === true
  }

  /** A breaker that still waits for word of this try gets its place back instead. */
  #leaveBreaker(): void {
    this.#policies.breaker?.left(this.#takeTerm())
  }

  /** The term to tell the breaker of this try with, which can be done once. */
  #takeTerm(): number {
    const term = this.#term
    this.#term = -1
    return term
  }

  /** There is a place for this try. The call that made room for one that waited is another, in a context of its own. */
  enter(): void {
    if (this.#queued) runInCall(this.#outer, () => this.#take())
    else this.#take()
  }

  #take(): void {
    const { bulkhead, chaos, hedge, platform } = this.#policies
    this.#isTrying = true
    if (this.#queued || hedge || bulkhead?.isAdaptive) this.#enteredMs = platform.clock.monotonic()
    this.#queued = undefined
    if (chaos === undefined) this.#invoke()
    else this.#strike(chaos)
  }

  #strike(chaos: Chaos): void {
    const { clock, random } = this.#policies.platform
    try {
      if (!chaos.strikes(this.#outer, random)) {
        this.#invoke()
        return
      }
    } catch (error) {
      this.#failed(error)
      return
    }
    chaos.strike(this.#operation.name, this.signal, clock).then(
      () => this.#invoke(),
      (error: unknown) => this.#failed(error),
    )
  }

  #invoke(): void {
    try {
      const answer = this.attempt(this.#inner)
      const late = promiseOf(answer)
      if (late === undefined) {
        this.#succeeded(answer)
        return
      }
      const { hedge } = this.#policies
      if (hedge) this.#planSecond(hedge)
      late.then(
        (value) => this.#succeeded(value),
        (error: unknown) => this.#failed(error),
      )
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Runs the implementation, also for a second attempt. */
  attempt(given: CallContext): unknown {
    const { around } = this.#policies
    const context = beginCall(given)
    if (this.#run && context.key) this.#run.begin(context.key, this.#operation.strip)
    return around
      ? around(this.input, context, async () => this.#implementation(context))
      : this.#implementation(context)
  }

  #implementation(context: CallContext): unknown {
    const { invoke, callsOthers } = this.#operation
    // Only where it may be asked for: entering costs as much as all policies together.
    if (!(callsOthers || this.#span || this.key) || context === currentCall()) return invoke(this.input, context)
    return runInCall(context, () => invoke(this.input, context))
  }

  #planSecond(hedge: Hedge): void {
    const afterMs = hedge.afterMs()
    if (afterMs === undefined) return
    this.#second = new SecondAttempt(this.#operation.name, this, this, hedge, this.#policies)
    this.#second.planIn(afterMs)
    this.#watchCaller()
  }

  overtaken(value: unknown, ranMs: number): void {
    this.#second = undefined
    const { hedge } = this.#policies
    hedge?.ranFor(ranMs)
    // The first would have taken longer still.
    if (this.#isTrying) hedge?.ranFor(this.now() - this.#tryingSinceMs)
    hedge?.won()
    this.#accepted(value)
    this.#abort?.abort(this.#cancelled())
  }

  failedTwice(error: unknown): void {
    this.#tryFailed(error)
  }

  #leavePlace(): void {
    this.#isTrying = false
    if (this.#outlives) {
      this.#outlives = false
      this.#operation.outlived()
    }
    const { bulkhead, platform } = this.#policies
    if (bulkhead === undefined) return
    if (bulkhead.isAdaptive) bulkhead.ranFor(platform.clock.monotonic() - this.#tryingSinceMs)
    const place = this.#abandoned ?? bulkhead
    this.#abandoned = undefined
    place.leave()
  }

  #succeeded(value: unknown): void {
    this.#leavePlace()
    const { hedge, invalidates } = this.#policies
    if (this.isSettled) {
      // It took effect, though nobody waited for it any more.
      if (this.#run) void this.#keepAnswer(this.#run, value)
      if (invalidates) void this.#invalidate(invalidates, value)
      return
    }
    hedge?.ranFor(this.now() - this.#tryingSinceMs)
    this.#accepted(value)
  }

  #accepted(value: unknown): void {
    this.#policies.breaker?.succeeded(this.#startedMs, this.#takeTerm())
    if (this.#run === undefined) this.#settleWith(value)
    else void this.#keepAnswer(this.#run, value).then(() => this.#settleWith(value))
  }

  /** Repeats of the call are given the answer from then on. */
  #keepAnswer(run: CallRun, value: unknown): Promise<void> {
    this.#run = undefined
    return run.answered(value, this.#operation.strip)
  }

  #settleWith(value: unknown): void {
    const { invalidates } = this.#policies
    if (invalidates === undefined) this.settle(value)
    else void this.#invalidate(invalidates, value)
  }

  /** The caller may read at once what it has changed. */
  async #invalidate(tagsOf: InvalidatesPart, value: unknown): Promise<void> {
    try {
      await this.#policies.platform.caches.invalidate(tagsOf(this.input, value))
    } catch (error) {
      // The command has taken effect, but what its caller reads next may be old: that must not pass for a success.
      this.fail(error)
    }
    this.settle(value)
  }

  #failed(error: unknown): void {
    this.#leavePlace()
    if (this.isSettled) {
      if (!this.#second?.isRunning) void this.#letKeyGo(error)
      return
    }
    // The other attempt may still answer.
    if (this.#second?.standsInFor(error)) return
    this.#tryFailed(error)
  }

  #tryFailed(thrown: unknown): void {
    this.#endSecond()
    const { retry, platform } = this.#policies
    const now = platform.clock.monotonic()
    const isLeft = this.#hasCallerLeft(now)
    const isAbort =
      !isError(thrown) && (kindOf(thrown) === 'cancelled' || (isLeft && thrown === this.#outer.signal.reason))
    const error = isAbort ? this.#cancelled(thrown) : thrown
    if (isLeft) this.#leaveBreaker()
    else this.#policies.breaker?.learn(error, now, this.#takeTerm())
    const waitMs = isLeft
      ? undefined
      : retry?.next(error, this.#tries, this.deadlineAt - now, this.key !== undefined, platform.random)
    if (waitMs === undefined) {
      this.fail(error)
      return
    }
    platform.clock.sleep(waitMs, this.signal).then(
      () => this.#try(platform.clock.monotonic()),
      () => this.fail(this.#cancelled()),
    )
  }

  /** Whether the caller waits no longer; how its call fails then says nothing of the operation. */
  #hasCallerLeft(now: number): boolean {
    const outer = this.#outer
    return outer !== rootCall && (outer.signal.aborted || (outer.deadlineAt ?? Number.POSITIVE_INFINITY) <= now)
  }

  /** The deadline has passed: the caller is answered now, whatever the implementation still does. */
  expire(): void {
    const { breaker, deadline, platform } = this.#policies
    const now = platform.clock.monotonic()
    const waitedMs = Math.round(now - this.#startedMs)
    const error = resilienceErrors.DEADLINE_EXCEEDED({ operation: this.#operation.name, waitedMs })
    if (this.isSettled) {
      // A fallback was at work.
      this.#refuse(error)
      return
    }
    // A flight's readers count for themselves.
    if (!this.#isFlight) deadline.counts.exceeded++
    const isAtWork = !this.#leaveQueue() && (this.#isTrying || this.#second?.isRunning === true)
    if (isAtWork && now - this.#tryingSinceMs >= this.#ownMs() * fairShare) breaker?.failed(now, this.#takeTerm())
    else this.#leaveBreaker()
    this.fail(error, this.deadlineAt < this.#startedMs + this.#ownMs())
    this.#abort?.abort(error)
  }

  settle(value: unknown): void {
    if (this.isSettled) return
    this.#stage = 'settled'
    this.#answer(value)
  }

  /**
   * Settles the call: by a kept answer or the fallback where there is one, else by the error.
   *
   * @param isCallers whether the caller is at fault, which does not wait for another answer.
   */
  fail(error: unknown, isCallers = false): void {
    if (this.isSettled) return
    if (this.#run && !this.#isTrying) {
      // Before the caller knows of it: it may repeat the call at once.
      void this.#letKeyGo(error)?.then(() => this.fail(error, isCallers))
      return
    }
    this.#stage = 'settled'
    const { fallback } = this.#policies
    if (this.#isFlight || !isFailure(error)) {
      this.#refuse(error)
      return
    }
    const standIn = this.#reader?.standIn()
    if (standIn) this.#answer(standIn.value)
    else if (fallback === undefined || isCallers) this.#refuse(error)
    else this.#fallBack(fallback, error)
  }

  /** The deadline; once that has passed, as long again as the operation has. */
  #fallbackUntil(): number {
    const now = this.now()
    return this.deadlineAt > now ? this.deadlineAt : now + this.#ownMs()
  }

  /** Deadlines pass outside of any call. The end of this one is not the end of what stands in for it. */
  #fallbackContext(untilMs: number): CallContext {
    const deadlineAt = untilMs === Number.POSITIVE_INFINITY ? undefined : untilMs
    return beginCall(deriveCall(this.#outer, { trace: this.trace, deadlineAt }))
  }

  #fallBack({ instead, counts }: FallbackPart, error: unknown): void {
    try {
      const untilMs = this.#fallbackUntil()
      const answer = runInCall(this.#fallbackContext(untilMs), () => instead(this.input, error))
      counts.answered++
      const late = promiseOf(answer)
      if (late === undefined) {
        this.#answer(answer)
        return
      }
      if (this.deadlineAt !== untilMs) {
        const { deadlines } = this.#policies.platform
        deadlines.remove(this)
        this.deadlineAt = untilMs
        deadlines.add(this, this.now())
      }
      late.then(
        (value) => this.#answer(value),
        (failure: unknown) => this.#refuse(failure),
      )
    } catch (failure) {
      this.#refuse(failure)
    }
  }

  #answer(value: unknown): void {
    if (this.#stage === 'ended') return
    this.#end(undefined)
    this.#resolve(value)
  }

  #refuse(error: unknown): void {
    if (this.#stage === 'ended') return
    this.#end(error ?? 'no reason')
    this.#reject(error)
  }

  #endSecond(): void {
    const second = this.#second
    this.#second = undefined
    second?.end()
  }

  #end(error: unknown): void {
    this.#stage = 'ended'
    if (this.#isTrying) {
      this.#outlives = true
      this.#operation.outlives()
      const { bulkhead, deadline, platform } = this.#policies
      this.#abandoned = bulkhead?.abandon(platform.deadlines, this.now(), deadline.ms)
    }
    if (this.#second) this.#endSecond()
    if (this.#watchesCaller) this.#outer.signal.removeEventListener('abort', this)
    if (this.deadlineAt !== Number.POSITIVE_INFINITY) this.#policies.platform.deadlines.remove(this)
    this.#reader?.leave()
    if (!this.#isFlight) this.#plan.instrument?.ended(this.#outer, this.#span, this.#startedMs, error)
  }
}

/** One executor for all promises: a closure per call would cost more than a policy. */
const captured = { resolve: (_: unknown) => {}, reject: (_: unknown) => {} }
function capture(resolve: (value: unknown) => void, reject: (error: unknown) => void): void {
  captured.resolve = resolve
  captured.reject = reject
}

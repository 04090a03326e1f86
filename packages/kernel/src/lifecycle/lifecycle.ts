/**
 * Starts components as early as what they depend on allows, side by side where the graph permits, and closes them the other way round.
 * What fails after its start is closed and started again with growing waits; dependents stay. What is not asked for, and not needed by
 * what is, does not start.
 */
import { type Clock, systemClock } from '../clock.ts'
import { kernelErrors } from '../errors.ts'
import { isError, type KeelsonError } from '../keelson-error.ts'
import { reasonOf } from '../reason-of.ts'
import { type Backoff, backoffMs } from '../waiting/backoff.ts'
import { withinTime } from '../waiting/within-time.ts'
import {
  type Component,
  type ComponentState,
  type ComponentStatus,
  closesBefore,
  type StateChanged,
} from './component.ts'
import { Lifetime } from './lifetime.ts'
import { startOrder, withFollowers, withoutOptional } from './start-order.ts'

/** Keeps the time from the end of the cause to the next start under five seconds. */
const defaultRestart: Backoff = { firstMs: 100, mostMs: 5_000 }

export interface LifecycleOptions {
  readonly clock?: Clock
  /** A number from 0 to below 1. */
  readonly random?: () => number
  /** 30,000 when left out. */
  readonly startTimeoutMs?: number
  /** 10,000 when left out. */
  readonly closeTimeoutMs?: number
  /** Pauses of up to 100 ms, doubled up to 5 s, when left out; who has run for longer than the longest begins again at the first. */
  readonly restart?: Backoff | false
}

interface Slot {
  readonly component: Component
  state: ComponentState
  lifetime: Lifetime | undefined
  error: KeelsonError | undefined
  failures: number
  runningSinceMs: number
  recovery: { readonly stop: AbortController; readonly done: Promise<void> } | undefined
}

export class Lifecycle {
  readonly #changed: StateChanged
  readonly #options: Required<LifecycleOptions>
  readonly #slots = new Map<string, Slot>()
  /** Those that started, in that order. */
  readonly #running = new Set<Slot>()
  /** About to be closed: what fails now is not started again. */
  readonly #closing = new Set<Slot>()
  readonly #waiting = new Set<() => void>()
  #cancel = new AbortController()
  /** Aborts when the time to close is over. */
  #cut = new AbortController()
  /** Calls of start, stop and close run one after the other, so that none sees half of another. */
  #queue: Promise<unknown> = Promise.resolve()

  constructor(changed: StateChanged = () => {}, options: LifecycleOptions = {}) {
    this.#changed = changed
    this.#options = {
      clock: systemClock,
      random: Math.random,
      startTimeoutMs: 30_000,
      closeTimeoutMs: 10_000,
      restart: defaultRestart,
      ...options,
    }
  }

  /** Throws COMPONENT_DUPLICATE when the name is taken. */
  add(component: Component): void {
    if (this.#slots.has(component.name)) throw kernelErrors.COMPONENT_DUPLICATE({ component: component.name })
    this.#slots.set(component.name, {
      component,
      state: 'registered',
      lifetime: undefined,
      error: undefined,
      failures: 0,
      runningSinceMs: 0,
      recovery: undefined,
    })
  }

  /** Undefined for a name that was never added. */
  status(name: string): ComponentStatus | undefined {
    const slot = this.#slots.get(name)
    if (!slot) return undefined
    const { state, error, failures, recovery } = slot
    return { state, error, failures, isRestarting: recovery !== undefined }
  }

  /**
   * Starts the named components, and first what they depend on; all when none are named. What runs already stays as it is. Rejects with
   * DEPENDENCY_MISSING or DEPENDENCY_CYCLE before anything has started, with START_CANCELLED when `close` comes in between, or with the
   * first error of a start, after closing what this call had started. What is needed only optionally never makes it reject: it is tried
   * once before its dependents start, and from then on again and again.
   */
  start(names?: readonly string[]): Promise<void> {
    const cancelled = this.#cancel.signal
    return this.#enqueue(() => this.#startAll(names, cancelled))
  }

  /** Closes one component. Safe to repeat; what depends on it keeps running. */
  stop(name: string): Promise<void> {
    return this.#enqueue(async () => {
      const slot = this.#slots.get(name)
      if (slot) await this.#closeSlots([slot])
    })
  }

  /**
   * Closes everything, each once what depends on it is closed. Safe to repeat and to call during a start, which then begins nothing more
   * and rejects. One failure keeps nothing else open; the first is thrown last.
   *
   * @param cut when it aborts, nothing is waited for any longer: the rest is closed at once, in the same order, and each component that was
   * not done is told as CLOSE_CUT. A later call may bring it.
   */
  close(cut?: AbortSignal): Promise<void> {
    if (cut?.aborted) this.#cut.abort()
    else cut?.addEventListener('abort', () => this.#cut.abort(), { once: true })
    this.#cancel.abort()
    this.#cancel = new AbortController()
    for (const { state, lifetime } of this.#slots.values()) if (state === 'starting') lifetime?.announceClose()
    return this.#enqueue(async () => {
      try {
        await this.#closeSlots([...this.#slots.values()])
      } finally {
        this.#cut = new AbortController()
      }
    })
  }

  async #startAll(names: readonly string[] | undefined, cancelled: AbortSignal): Promise<void> {
    const components = [...this.#slots.values()].map(({ component }) => component)
    const order = startOrder(components, withFollowers(components, names))
    const strict = components.map(withoutOptional)
    const required = new Set(startOrder(strict, withFollowers(strict, names)).map(({ name }) => name))
    const begun: Slot[] = []
    const attempts = new Map<string, Promise<void>>()
    let failure: KeelsonError | undefined
    for (const component of order) {
      const slot = this.#slot(component.name)
      if (slot.state === 'running') continue
      const needed = [...component.dependsOn, ...(component.optional ?? [])]
      const before = needed.flatMap((name) => attempts.get(name) ?? [])
      const attempt = async () => {
        await Promise.all(before)
        if (failure || cancelled.aborted) return
        const wasRestarting = slot.recovery !== undefined
        await this.#stopRecovery(slot)
        if (slot.state === 'running') return
        if (!wasRestarting) begun.push(slot)
        const error = this.#canStart(slot) ? await this.#attempt(slot) : this.#withoutDependency(slot)
        if (!error) return
        if (wasRestarting || !required.has(component.name)) this.#recover(slot)
        if (!required.has(component.name) || failure) return
        failure = error
        for (const { state, lifetime } of begun) if (state === 'starting') lifetime?.announceClose()
      }
      attempts.set(component.name, attempt())
    }
    await Promise.all(attempts.values())
    // A start that leaves as its signal says has not failed.
    if (cancelled.aborted && (!failure || isError(failure, 'LIFETIME_ENDED')))
      failure = kernelErrors.START_CANCELLED({})
    if (!failure) return
    // The start's own error is what the caller needs; a failure to close on the way out must not hide it.
    await this.#closeSlots(begun).catch(() => {})
    throw failure
  }

  /** One try. Gives the error of a failed one, after everything it opened was closed. */
  async #attempt(slot: Slot): Promise<KeelsonError | undefined> {
    const { component } = slot
    const timeoutMs = component.startTimeoutMs ?? this.#options.startTimeoutMs
    const { promise: failed, reject: fail } = Promise.withResolvers<never>()
    failed.catch(() => {})
    const lifetime = new Lifetime(component.name, (error) => {
      fail(error)
      if (slot.lifetime === lifetime && slot.state === 'running') this.#fail(slot, error)
    })
    slot.lifetime = lifetime
    this.#turn(slot, 'starting')
    try {
      const started = Promise.race([(async () => component.start(lifetime))(), failed])
      await withinTime(() => Promise.race([started, this.#givenUp(slot, lifetime, started)]), {
        timeoutMs,
        clock: this.#options.clock,
        timedOut: () => kernelErrors.START_TIMED_OUT({ component: component.name, timeoutMs }),
      })
    } catch (cause) {
      const error = isError(cause)
        ? cause
        : kernelErrors.START_FAILED({ component: component.name, reason: reasonOf(cause) }, { cause })
      slot.failures++
      await this.#end(slot).catch(() => {})
      this.#turn(slot, 'failed', error)
      return error
    }
    slot.runningSinceMs = this.#options.clock.monotonic()
    this.#running.add(slot)
    this.#turn(slot, 'running')
    return undefined
  }

  /** Rejects when a start goes on for too long after it was told to end: the time that a close may take, or until the close is cut. */
  #givenUp(slot: Slot, lifetime: Lifetime, started: Promise<unknown>): Promise<never> {
    const { promise, reject } = Promise.withResolvers<never>()
    promise.catch(() => {})
    const leave = () => this.#bounded(slot, 'its start', started).catch(() => reject(kernelErrors.START_CANCELLED({})))
    lifetime.signal.addEventListener('abort', () => slot.state === 'starting' && void leave(), { once: true })
    return promise
  }

  /** A running component has failed: refuse it at once, close what it holds, and start it again. */
  #fail(slot: Slot, cause: unknown): void {
    if (this.#closing.has(slot)) return
    const { component } = slot
    const restart = component.restart ?? this.#options.restart
    const ranMs = this.#options.clock.monotonic() - slot.runningSinceMs
    slot.failures = restart && ranMs > restart.mostMs ? 1 : slot.failures + 1
    const error = isError(cause)
      ? cause
      : kernelErrors.COMPONENT_FAILED({ component: component.name, reason: reasonOf(cause) }, { cause })
    this.#running.delete(slot)
    slot.state = 'failed'
    this.#recover(slot)
    this.#turn(slot, 'failed', error)
  }

  /** Tries until it runs, or until somebody else takes over. */
  #recover(slot: Slot): void {
    const restart = slot.component.restart ?? this.#options.restart
    const stop = new AbortController()
    const done = (async () => {
      await this.#closeLifetime(slot, false).catch(() => {})
      while (restart && !stop.signal.aborted) {
        const delayMs = backoffMs(restart, slot.failures, this.#options.random)
        await this.#options.clock.sleep(delayMs, stop.signal).catch(() => {})
        while (!stop.signal.aborted && !this.#canStart(slot)) await this.#dependenciesOf(slot, stop.signal)
        if (stop.signal.aborted || !(await this.#attempt(slot))) return
      }
    })()
    const recovery = { stop, done }
    slot.recovery = recovery
    void done.then(() => {
      if (slot.recovery === recovery) slot.recovery = undefined
    })
  }

  async #stopRecovery(slot: Slot): Promise<void> {
    const { recovery } = slot
    if (!recovery) return
    recovery.stop.abort('taken over')
    await recovery.done
    slot.recovery = slot.recovery === recovery ? undefined : slot.recovery
  }

  /** Resolves when all that `slot` needs is running, or the signal aborts. */
  #dependenciesOf(slot: Slot, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!signal.aborted && !this.#canStart(slot)) return
        this.#waiting.delete(look)
        signal.removeEventListener('abort', look)
        resolve()
      }
      this.#waiting.add(look)
      signal.addEventListener('abort', look)
      look()
    })
  }

  #withoutDependency({ component }: Slot): KeelsonError {
    const missing = component.dependsOn.find((name) => this.#slots.get(name)?.state !== 'running')
    return kernelErrors.START_FAILED({
      component: component.name,
      reason: `"${missing}", which it needs, does not run`,
    })
  }

  #canStart(slot: Slot): boolean {
    return slot.component.dependsOn.every((name) => this.#slots.get(name)?.state === 'running')
  }

  async #closeSlots(slots: readonly Slot[]): Promise<void> {
    for (const slot of slots) this.#closing.add(slot)
    const stopped = slots.map((slot) => this.#stopRecovery(slot))
    for (const { state, lifetime, recovery } of slots) if (recovery && state === 'starting') lifetime?.announceClose()
    await Promise.all(stopped)
    const closing = [...this.#running].filter((slot) => slots.includes(slot)).reverse()
    const closed = new Map<Slot, Promise<void>>()
    const failures: unknown[] = []
    // What was started again comes after its dependents in `closing`, hence the recursion.
    const close = (slot: Slot): Promise<void> => {
      const begun = closed.get(slot)
      if (begun) return begun
      const dependents = closing.filter((other) => closesBefore(other.component, slot.component)).map(close)
      const ended = Promise.all(dependents).then(() => this.#end(slot).catch((error) => void failures.push(error)))
      closed.set(slot, ended)
      return ended
    }
    await Promise.all(closing.map(close))
    for (const slot of slots) this.#closing.delete(slot)
    if (failures.length > 0) throw failures[0]
  }

  /** Lets the work of one component end, and closes it. */
  async #end(slot: Slot): Promise<void> {
    const hasRun = this.#running.delete(slot)
    this.#turn(slot, 'closing')
    let failure: KeelsonError | undefined
    try {
      await this.#closeLifetime(slot, hasRun)
    } catch (error) {
      failure = isError(error) ? error : undefined
      throw error
    } finally {
      this.#turn(slot, 'closed', failure)
    }
  }

  async #closeLifetime(slot: Slot, mayDrain: boolean): Promise<void> {
    const { component, lifetime } = slot
    slot.lifetime = undefined
    if (!lifetime) return
    lifetime.announceClose()
    const drained = this.#bounded(slot, 'its work in flight', (async () => mayDrain && component.drain?.())())
    // Whatever is still in flight, what it works on is closed.
    const late: unknown = await drained.then(() => undefined).catch((error: unknown) => error)
    await this.#bounded(slot, 'its close', lifetime.close())
    if (late) throw late
  }

  #bounded(slot: Slot, waitedFor: string, work: Promise<unknown>): Promise<unknown> {
    const timeoutMs = slot.component.closeTimeoutMs ?? this.#options.closeTimeoutMs
    const component = slot.component.name
    const cut = this.#cut.signal
    const wait = withinTime(() => work, {
      // After the cut, only work that ends at once is not told of.
      timeoutMs: cut.aborted ? 0 : timeoutMs,
      clock: cut.aborted ? systemClock : this.#options.clock,
      timedOut: () => kernelErrors.CLOSE_TIMED_OUT({ component, timeoutMs, waitedFor }),
      signal: cut.aborted ? undefined : cut,
    })
    return wait.catch((error: unknown) => {
      const isCut = cut.aborted && (error === cut.reason || isError(error, 'CLOSE_TIMED_OUT'))
      throw isCut ? kernelErrors.CLOSE_CUT({ component, waitedFor }) : error
    })
  }

  #turn(slot: Slot, state: ComponentState, error?: KeelsonError): void {
    slot.state = state
    if (state === 'running' || state === 'failed') slot.error = error
    this.#changed(slot.component.name, state, error)
    for (const look of this.#waiting) look()
  }

  #slot(name: string): Slot {
    const slot = this.#slots.get(name)
    if (!slot) throw kernelErrors.DEPENDENCY_MISSING({ dependency: name, path: [] })
    return slot
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work)
    this.#queue = result.catch(() => {})
    return result
  }
}

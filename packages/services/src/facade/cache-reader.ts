/**
 * How a call comes to an answer by a cache: one that is kept and fresh, else one that is being made, else one that it has made for itself and for whoever
 * asks meanwhile. An answer past its time may stand in when none can be made.
 */
import { isError } from '@keelson/kernel'
import {
  type CacheEntry,
  CacheFlight,
  type Flight,
  type FlightReader,
  type ResultCache,
  resilienceErrors,
} from '@keelson/resilience'

/** The call that reads. */
interface ReadingCall {
  readonly caller: string
  readonly input: unknown
  readonly isSettled: boolean
  /** Monotonic milliseconds. */
  now(): number
  /** Makes an answer beside the call, which ends by itself. */
  make(): Promise<unknown>
  /** The call waits for somebody else's work. */
  waits(): void
  settle(value: unknown): void
  fail(error: unknown): void
}

export class CacheReader implements FlightReader {
  readonly #call: ReadingCall
  readonly #cache: ResultCache
  readonly #key: string
  /** How many invalidations there had been when it began to look. */
  readonly #epoch: number
  /** An answer past its time that may stand in for a newer one. */
  #stale: CacheEntry | undefined
  #flight: Flight | undefined
  /** Whether it began the flight that it waits for. */
  #isMaker = false

  constructor(call: ReadingCall, cache: ResultCache, key: string) {
    this.#call = call
    this.#cache = cache
    this.#key = key
    this.#epoch = cache.epoch
  }

  /** @param nowMs monotonic time, which the caller has read. */
  read(nowMs: number): void {
    const found = this.#cache.find(this.#key)
    if (found instanceof Promise)
      found.then((entry) => this.#found(entry, this.#call.now())).catch((error: unknown) => this.#call.fail(error))
    else this.#found(found, nowMs)
  }

  get isWaiting(): boolean {
    return this.#flight !== undefined
  }

  /** The call waits no longer. */
  leave(): void {
    this.#flight?.leave(this)
    this.#flight = undefined
  }

  landed(value: unknown): void {
    if (!this.#isMaker) this.#cache.counts.hits++
    this.#call.settle(value)
  }

  crashed(error: unknown): void {
    // That another service has used up its limit is nothing to this call.
    const isOthers = this.#flight?.caller !== this.#call.caller && isError(error, resilienceErrors.RATE_LIMITED.code)
    if (isOthers && !this.#call.isSettled) this.#join()
    else this.#call.fail(error)
  }

  /** A kept answer past its time for a call that failed, unless its grace is over or it was invalidated meanwhile. */
  standIn(): { readonly value: unknown } | undefined {
    const stale = this.#stale
    const cache = this.#cache
    if (!stale || cache.isStale(stale.tags, this.#epoch) || cache.now(this.#call.now()) >= stale.keptUntil)
      return undefined
    cache.counts.stale++
    return { value: cache.share(stale) }
  }

  #found(entry: CacheEntry | undefined, nowMs: number): void {
    if (this.#call.isSettled) return
    const cache = this.#cache
    const now = entry ? cache.now(nowMs) : 0
    if (entry && now < entry.freshUntil) {
      cache.counts.hits++
      if (cache.isDue(entry, now) && !cache.isFlying(this.#key)) this.#takeOff(false)
      this.#call.settle(cache.share(entry))
      return
    }
    if (entry && now < entry.keptUntil) this.#stale = entry
    this.#join()
  }

  #join(): void {
    const flight = this.#cache.flight(this.#key)
    this.#isMaker = flight === undefined
    if (this.#isMaker) this.#cache.counts.misses++
    this.#flight = flight ?? this.#takeOff(true)
    this.#flight.join(this)
    this.#call.waits()
  }

  /** @param isOpen whether others may wait for it, which they may not for one in the background. */
  #takeOff(isOpen: boolean): CacheFlight {
    const flight = new CacheFlight(this.#cache, this.#key, this.#call.input, this.#call.caller, isOpen)
    flight.follow(this.#call.make())
    return flight
  }
}

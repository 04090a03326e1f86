/**
 * Kept answers of one operation. The pipeline asks `find`; whoever finds nothing makes the answer under a flight, which others with the same
 * input join. An answer whose tags were invalidated while it was made is handed out but not kept.
 */
import type { Clock } from '@keelson/kernel'
import { CacheKeys } from './cache-keys.ts'
import type { CacheEntry, CacheStore } from './cache-store.ts'

/** A clock that was set is noticed so soon. */
const comparedEveryMs = 20

/** One making of an answer. */
export interface Flight {
  readonly answer: Promise<unknown>
  readonly staleTags: string[]
}

/** What all cached operations of a process share: the store, and the flights that an invalidation must reach. */
export class ResultCaches {
  readonly #store: () => CacheStore
  readonly flights = new Map<string, Flight>()
  #comparedAt = Number.NEGATIVE_INFINITY
  #offsetMs = 0
  /** How often the store could not be reached. */
  storeFailures = 0

  /** @param store asked for each use: it may have come back. */
  constructor(store: () => CacheStore) {
    this.#store = store
  }

  get store(): CacheStore {
    return this.#store()
  }

  /** The time of day by the monotonic clock: how far both are apart is looked at again after a moment. */
  now(monotonicMs: number, clock: Clock): number {
    const sinceMs = monotonicMs - this.#comparedAt
    if (sinceMs >= comparedEveryMs || sinceMs < 0) {
      this.#comparedAt = monotonicMs
      this.#offsetMs = clock.now() - clock.monotonic()
    }
    return monotonicMs + this.#offsetMs
  }

  /** Nothing that was made before is found under these tags afterwards. A store that cannot be reached is counted; its entries live until their time has passed. */
  async invalidate(tags: readonly string[]): Promise<void> {
    for (const flight of this.flights.values()) flight.staleTags.push(...tags)
    try {
      await this.store.invalidate(tags)
    } catch {
      this.storeFailures++
    }
  }
}

export interface ResultCacheSettings {
  readonly ttlMs: number
  readonly graceMs: number
  /** From this age on, in milliseconds, a hit makes a new answer; Infinity for never. */
  readonly refreshAfterMs: number
  readonly keyOf: ((input: never) => unknown) | undefined
  readonly tagsOf: ((input: never, output: never) => readonly string[]) | undefined
}

/** Counted since the process began. */
export interface CacheCounts {
  hits: number
  misses: number
  /** Answers that stood in after their time because there was no newer one. */
  stale: number
}

export class ResultCache {
  readonly settings: ResultCacheSettings
  readonly counts: CacheCounts
  readonly #keys: CacheKeys
  readonly #caches: ResultCaches
  readonly #clock: Clock

  constructor(
    operation: string,
    settings: ResultCacheSettings,
    caches: ResultCaches,
    clock: Clock,
    counts: CacheCounts,
  ) {
    this.#keys = new CacheKeys(operation)
    this.settings = settings
    this.#caches = caches
    this.#clock = clock
    this.counts = counts
  }

  /** An operation's input has a JSON form; a subject never sees what was made for another. */
  keyOf(input: unknown, subject: string | undefined): string {
    const { keyOf } = this.settings
    // Inputs reach policies after the contract's schema, whose type `keyOf` was checked against.
    const by = keyOf ? keyOf(input as never) : input
    return this.#keys.of(by, subject)
  }

  find(key: string): CacheEntry | undefined | Promise<CacheEntry | undefined> {
    try {
      const found = this.#caches.store.get(key)
      return found instanceof Promise ? found.catch(() => this.#unreachable()) : found
    } catch {
      return this.#unreachable()
    }
  }

  /**
   * Milliseconds since 1970, as entries have them.
   *
   * @param monotonicMs the time by the monotonic clock, which the caller has read.
   */
  now(monotonicMs: number): number {
    return this.#caches.now(monotonicMs, this.#clock)
  }

  /** Whether a hit at this time should make a new answer in the background. */
  isDue(entry: CacheEntry, now: number): boolean {
    return now >= entry.madeAt + this.settings.refreshAfterMs
  }

  flight(key: string): Promise<unknown> | undefined {
    return this.#caches.flights.get(key)?.answer
  }

  takeOff(key: string, answer: Promise<unknown>): Flight {
    const flight = { answer, staleTags: [] }
    this.#caches.flights.set(key, flight)
    return flight
  }

  land(key: string, flight: Flight): void {
    if (this.#caches.flights.get(key) === flight) this.#caches.flights.delete(key)
  }

  keep(key: string, flight: Flight, input: unknown, output: unknown): void {
    const { ttlMs, graceMs, tagsOf } = this.settings
    try {
      // As with `keyOf`: checked where the annotation was written.
      const tags = tagsOf ? tagsOf(input as never, output as never) : []
      if (flight.staleTags.some((tag) => tags.includes(tag))) return
      const madeAt = this.#clock.now()
      const freshUntil = madeAt + ttlMs
      const value = frozen(structuredClone(output))
      const set = this.#caches.store.set(key, { value, madeAt, freshUntil, keptUntil: freshUntil + graceMs, tags })
      if (set instanceof Promise) set.catch(() => this.#unreachable())
    } catch {
      // An answer that cannot be kept is an answer all the same.
      this.#unreachable()
    }
  }

  #unreachable(): undefined {
    this.#caches.storeFailures++
  }
}

/** Shared by all who hit it, so nobody may change it. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  for (const inner of Object.values(value)) frozen(inner)
  return Object.freeze(value)
}

/**
 * Kept answers of one operation. Whoever finds nothing makes the answer under a flight, which others with the same key join. After an invalidation
 * nobody joins a flight from before it, and what that brings is not kept under the tags that were invalidated.
 */
import { type CallContext, type Clock, promiseOf } from '@keelson/kernel'
import { CacheKeys } from './cache-keys.ts'
import type { CacheEntry, CacheStore } from './cache-store.ts'
import { identityOf } from './identity.ts'
import { shared } from './kept-value.ts'
import { patiently } from './store-patience.ts'
import { TagEpochs } from './tag-epochs.ts'

/** A clock that was set is noticed so soon. */
const comparedEveryMs = 20

/** A call that waits for a flight. Must not throw. */
export interface FlightReader {
  /** @param value nobody else's. */
  landed(value: unknown): void
  crashed(error: unknown): void
}

/** The making of one answer. */
export interface Flight {
  /** How many invalidations there had been when it began. */
  readonly epoch: number
  /** Of the answer, where they are known before it is; undefined where they depend on it. */
  readonly tags: readonly string[] | undefined
  /** False for one in the background, beside an answer that is still good: nobody waits for it. */
  readonly isOpen: boolean
  /** The service whose call began it. */
  readonly caller: string
  /** Exactly one method of the reader is called, unless it leaves. */
  join(reader: FlightReader): void
  leave(reader: FlightReader): void
}

/** What all cached operations of a process share: the store, the flights, and when what was invalidated. */
export class ResultCaches {
  readonly #store: () => CacheStore
  /** Of each key that which took off last. */
  readonly flights = new Map<string, Flight>()
  #epoch = 0
  readonly #epochs = new TagEpochs()
  /** Tags that the store could not be told of, and when, in milliseconds since 1970. */
  readonly #untold = new TagEpochs()
  readonly #clock: Clock
  #comparedAt = Number.NEGATIVE_INFINITY
  #offsetMs = 0
  /** How often the store could not be reached. */
  storeFailures = 0

  /** @param store asked for each use: it may have come back. */
  constructor(store: () => CacheStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  get store(): CacheStore {
    return this.#store()
  }

  /** The time of day by the monotonic clock: how far both are apart is looked at again after a moment. */
  now(monotonicMs: number): number {
    const sinceMs = monotonicMs - this.#comparedAt
    if (sinceMs >= comparedEveryMs || sinceMs < 0) {
      this.#comparedAt = monotonicMs
      this.#offsetMs = this.#clock.now() - this.#clock.monotonic()
    }
    return monotonicMs + this.#offsetMs
  }

  /**
   * Nobody who reads afterwards is given what was made before under these tags, in this process. Where the store cannot be reached, that is counted, and
   * other processes find its entries until their time has passed.
   */
  async invalidate(tags: readonly string[]): Promise<void> {
    if (tags.length === 0) return
    this.#epochs.note(tags, ++this.#epoch)
    try {
      await this.store.invalidate(tags)
    } catch {
      this.storeFailures++
      this.#untold.note(tags, this.#clock.now())
    }
  }

  /** The number of the last invalidation. */
  get epoch(): number {
    return this.#epoch
  }

  /** Whether one of the tags was invalidated after that epoch. */
  isStale(tags: readonly string[], epoch: number): boolean {
    return this.#epochs.isLater(tags, epoch)
  }

  /** Whether an entry that the store gave may be used: an older one may be what the store could not be told to forget. */
  isBelieved({ tags, madeAt }: CacheEntry): boolean {
    return !this.#untold.isLater(tags, madeAt - 1)
  }
}

export interface ResultCacheSettings {
  readonly ttlMs: number
  readonly graceMs: number
  /** From this age on, in milliseconds, a hit makes a new answer; Infinity for never. */
  readonly refreshAfterMs: number
  /** How long making an answer may take where the operation has no deadline. */
  readonly withinMs: number
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
  /** `service.operation` */
  readonly operation: string
  readonly settings: ResultCacheSettings
  readonly counts: CacheCounts
  /** Inputs whose answers are made before they are asked for. */
  readonly warm: readonly unknown[]
  readonly #keys: CacheKeys
  readonly #caches: ResultCaches
  readonly #clock: Clock

  constructor(
    operation: string,
    settings: ResultCacheSettings,
    warm: readonly unknown[],
    { caches, clock }: { readonly caches: ResultCaches; readonly clock: Clock },
    counts: CacheCounts,
  ) {
    this.operation = operation
    this.#keys = new CacheKeys(operation)
    this.settings = settings
    this.warm = warm
    this.#caches = caches
    this.#clock = clock
    this.counts = counts
  }

  /** Nobody sees what was made for another subject. Throws CACHE_KEY_UNUSABLE, and what `by` throws. */
  keyOf(input: unknown, call: CallContext): string {
    const { keyOf } = this.settings
    // Inputs reach policies after the contract's schema, whose type `keyOf` was checked against.
    const by = keyOf ? keyOf(input as never) : input
    return this.#keys.of(by, identityOf(call))
  }

  /** An entry that may be used, as far as its time allows. */
  find(key: string): CacheEntry | undefined | Promise<CacheEntry | undefined> {
    try {
      const found = this.#caches.store.get(key)
      // What has `then` is no entry.
      const late = promiseOf(found) as Promise<CacheEntry | undefined> | undefined
      if (late === undefined) return this.#believed(found as CacheEntry | undefined)
      return patiently(late, this.#clock).then(
        (entry) => this.#believed(entry),
        () => this.#unreachable(),
      )
    } catch {
      return this.#unreachable()
    }
  }

  #believed(entry: CacheEntry | undefined): CacheEntry | undefined {
    return entry && this.#caches.isBelieved(entry) ? entry : undefined
  }

  /** A kept value for one reader. */
  share(entry: CacheEntry): unknown {
    return shared(entry.value)
  }

  /**
   * Milliseconds since 1970, as entries have them.
   *
   * @param monotonicMs the time by the monotonic clock, which the caller has read.
   */
  now(monotonicMs: number): number {
    return this.#caches.now(monotonicMs)
  }

  /** Whether a hit at this time should make a new answer in the background. */
  isDue(entry: CacheEntry, now: number): boolean {
    return now >= entry.madeAt + this.settings.refreshAfterMs
  }

  /** In which epoch a reader begins. */
  get epoch(): number {
    return this.#caches.epoch
  }

  /** Whether what is kept under these tags was invalidated since then. */
  isStale(tags: readonly string[], since: number): boolean {
    return this.#caches.isStale(tags, since)
  }

  /** The tags of an answer that is yet to be made; undefined when they may depend on the answer. */
  tagsBefore(input: unknown): readonly string[] | undefined {
    const { tagsOf } = this.settings
    if (tagsOf === undefined) return []
    if (tagsOf.length !== 1) return undefined
    try {
      // It names no second parameter, and so cannot look at the output.
      return tagsOf(input as never, undefined as never)
    } catch {
      // Found again, and counted, when the answer is to be kept.
      return undefined
    }
  }

  /** Whether an answer is being made, in the background perhaps, or for readers of before an invalidation. */
  isFlying(key: string): boolean {
    return this.#caches.flights.has(key)
  }

  /** The flight that a reader who comes now may join. */
  flight(key: string): Flight | undefined {
    const flight = this.#caches.flights.get(key)
    if (!flight?.isOpen) return undefined
    const { tags, epoch } = flight
    const isStale = tags ? this.isStale(tags, epoch) : epoch !== this.epoch
    return isStale ? undefined : flight
  }

  /** From now on others may join; what took off before under this key is not kept any more. */
  takeOff(key: string, flight: Flight): void {
    this.#caches.flights.set(key, flight)
  }

  /** False: a later one has taken its place. */
  land(key: string, flight: Flight): boolean {
    return this.#caches.flights.get(key) === flight && this.#caches.flights.delete(key)
  }

  /**
   * Keeps an answer, unless one of its tags was invalidated while it was made. An answer that cannot be kept is one all the same.
   *
   * @param epoch in which making it began.
   * @param output a copy, which nobody changes.
   */
  keep(key: string, epoch: number, input: unknown, output: unknown): void {
    const { ttlMs, graceMs, tagsOf } = this.settings
    try {
      // As with `keyOf`: checked where the annotation was written.
      const tags = tagsOf ? tagsOf(input as never, output as never) : []
      if (this.isStale(tags, epoch)) return
      const madeAt = this.#clock.now()
      const freshUntil = madeAt + ttlMs
      const entry = { value: output, madeAt, freshUntil, keptUntil: freshUntil + graceMs, tags }
      promiseOf(this.#caches.store.set(key, entry))?.catch(() => this.#unreachable())
    } catch {
      this.#unreachable()
    }
  }

  #unreachable(): undefined {
    this.#caches.storeFailures++
  }
}

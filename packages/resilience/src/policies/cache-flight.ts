/**
 * The making of one answer for a cache, under nobody's deadline but its own. Calls that want the answer join and leave as their own callers do; the
 * flight goes on without them, and ends by itself.
 */
import { resilienceErrors } from '../errors.ts'
import { kept } from './kept-value.ts'
import type { Flight, FlightReader, ResultCache } from './result-cache.ts'

export class CacheFlight implements Flight {
  readonly epoch: number
  readonly tags: readonly string[] | undefined
  readonly isOpen: boolean
  readonly caller: string
  readonly #cache: ResultCache
  readonly #key: string
  readonly #input: unknown
  readonly #readers = new Set<FlightReader>()

  constructor(cache: ResultCache, key: string, input: unknown, caller: string, isOpen: boolean) {
    this.#cache = cache
    this.#key = key
    this.#input = input
    this.caller = caller
    this.isOpen = isOpen
    this.epoch = cache.epoch
    this.tags = cache.tagsBefore(input)
    cache.takeOff(key, this)
  }

  /** @param answer settles in time, whatever happens: its maker sees to that. */
  follow(answer: Promise<unknown>): void {
    answer.then(
      (value) => this.#land(value),
      (error: unknown) => this.#crash(error),
    )
  }

  join(reader: FlightReader): void {
    this.#readers.add(reader)
  }

  leave(reader: FlightReader): void {
    this.#readers.delete(reader)
  }

  #land(value: unknown): void {
    let copy: unknown
    try {
      copy = kept(value)
    } catch (cause) {
      this.#crash(resilienceErrors.CACHE_ANSWER_UNUSABLE({ operation: this.#cache.operation }, { cause }))
      return
    }
    // What a later flight makes is newer.
    if (this.#cache.land(this.#key, this)) this.#cache.keep(this.#key, this.epoch, this.#input, copy)
    let isFirst = true
    for (const reader of this.#readers) {
      reader.landed(isFirst ? value : structuredClone(copy))
      isFirst = false
    }
  }

  #crash(error: unknown): void {
    this.#cache.land(this.#key, this)
    for (const reader of this.#readers) reader.crashed(error)
  }
}

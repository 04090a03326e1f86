/** Bounds how many calls of an operation run at the same time. Those over the bound wait in the order they came, and over that are refused. */
import type { BulkheadSettings } from '../settings.ts'
import { AdaptiveLimit } from './adaptive-limit.ts'

const leastByDefault = 4

/** A call that waits for a place. Must not throw. */
export interface Waiting {
  enter(): void
}

export class Bulkhead {
  #settings: BulkheadSettings
  /** Undefined while the bound is fixed. */
  #adaptive: AdaptiveLimit | undefined
  #running = 0
  /** In the order of arrival, since a Set keeps it and forgets one in the middle at once. */
  readonly #waiting = new Set<Waiting>()
  refused = 0

  constructor(settings: BulkheadSettings) {
    this.#settings = settings
    this.#adaptive = adapted(settings, undefined)
  }

  /** Takes up new settings; what runs goes on, and what waits enters when the bound has grown. */
  configure(settings: BulkheadSettings): void {
    this.#settings = settings
    this.#adaptive = adapted(settings, this.#adaptive)
    this.#letIn()
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Calls that may run at the same time, as things are. */
  get limit(): number {
    return this.#adaptive ? this.#adaptive.limit : this.#settings.concurrency
  }

  /** Whether the bound follows how long calls run, and so wants to be told by `ranFor`. */
  get isAdaptive(): boolean {
    return this.#adaptive !== undefined
  }

  /** How long a call ran, in milliseconds; to be told before it leaves. */
  ranFor(ms: number): void {
    this.#adaptive?.ranFor(ms, this.#running)
  }

  /** True: the call has a place, and gives it back by `leave`. */
  enter(): boolean {
    if (this.#running >= this.limit) return false
    this.#running++
    return true
  }

  /** False: nobody more may wait. Else `enter` of the call is called once it has a place. */
  wait(call: Waiting): boolean {
    if (this.#waiting.size >= this.#settings.queue) {
      this.refused++
      return false
    }
    this.#waiting.add(call)
    return true
  }

  /** The call no longer waits; false when it did not. */
  forget(call: Waiting): boolean {
    return this.#waiting.delete(call)
  }

  leave(): void {
    this.#running--
    if (this.#waiting.size > 0) this.#letIn()
  }

  #letIn(): void {
    for (const call of this.#waiting) {
      if (!this.enter()) return
      this.#waiting.delete(call)
      call.enter()
    }
  }
}

function adapted(settings: BulkheadSettings, before: AdaptiveLimit | undefined): AdaptiveLimit | undefined {
  if (settings.adaptive !== true) return undefined
  const { least = leastByDefault, concurrency } = settings
  before?.configure(least, concurrency)
  return before ?? new AdaptiveLimit(least, concurrency)
}

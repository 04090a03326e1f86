/** Bounds how many calls of an operation run at the same time. Those over the bound wait in the order they came, and over that are refused. */
import type { BulkheadSettings } from '../settings.ts'

/** A call that waits for a place. Must not throw. */
export interface Waiting {
  enter(): void
}

export class Bulkhead {
  #settings: BulkheadSettings
  #running = 0
  /** In the order of arrival, since a Set keeps it and forgets one in the middle at once. */
  readonly #waiting = new Set<Waiting>()
  refused = 0

  constructor(settings: BulkheadSettings) {
    this.#settings = settings
  }

  /** Takes up new settings; what runs goes on, and what waits enters when the bound has grown. */
  configure(settings: BulkheadSettings): void {
    this.#settings = settings
    this.#letIn()
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** True: the call has a place, and gives it back by `leave`. */
  enter(): boolean {
    if (this.#running >= this.#settings.concurrency) return false
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

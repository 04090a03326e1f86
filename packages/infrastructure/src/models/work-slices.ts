/**
 * Long computations in slices: between two of them the event loop gets its turn and the signal is looked at. Slices are measured in
 * operations rather than time, so that a computation does the same on every machine and under every clock.
 */
import { setImmediate } from 'node:timers/promises'

/** Multiplications and additions of numbers in arrays: five to ten milliseconds. */
const operationsPerSlice = 5_000_000

export class WorkSlices {
  readonly #signal: AbortSignal | undefined
  #left = operationsPerSlice

  constructor(signal: AbortSignal | undefined) {
    signal?.throwIfAborted()
    this.#signal = signal
  }

  /**
   * Counts work that is about to be done. Where that begins a new slice there is something to wait for:
   * `const pause = slices.spend(n); if (pause) await pause`. Rejects with the signal's reason when it has aborted.
   */
  spend(operations: number): Promise<void> | undefined {
    this.#left -= operations
    return this.#left > 0 ? undefined : this.pause()
  }

  /** Begins a new slice, whatever is left of this one: for the places between work that is not counted. */
  async pause(): Promise<void> {
    this.#left = operationsPerSlice
    await setImmediate()
    this.#signal?.throwIfAborted()
  }
}

/**
 * A bound on concurrency that is found by measuring: it grows by its root while calls are as quick as they have been, and falls to what kept them quick
 * once they are slower by half (additive increase, multiplicative decrease: Chiu and Jain, 1989, with latency for the sign of congestion).
 */

/** Calls between two looks at the bound. */
const callsInWindow = 20
/** How much slower than at their best calls may be before the bound falls. */
const tolerance = 1.5
/** The share of the way that the best latency follows what is measured, each window: dependencies do get slower for good. */
const drift = 0.01
const firstLimit = 20

export class AdaptiveLimit {
  #least = 1
  #most = 1
  #limit = firstLimit
  #bestMs = Number.POSITIVE_INFINITY
  #calls = 0
  #totalMs = 0
  #peak = 0

  constructor(least: number, most: number) {
    this.configure(least, most)
  }

  /** What was measured stays, and the bound moves only as far as its new ends force it. */
  configure(least: number, most: number): void {
    this.#most = most
    this.#least = Math.min(least, most)
    this.#limit = this.#within(this.#limit)
  }

  /** Calls that may run at the same time, a whole number. */
  get limit(): number {
    return Math.floor(this.#limit)
  }

  /**
   * Tells of a call that has ended.
   *
   * @param running how many ran at that time, this one included.
   */
  ranFor(ms: number, running: number): void {
    this.#totalMs += ms
    this.#peak = Math.max(this.#peak, running)
    if (++this.#calls < callsInWindow) return
    this.#adapt(this.#totalMs / this.#calls)
    this.#calls = 0
    this.#totalMs = 0
    this.#peak = 0
  }

  #adapt(meanMs: number): void {
    this.#bestMs = meanMs < this.#bestMs ? meanMs : this.#bestMs + (meanMs - this.#bestMs) * drift
    if (meanMs > this.#bestMs * tolerance)
      this.#limit = this.#within(this.#limit * Math.max(0.5, this.#bestMs / meanMs))
    // A bound that nobody reached says nothing of what lies above it.
    else if (this.#peak >= this.limit) this.#limit = this.#within(this.#limit + Math.sqrt(this.#limit))
  }

  #within(limit: number): number {
    return Math.min(this.#most, Math.max(this.#least, limit))
  }
}

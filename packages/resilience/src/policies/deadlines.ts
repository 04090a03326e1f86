/**
 * The deadlines of all calls of a process: one list and one sweep of 20 ms instead of a timer per call, which would cost more than the call.
 * A deadline may so pass up to 20 ms late, one shorter than that within a millisecond or two.
 */
import type { Clock } from '@keelson/kernel'

const sweepMs = 20

/** A call that waits, as an entry of the list. Only `Deadlines` writes `before` and `after`. */
export interface Expiring {
  /** On the clock's monotonic time. */
  readonly deadlineAt: number
  before: Expiring | undefined
  after: Expiring | undefined
  /** Called once, when the deadline has passed and the entry is out of the list. Must not throw. */
  expire(): void
}

export class Deadlines {
  readonly #clock: Clock
  #first: Expiring | undefined
  /** When the next sweep is due; Infinity while none is. */
  #dueAt = Number.POSITIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param nowMs monotonic time, which the caller has read already. */
  add(entry: Expiring, nowMs: number): void {
    const first = this.#first
    entry.after = first
    if (first) first.before = entry
    this.#first = entry
    if (entry.deadlineAt < this.#dueAt) this.#sweepIn(Math.min(sweepMs, entry.deadlineAt - nowMs), nowMs)
  }

  /** Safe for an entry that is not in the list. */
  remove(entry: Expiring): void {
    const { before, after } = entry
    if (this.#first === entry) this.#first = after
    else if (!before) return
    if (before) before.after = after
    if (after) after.before = before
    entry.before = undefined
    entry.after = undefined
  }

  #sweepIn(delayMs: number, nowMs: number): void {
    // The sweep that is due later finds nothing of its own to do and ends.
    const dueAt = nowMs + Math.max(1, delayMs)
    if (dueAt >= this.#dueAt) return
    this.#dueAt = dueAt
    void this.#clock.sleep(dueAt - nowMs).then(() => {
      if (this.#dueAt === dueAt) this.#sweep()
    })
  }

  #sweep(): void {
    const now = this.#clock.monotonic()
    this.#dueAt = Number.POSITIVE_INFINITY
    let earliest = Number.POSITIVE_INFINITY
    // Told when the list is whole again: the end of one call may end others, or begin some.
    const expired: Expiring[] = []
    for (let entry = this.#first; entry; ) {
      const { after } = entry
      if (entry.deadlineAt <= now) {
        this.remove(entry)
        expired.push(entry)
      } else if (entry.deadlineAt < earliest) earliest = entry.deadlineAt
      entry = after
    }
    if (this.#first) this.#sweepIn(Math.min(sweepMs, Math.max(1, earliest - now)), now)
    for (const entry of expired) entry.expire()
  }
}

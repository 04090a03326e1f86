/** A clock that stands still until a test moves it, so that what waits for hours is tested at once and always in the same order. */
import type { Clock } from './clock.ts'

export interface FakeClock extends Clock {
  /** How many calls of `sleep` are waiting. */
  readonly sleeping: number
  /**
   * Moves time forward. Sleepers wake in the order of their time (equal ones in the order they fell asleep), each at its own time, and
   * what they do next, sleeping again included, happens before time moves on. Resolves when all of it has happened.
   */
  advance(milliseconds: number): Promise<void>
}

interface Sleeper {
  readonly wakeAt: number
  readonly wake: () => void
}

/** `now` is the wall-clock time it starts at, in milliseconds since 1970; `monotonic()` starts at 0. `sleep` ends only by `advance`, even for 0. */
export function createFakeClock({ now: startedAt = Date.UTC(2026, 0, 1) }: { readonly now?: number } = {}): FakeClock {
  const sleepers = new Set<Sleeper>()
  let elapsedMs = 0
  return {
    now: () => startedAt + Math.floor(elapsedMs),
    monotonic: () => elapsedMs,
    sleep: (delayMs, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason)
          return
        }
        const abort = () => {
          sleepers.delete(sleeper)
          reject(signal?.reason)
        }
        const wake = () => {
          signal?.removeEventListener('abort', abort)
          resolve()
        }
        const sleeper = { wakeAt: elapsedMs + Math.max(0, delayMs), wake }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', abort, { once: true })
      }),
    get sleeping() {
      return sleepers.size
    },
    advance: async (milliseconds) => {
      const end = elapsedMs + milliseconds
      for (let sleeper = firstUntil(end, sleepers); sleeper; sleeper = firstUntil(end, sleepers)) {
        sleepers.delete(sleeper)
        elapsedMs = Math.max(elapsedMs, sleeper.wakeAt)
        sleeper.wake()
        await eventLoopTurn()
      }
      elapsedMs = Math.max(elapsedMs, end)
      await eventLoopTurn()
    },
  }
}

function firstUntil(end: number, sleepers: ReadonlySet<Sleeper>): Sleeper | undefined {
  let first: Sleeper | undefined
  for (const sleeper of sleepers)
    if (sleeper.wakeAt <= end && (!first || sleeper.wakeAt < first.wakeAt)) first = sleeper
  return first
}

/** Lets all promises settle that wait for nothing but each other. */
function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

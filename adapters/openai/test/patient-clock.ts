/** A clock on which waits between attempts end at once and are noted, while waits for an answer end only when the test says so. */
import type { Clock } from '@keelson/kernel'

export interface PatientClock extends Clock {
  /** Waits between attempts, in milliseconds. */
  readonly waits: readonly number[]
  /** Lets everything that waits for an answer run out of time. */
  expire(): void
}

/** No wait between attempts is as long in these tests, so that one is told from the other. */
export const timeoutMs = 54_321
export const startedAt = Date.UTC(2026, 0, 1)

export function createPatientClock(): PatientClock {
  const waits: number[] = []
  const expiring = new Set<() => void>()
  return {
    waits,
    now: () => startedAt,
    monotonic: () => 0,
    expire: () => {
      for (const end of expiring) end()
      expiring.clear()
    },
    sleep: (delayMs, signal) => {
      signal?.throwIfAborted()
      if (delayMs < timeoutMs) {
        waits.push(delayMs)
        return Promise.resolve()
      }
      return new Promise((resolve, reject) => {
        expiring.add(resolve)
        signal?.addEventListener('abort', () => {
          expiring.delete(resolve)
          reject(signal.reason)
        })
      })
    },
  }
}

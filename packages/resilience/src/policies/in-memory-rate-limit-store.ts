/** Rate limits of one process: the generic cell rate algorithm (ITU-T I.371), which keeps one number per key. */
import type { Clock } from '@keelson/kernel'
import type { RateLimitStore } from './rate-limit-store.ts'

/** Keys kept before the idle ones are looked for. */
const sweepAt = 10_000

export function createInMemoryRateLimitStore(clock: Clock): RateLimitStore {
  /** When each key's calls so far will have been used up. */
  const arrivals = new Map<string, number>()
  let nextSweepAt = sweepAt
  return {
    take(key, { intervalMs, burst }) {
      const now = clock.monotonic()
      const arrival = Math.max(arrivals.get(key) ?? 0, now)
      const waitMs = arrival + intervalMs - burst * intervalMs - now
      // A whisker over nothing is the rounding of fractions.
      if (waitMs > 1e-6) return Math.max(1, Math.ceil(waitMs))
      arrivals.set(key, arrival + intervalMs)
      if (arrivals.size > nextSweepAt) {
        for (const [other, at] of arrivals) if (at <= now) arrivals.delete(other)
        nextSweepAt = Math.max(sweepAt, arrivals.size * 2)
      }
      return 0
    },
  }
}

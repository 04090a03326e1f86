/** Rate limits of one process: the generic cell rate algorithm (ITU-T I.371), which keeps one number per key. */
import type { Clock } from '@keelson/kernel'
import { Housekeeping } from './housekeeping.ts'
import type { RateLimitStore } from './rate-limit-store.ts'

/** A key whose calls are used up is as good as one that is not known, and is forgotten after a while. */
export function createInMemoryRateLimitStore(clock: Clock): RateLimitStore {
  /** When each key's calls so far will have been used up. */
  const arrivals = new Map<string, number>()
  const housekeeping = new Housekeeping(() => {
    const now = clock.monotonic()
    for (const [key, at] of arrivals) if (at <= now) arrivals.delete(key)
    return arrivals.size
  })
  return {
    take(key, { intervalMs, burst }) {
      const now = clock.monotonic()
      const arrival = Math.max(arrivals.get(key) ?? 0, now)
      const waitMs = arrival + intervalMs - burst * intervalMs - now
      // A whisker over nothing is the rounding of fractions.
      if (waitMs > 1e-6) return Math.max(1, Math.ceil(waitMs))
      arrivals.set(key, arrival + intervalMs)
      housekeeping.wake(arrivals.size)
      return 0
    },
  }
}

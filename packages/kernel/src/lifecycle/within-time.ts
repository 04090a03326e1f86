/** A bound on how long something may take, on the injected clock; nothing is left behind when it ends in time. */
import type { Clock } from '../clock.ts'

/** Settles as `work` does, or rejects with `timedOut()` after `timeoutMs`. Work that ends later is ignored, also when it fails. */
export async function withinTime<T>(
  work: PromiseLike<T>,
  timeoutMs: number,
  clock: Clock,
  timedOut: () => Error,
): Promise<T> {
  const settled = new AbortController()
  const late = clock.sleep(timeoutMs, settled.signal).then(() => {
    throw timedOut()
  })
  try {
    return await Promise.race([work, late])
  } finally {
    settled.abort('settled')
  }
}

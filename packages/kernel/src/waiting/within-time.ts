/** A bound on how long something may take, on the injected clock; nothing is left behind when it ends in time. */
import type { Clock } from '../clock.ts'

export interface TimeLimit {
  readonly timeoutMs: number
  readonly clock: Clock
  /** Makes the error for work that takes longer. */
  readonly timedOut: () => Error
  /** Ends the wait before its time. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Settles as `work` does. Rejects with `timedOut()` after `timeoutMs`, or with the reason of `signal` as soon as it aborts; the signal
 * that `work` is given aborts with the same reason. Work that ends later is ignored, also when it fails.
 *
 * @example
 * await withinTime((signal) => fetch(url, { signal }), { timeoutMs: 5_000, clock, timedOut: () => new Error('no answer within 5 s') })
 */
export async function withinTime<T>(
  work: (signal: AbortSignal) => T | PromiseLike<T>,
  { timeoutMs, clock, timedOut, signal }: TimeLimit,
): Promise<T> {
  signal?.throwIfAborted()
  const ended = Promise.withResolvers<never>()
  const ending = new AbortController()
  const settled = new AbortController()
  const end = (reason: unknown) => {
    ending.abort(reason)
    ended.reject(reason)
  }
  const leave = () => end(signal?.reason)
  signal?.addEventListener('abort', leave)
  clock.sleep(timeoutMs, settled.signal).then(
    () => end(timedOut()),
    () => {},
  )
  try {
    return await Promise.race([(async () => work(ending.signal))(), ended.promise])
  } finally {
    signal?.removeEventListener('abort', leave)
    settled.abort()
  }
}

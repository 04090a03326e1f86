/** Time and timers, injected wherever something waits, so that tests run on a fake clock (see `testing.ts`) and take no time. */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970. */
  now(): number
  /** Milliseconds since an arbitrary start, never going back, with a fraction. */
  monotonic(): number
  /** Resolves after `delayMs`; rejects with the signal's reason as soon as it aborts, and leaves no timer behind. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  // Bound: a call of it costs less than one of its property.
  monotonic: performance.now.bind(performance),
  sleep: async (delayMs, signal) => {
    let left = delayMs
    for (; left > longestTimerMs; left -= longestTimerMs) await wait(longestTimerMs, signal)
    await wait(left, signal)
  },
}

/** A timer of Node with a longer delay would fire at once. */
const longestTimerMs = 2 ** 31 - 1

function wait(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const abort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, delayMs)
    signal?.addEventListener('abort', abort, { once: true })
  })
}

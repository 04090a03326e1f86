/** A number that grows with every change, and a way to wait for it to grow: what is shown live hangs on one of these. */
import type { Clock } from '@keelson/kernel'

export class Revision {
  #current = 0
  #advanced = Promise.withResolvers<void>()

  get current(): number {
    return this.#current
  }

  advance(): void {
    this.#current += 1
    this.#advanced.resolve()
    this.#advanced = Promise.withResolvers()
  }

  /**
   * Resolves when `pauseMs` have passed (or `hurry` has resolved) and the revision is beyond `seen`, so that a reader of something that
   * changes all the time is woken at a bearable pace and never misses the last change. Rejects with the signal's reason when it aborts.
   */
  async after(
    seen: number,
    { clock, pauseMs, signal, hurry }: { clock: Clock; pauseMs: number; signal: AbortSignal; hurry?: Promise<void> },
  ): Promise<void> {
    const waiting = new AbortController()
    const ended = AbortSignal.any([signal, waiting.signal])
    try {
      await Promise.race([clock.sleep(pauseMs, ended), ...(hurry ? [hurry] : [])])
      while (this.#current <= seen) await Promise.race([this.#advanced.promise, rejectOnAbort(ended)])
    } finally {
      // What lost a race above is still waiting; it must leave no timer and no listener behind.
      waiting.abort()
    }
  }
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

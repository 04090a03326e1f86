/** The time in which a system closes: one budget from the first word to the end, shared by everything that closes, and cut short by whoever may. */
import type { Clock } from '@keelson/kernel'

/** Requests may not use up what services and adapters need to close in order: a fifth of the time is left to those, and 5 s at most. */
const shareOfComponents = 0.2
const mostOfComponentsMs = 5_000

export class ClosingTime {
  readonly #clock: Clock
  readonly #over = new AbortController()
  readonly #requestsOver = new AbortController()
  readonly #ended = new AbortController()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Aborts when nothing is waited for any longer. */
  get over(): AbortSignal {
    return this.#over.signal
  }

  /** Aborts before that, when requests must be answered. */
  get requestsOver(): AbortSignal {
    return this.#requestsOver.signal
  }

  begin(closeMs: number): void {
    const ofComponentsMs = Math.min(mostOfComponentsMs, closeMs * shareOfComponents)
    this.#abortAfter(closeMs - ofComponentsMs, this.#requestsOver)
    this.#abortAfter(closeMs, this.#over)
  }

  /** Ends it as soon as `signal` aborts. */
  cutBy(signal: AbortSignal): void {
    const cut = () => {
      this.#requestsOver.abort()
      this.#over.abort()
    }
    if (signal.aborted) cut()
    else signal.addEventListener('abort', cut, { once: true })
  }

  /** Resolves with `work` or when the time is over. */
  async within(work: Promise<void>): Promise<void> {
    if (this.over.aborted) return
    const over = new Promise<void>((resolve) => this.over.addEventListener('abort', () => resolve(), { once: true }))
    await Promise.race([work, over])
  }

  /** Leaves no timer behind. */
  end(): void {
    this.#ended.abort()
  }

  #abortAfter(delayMs: number, controller: AbortController): void {
    this.#clock.sleep(delayMs, this.#ended.signal).then(
      () => controller.abort(),
      () => {},
    )
  }
}

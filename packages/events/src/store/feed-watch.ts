/**
 * Tells readers of a feed that it has grown: those of this process at once, those of others by a notification that is sent after the commit
 * and never in it, where it would make commits wait for each other; many appends share one. What is missed costs a poll.
 */
import type { Clock, Database } from '@keelson/kernel'

/** A notification may be lost with its connection. */
const pollMs = 500
/** Between notifications at least, however many appends there are. */
const spacingMs = 2

export class FeedWatch {
  readonly #database: Database
  readonly #channel: string
  readonly #clock: Clock
  readonly #waiting = new Map<() => void, number>()
  readonly #closing = new AbortController()
  #listening: Promise<(() => Promise<void>) | undefined> | undefined
  #head = 0
  #isNotifying = false
  #told = 0

  constructor(database: Database, channel: string, clock: Clock) {
    this.#database = database
    this.#channel = channel
    this.#clock = clock
  }

  /** The log was seen to reach `head`, by an append of this process. */
  appended(head: number): void {
    this.#grew(head)
    if (head > this.#told) void this.#notify(head)
  }

  /** Resolves at once when the log is known to reach further. Rejects with the signal's reason. */
  async waitBeyond(position: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#head > position) return
    this.#listening ??= this.#listen()
    const { promise: woken, resolve: wake } = Promise.withResolvers<void>()
    const ended = new AbortController()
    this.#waiting.set(wake, position)
    this.#clock.sleep(pollMs, AbortSignal.any([ended.signal, signal, this.#closing.signal])).then(wake, wake)
    await woken
    this.#waiting.delete(wake)
    ended.abort()
    signal.throwIfAborted()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    const stop = await this.#listening?.catch(() => undefined)
    await stop?.()
  }

  #grew(head: number): void {
    this.#head = Math.max(this.#head, head)
    for (const [wake, position] of this.#waiting) {
      if (position >= head) continue
      this.#waiting.delete(wake)
      wake()
    }
  }

  async #listen(): Promise<(() => Promise<void>) | undefined> {
    try {
      return await this.#database.listen(this.#channel, (payload) => this.#grew(Number(payload)))
    } catch {
      // The database is away: the next who waits tries again, and polls until then.
      this.#listening = undefined
      return undefined
    }
  }

  async #notify(head: number): Promise<void> {
    if (this.#isNotifying) return
    this.#isNotifying = true
    try {
      for (let next = head; next > this.#told; next = this.#head) {
        await this.#database.notify(this.#channel, String(next))
        this.#told = next
        await this.#clock.sleep(spacingMs, this.#closing.signal)
      }
    } catch {
      // Whoever is not told polls.
    } finally {
      this.#isNotifying = false
    }
  }
}

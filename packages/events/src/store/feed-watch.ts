/**
 * Tells readers of a feed that it has grown: those of this store at once, those of others by a notification that is sent after the commit
 * and never in it, where it would make commits wait for each other; many appends share one. A notification costs the server as much as an
 * append of its own, so it is sent only while another store waits, which says so in a table. What is missed costs a poll.
 */
import { randomUUID } from 'node:crypto'
import type { Clock, Database } from '@keelson/kernel'

/** A notification may be lost with its connection. */
const pollMs = 500
/** Between notifications at least, however many appends there are. */
const spacingMs = 2
/** Between looks at whether another store waits, while none does. */
const unheardSpacingMs = 100
/** How long a store is taken to wait after it has said so, and how often it says so. */
const watchMs = { lasts: 300_000, renewed: 120_000 }

export class FeedWatch {
  readonly #database: Database
  readonly #channel: string
  readonly #clock: Clock
  readonly #waiting = new Map<() => void, number>()
  readonly #closing = new AbortController()
  readonly #watcher = randomUUID()
  #watchedAt = Number.NEGATIVE_INFINITY
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

  /** How far the log is known to reach. */
  get head(): number {
    return this.#head
  }

  /** Resolves at once when the log is known to reach further. Rejects with the signal's reason. */
  async waitBeyond(position: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#head > position) return
    this.#listening ??= this.#listen()
    void this.#sayThatItWaits()
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
    await this.#forget().catch(() => {})
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
        const isHeard = await this.#tellOthers(next)
        this.#told = next
        await this.#clock.sleep(isHeard ? spacingMs : unheardSpacingMs, this.#closing.signal)
      }
    } catch {
      // Whoever is not told polls.
    } finally {
      this.#isNotifying = false
    }
  }

  /** False when no other store waits. */
  async #tellOthers(head: number): Promise<boolean> {
    const { rows } = await this.#database.query(
      `select pg_notify($1, $2) where exists (
        select from keelson_event_watchers where channel = $1 and watcher <> $3 and until > now())`,
      [this.#channel, String(head), this.#watcher],
    )
    return rows.length > 0
  }

  async #sayThatItWaits(): Promise<void> {
    const now = this.#clock.monotonic()
    if (now - this.#watchedAt < watchMs.renewed) return
    this.#watchedAt = now
    try {
      await this.#database.batch([
        { sql: 'delete from keelson_event_watchers where until < now()' },
        {
          sql: `insert into keelson_event_watchers values ($1, $2, now() + $3 * interval '1 millisecond')
            on conflict (channel, watcher) do update set until = excluded.until`,
          parameters: [this.#channel, this.#watcher, watchMs.lasts],
        },
      ])
    } catch {
      this.#watchedAt = Number.NEGATIVE_INFINITY
    }
  }

  async #forget(): Promise<void> {
    if (this.#watchedAt === Number.NEGATIVE_INFINITY) return
    await this.#database.query('delete from keelson_event_watchers where channel = $1 and watcher = $2', [
      this.#channel,
      this.#watcher,
    ])
  }
}

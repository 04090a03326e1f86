/** Reads a feed event by event, page behind page: again from any place, at a chosen pace, to a position or a time, or on with what comes. */
import { type Clock, systemClock } from '@keelson/kernel'
import type { RecordedEvent } from './event.ts'
import { type EventStore, type FeedPage, type FeedPosition, feedStart, type ReadFeedOptions } from './event-store.ts'

export interface FollowOptions extends ReadFeedOptions {
  /** Default: the first event. */
  readonly after?: FeedPosition
  /** The last position read; it ends there. Default: where the log ends when it is reached, or never when it is live. */
  readonly upTo?: number
  /** Ends before the first event that was recorded later. */
  readonly until?: Date
  /** As many as it can, when left out. */
  readonly eventsPerSecond?: number
  /** Goes on with what comes, until the signal aborts. */
  readonly isLive?: boolean
  readonly signal?: AbortSignal
  readonly clock?: Clock
}

const never = new AbortController().signal

/**
 * Ends when the signal aborts. The next page is asked for while this one is handled. Throws EVENTS_POSITION_AHEAD as `readFeed` does.
 *
 * @example for await (const event of follow(store, { types: ['OrderPaid'], until: new Date('2026-01-01') })) count(event)
 */
export async function* follow(store: EventStore, options: FollowOptions = {}): AsyncGenerator<RecordedEvent> {
  const { after = feedStart, upTo = Number.POSITIVE_INFINITY, isLive = false, signal = never, until, ...rest } = options
  const { clock = systemClock, eventsPerSecond, ...reading } = rest
  const startedAt = clock.monotonic()
  let count = 0
  let next = after
  let ahead: Promise<FeedPage> | undefined
  while (!signal.aborted && next.position < upTo) {
    const page: FeedPage = await (ahead ?? store.readFeed(next, reading))
    const isAtEnd = page.next.position >= page.head
    ahead = isAtEnd ? undefined : store.readFeed(page.next, reading)
    // Whoever stops in the middle of this page never asks for it.
    ahead?.catch(() => {})
    for (const event of page.events) {
      if (event.position > upTo || (until && event.recordedAt > until)) return
      if (eventsPerSecond !== undefined) {
        const dueMs = startedAt + (count / eventsPerSecond) * 1_000 - clock.monotonic()
        if (dueMs > 0) await clock.sleep(dueMs, signal).catch(() => {})
      }
      if (signal.aborted) return
      count += 1
      yield event
    }
    if (isAtEnd && !isLive) return
    next = page.next
    if (isAtEnd) await store.waitBeyond(next.position, signal).catch(() => {})
  }
}

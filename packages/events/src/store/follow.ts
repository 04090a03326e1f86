/** Reads a feed event by event, page behind page, and when it is asked to waits for what comes. */
import type { RecordedEvent } from './event.ts'
import { type EventStore, type FeedPosition, feedStart, type ReadFeedOptions } from './event-store.ts'

export interface FollowOptions extends ReadFeedOptions {
  /** Default: the first event. */
  readonly after?: FeedPosition
  /** The last position read; it ends there. Default: where the log ends when it is reached, or never when it is live. */
  readonly upTo?: number
  /** Goes on with what comes, until the signal aborts. */
  readonly isLive?: boolean
  readonly signal?: AbortSignal
}

/** Ends when the signal aborts. Throws EVENTS_POSITION_AHEAD as `readFeed` does. */
export async function* follow(store: EventStore, options: FollowOptions = {}): AsyncGenerator<RecordedEvent> {
  const { after = feedStart, upTo = Number.POSITIVE_INFINITY, isLive = false, ...reading } = options
  const signal = options.signal ?? new AbortController().signal
  let next = after
  while (!signal.aborted && next.position < upTo) {
    const page = await store.readFeed(next, reading)
    for (const event of page.events) {
      if (event.position > upTo || signal.aborted) return
      yield event
    }
    const isAtEnd = page.next.position >= page.head
    if (isAtEnd && !isLive) return
    next = page.next
    if (isAtEnd) await store.waitBeyond(next.position, signal).catch(() => {})
  }
}

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
  /** Goes on with what comes, until the signal aborts; of that, events of streams that have been archived since are given too. */
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
  // What comes from now on is live, whatever becomes of its stream.
  const liveFrom = isLive ? (await store.head()).position : Number.POSITIVE_INFINITY
  const read = (from: FeedPosition) => {
    const isNew = from.position >= liveFrom
    const limit = isNew ? reading.limit : Math.min(reading.limit ?? 1_000, liveFrom - from.position)
    return store.readFeed(from, {
      ...reading,
      ...(limit !== undefined && { limit }),
      includeArchived: reading.includeArchived === true || isNew,
    })
  }
  let ahead: Promise<FeedPage> | undefined
  while (!signal.aborted && next.position < upTo) {
    const page: FeedPage = await (ahead ?? read(next))
    const isAtEnd = page.next.position >= page.head
    ahead = isAtEnd ? undefined : read(page.next)
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

export interface FollowStreamOptions {
  /** The first version read. Default 1. */
  readonly from?: number
  /** Goes on with what comes, until the signal aborts or the stream is closed. */
  readonly isLive?: boolean
  readonly signal?: AbortSignal
}

const streamPage = 500

/** The events of one stream in their order, page behind page, without reading the log. */
export async function* followStream(
  store: EventStore,
  stream: string,
  { from = 1, isLive = false, signal = never }: FollowStreamOptions = {},
): AsyncGenerator<RecordedEvent> {
  for (let next = from; !signal.aborted; ) {
    const { position } = await store.head()
    const { events, version, state } = await store.readStream(stream, { from: next, limit: streamPage })
    for (const event of events) {
      if (signal.aborted) return
      yield event
      next = event.version + 1
    }
    if (events.length > 0 && next <= version) continue
    next = Math.max(next, version + 1)
    if (!isLive || state === 'archived' || state === 'tombstoned') return
    await store.waitBeyond(position, signal).catch(() => {})
  }
}

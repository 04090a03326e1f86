/**
 * Kept answers that are made anew when an event says so. Every process that keeps answers follows the log itself, from where it stands when
 * this is called: what is kept in memory is younger than that, and what processes share has, beyond it, its time to live.
 */
import { backoffMs, type Clock, isError, systemClock } from '@keelson/kernel'
import { eventsErrors } from './errors.ts'
import type { RecordedEvent } from './store/event.ts'
import type { EventStore, FeedPosition } from './store/event-store.ts'

export interface InvalidateByEventsOptions {
  readonly store: EventStore
  /** Default all. */
  readonly types?: readonly string[]
  /** The tags that an event makes stale. */
  readonly tags: (event: RecordedEvent) => readonly string[]
  /** What a service is given under this name. */
  readonly invalidate: (tags: readonly string[]) => Promise<void>
  /** Told of what fails: the database, or `tags` for an event, which is passed over. */
  readonly onFailure?: (error: unknown) => void
  readonly clock?: Clock
}

const pageSize = 500
const pauses = { firstMs: 100, mostMs: 5_000 }

/**
 * Resolves when every later event is heard. `close` ends it.
 *
 * @example
 * lifetime.own(await invalidateByEvents({ store, types: ['PriceChanged'], tags: ({ stream }) => [stream], invalidate }))
 */
export async function invalidateByEvents(options: InvalidateByEventsOptions): Promise<{ close(): Promise<void> }> {
  const stop = new AbortController()
  const following = follow(options, await options.store.head(), stop.signal)
  return {
    async close() {
      stop.abort(eventsErrors.EVENTS_CLOSED({}))
      await following
    },
  }
}

async function follow(
  { store, types, tags, invalidate, onFailure, clock = systemClock }: InvalidateByEventsOptions,
  from: FeedPosition,
  signal: AbortSignal,
): Promise<void> {
  /** Undefined: where the log stands. */
  let place: FeedPosition | undefined = from
  let failures = 0
  const tagsOf = (event: RecordedEvent): readonly string[] => {
    try {
      return tags(event)
    } catch (error) {
      onFailure?.(error)
      return []
    }
  }
  while (!signal.aborted) {
    try {
      place ??= await store.head()
      const page = await store.readFeed(place, { limit: pageSize, includeArchived: true, ...(types && { types }) })
      const stale = [...new Set(page.events.flatMap(tagsOf))]
      if (stale.length > 0) await invalidate(stale)
      place = page.next
      failures = 0
      if (place.position >= page.head) await store.waitBeyond(place.position, signal)
    } catch (error) {
      if (signal.aborted) return
      onFailure?.(error)
      // The log lost its end when another server took over.
      if (isError(error, 'EVENTS_POSITION_AHEAD')) place = undefined
      failures += 1
      await clock.sleep(backoffMs(pauses, failures), signal).catch(() => {})
    }
  }
}

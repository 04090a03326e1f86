/**
 * Publishes the events of a log to message streams: each position once, in order, whatever fails. There is no table of what is still to
 * be sent: the log is the outbox, and the streams themselves know how far it is published, in one cursor that is written together with the messages. After any crash,
 * on either side, the outbox asks for it and goes on from there.
 */
import { type Backoff, backoffMs, type Clock, type HealthCheck, isError, systemClock } from '@keelson/kernel'
import type { Metrics } from '@keelson/telemetry'
import { eventsErrors } from '../errors.ts'
import type { RecordedEvent } from '../store/event.ts'
import type { EventStore, FeedPage, FeedPosition } from '../store/event-store.ts'
import { requireName } from './check-names.ts'
import { FeedEpochs } from './feed-epochs.ts'
import { comparePositions, messageIdOf, messageOf, type NewMessage } from './message.ts'
import type { MessageStreams } from './message-streams.ts'
import { OutboxMetrics } from './outbox-metrics.ts'

export interface OutboxOptions {
  readonly store: EventStore
  readonly streams: MessageStreams
  /** Where an event goes; undefined when it is not published. An object also says what is published in its place. Must always give the same. */
  topic(event: RecordedEvent): string | Route | undefined
  /** What the streams know it by, and its topics belong to. Default: the name of the log. */
  readonly name?: string
  /** Where it begins when the streams know nothing of it: with the first event of the log, or with the next. Default `first`. */
  readonly startAt?: 'first' | 'next'
  /** Events in one publication at most. Default 500. */
  readonly batch?: number
  /** What topics keep of what all groups have finished. Default: everything. */
  readonly keep?: { readonly entries?: number; readonly ageMs?: number }
  readonly backoff?: Backoff
  readonly metrics?: Metrics
  readonly hooks?: OutboxHooks
  readonly clock?: Clock
}

export interface Route {
  readonly topic: string
  /** Default: the stream of the event. */
  readonly key?: string
  /** Default: the type of the event. */
  readonly type?: string
  /** Default: the event, as `eventIn` reads it. */
  readonly body?: unknown
}

/** What an outbox says of itself as it goes. A hook must not throw. */
export interface OutboxHooks {
  onPublished?(published: { readonly messages: number; readonly cursor: FeedPosition; readonly lag: number }): void
  /** It is tried again. */
  onFailure?(error: unknown, failures: number): void
  /** The streams lost what was published after `to`, and it is published again; or another process was faster, when `to` is further. */
  onMoved?(moved: { readonly from: FeedPosition; readonly to: FeedPosition }): void
  /** The log has lost its end, of which more was published: consumers have seen events after `lastGood` that never were. */
  onLogCut?(cut: { readonly published: FeedPosition; readonly lastGood: number }): void
  /** A topic keeps more than it should, because this group has yet to finish it. */
  onHeld?(held: { readonly topic: string; readonly group: string }): void
}

export interface Outbox {
  readonly name: string
  /** Degraded while it cannot publish: nothing is lost, but consumers wait. */
  health(): HealthCheck
  /** Positions that are not published yet, as far as is known. */
  readonly lag: number
  /** Resolves when everything up to `position` is published, or with the signal's reason; OUTBOX_CLOSED when it closes before. */
  waitPublished(position: number, signal: AbortSignal): Promise<void>
  /** Ends the publication under way and stops; safe to repeat. */
  close(): Promise<void>
}

/**
 * Several processes may run the same outbox: each position is published once all the same.
 *
 * @example
 * const outbox = startOutbox({ store, streams, topic: ({ type }) => (type.startsWith('Order') ? 'orders' : undefined) })
 */
export function startOutbox(options: OutboxOptions): Outbox {
  const { name = options.store.log, batch = 500 } = options
  requireName('source', name)
  if (!Number.isInteger(batch) || batch < 1 || batch > 10_000)
    throw eventsErrors.MESSAGES_INVALID({ attempt: `start outbox "${name}"`, reason: 'batch is 1 to 10,000 events' })
  return new FeedOutbox(options, name, batch)
}

/** How often an outbox with nothing to do looks whether the streams still have what it published. */
const checkMs = 1_000
const trimEveryMs = 10_000

interface Page {
  readonly events: readonly RecordedEvent[]
  readonly next: FeedPosition
  readonly head: number
  /** As they were when it was read. */
  readonly epochs: FeedEpochs
}

class FeedOutbox implements Outbox {
  readonly name: string
  readonly #options: OutboxOptions
  readonly #clock: Clock
  readonly #metrics: OutboxMetrics | undefined
  readonly #mostEvents: number
  readonly #closing = new AbortController()
  readonly #running: Promise<void>
  readonly #waiting = new Set<() => void>()
  readonly #topics = new Set<string>()
  #batch: number
  #epochs: FeedEpochs | undefined
  /** What the streams have as far as this process knows. */
  #cursor: FeedPosition = { position: 0, epoch: 0 }
  /** The message after which the log was found to be cut. */
  #cut: string | undefined
  #checkedAt = 0
  #saidAt = Number.NEGATIVE_INFINITY
  #trimmedAt: number
  #head = 0
  #failure: { readonly error: unknown; readonly count: number } | undefined

  constructor(options: OutboxOptions, name: string, batch: number) {
    this.#options = options
    this.name = name
    this.#clock = options.clock ?? systemClock
    this.#trimmedAt = this.#clock.monotonic()
    this.#mostEvents = batch
    this.#batch = batch
    this.#metrics = options.metrics && new OutboxMetrics(options.metrics, name, () => this.lag)
    this.#running = this.#run()
  }

  get lag(): number {
    return Math.max(0, this.#head - this.#cursor.position)
  }

  health(): HealthCheck {
    if (!this.#failure) return { status: 'ok', message: `${this.lag} events behind` }
    const { error, count } = this.#failure
    const reason = isError(error) ? error.message : 'an unexpected error'
    return { status: 'degraded', message: `failed ${count} times, ${this.lag} events behind: ${reason}` }
  }

  async waitPublished(position: number, given: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([given, this.#closing.signal])
    while (this.#cursor.position < position) {
      signal.throwIfAborted()
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake)
          signal.removeEventListener('abort', wake)
          resolve()
        }
        this.#waiting.add(wake)
        signal.addEventListener('abort', wake, { once: true })
      })
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(eventsErrors.OUTBOX_CLOSED({ outbox: this.name }))
    await this.#running
    this.#metrics?.close()
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    const backoff = this.#options.backoff ?? { firstMs: 50, mostMs: 5_000 }
    while (!signal.aborted) {
      try {
        await this.#follow(signal)
      } catch (error) {
        if (signal.aborted) return
        const count = (this.#failure?.count ?? 0) + 1
        this.#failure = { error, count }
        // A batch may be what takes too long.
        this.#batch = Math.max(1, this.#batch >> 1)
        this.#metrics?.failed(error)
        this.#options.hooks?.onFailure?.(error, count)
        await this.#clock.sleep(backoffMs(backoff, count), signal).catch(() => {})
      }
    }
  }

  /** From where the streams are, on and on. Ends by throwing, or when the signal aborts. */
  async #follow(signal: AbortSignal): Promise<void> {
    let place = await this.#begin()
    let reading = this.#read(place)
    while (!signal.aborted) {
      const page = await reading
      this.#head = page.head
      if (comparePositions(page.next, place) === 0) {
        this.#succeeded()
        await this.#sayWhereItIs()
        await this.#rest(page.head, signal)
        const found = await this.#checked()
        if (found) place = found
        reading = this.#read(place)
        continue
      }
      // The next page is read while this one is published; it is thrown away when that is not where to go on.
      const following = page.next.position < page.head ? this.#read(page.next) : undefined
      following?.catch(() => {})
      const isPublished = await this.#publish(page)
      await this.#sayWhereItIs()
      place = isPublished ? page.next : this.#cursor
      reading = (isPublished && following) || this.#read(place)
      await this.#trim()
    }
    await reading.catch(() => {})
  }

  /** Now and then, so that nothing is erased which is not published. */
  async #sayWhereItIs(): Promise<void> {
    const now = this.#clock.monotonic()
    if (now - this.#saidAt < checkMs) return
    this.#saidAt = now
    await this.#options.store.noteReader(`outbox ${this.name}`, this.#cursor.position)
  }

  async #begin(): Promise<FeedPosition> {
    const { store, streams, startAt } = this.#options
    this.#epochs = undefined
    this.#cursor = await streams.cursor(this.name)
    this.#checkedAt = this.#clock.monotonic()
    if (this.#cursor.epoch > 0 || startAt !== 'next') return this.#cursor
    const head = await store.head()
    const { cursor } = await streams.publish({ source: this.name, after: this.#cursor, next: head, messages: [] })
    this.#cursor = cursor
    return cursor
  }

  /** Archived events too: they were live when they happened. */
  async #read(place: FeedPosition): Promise<Page> {
    const { store } = this.#options
    const options = { limit: this.#batch, includeArchived: true }
    try {
      return await this.#dated(await store.readFeed(place, options), place)
    } catch (error) {
      if (!isError(error, 'EVENTS_POSITION_AHEAD')) throw error
      const lastGood = Number(error.details['lastGood'])
      const head = await store.head()
      if (head.epoch <= place.epoch)
        throw eventsErrors.OUTBOX_LOG_REPLACED({
          outbox: this.name,
          published: messageIdOf(place),
          head: messageIdOf(head),
        })
      if (this.#cut !== messageIdOf(place)) this.#options.hooks?.onLogCut?.({ published: place, lastGood })
      this.#cut = messageIdOf(place)
      return this.#dated(await store.readFeed({ position: lastGood, epoch: head.epoch }, options), place)
    }
  }

  /** A page whose end says which epoch it is of, and which has moved on only when there is something beyond what is published. */
  async #dated({ events, next, head }: FeedPage, place: FeedPosition): Promise<Page> {
    if (next.epoch < place.epoch)
      throw eventsErrors.OUTBOX_FEED_BEHIND({ outbox: this.name, published: place.epoch, found: next.epoch })
    if (this.#epochs?.current !== next.epoch) this.#epochs = await FeedEpochs.read(this.#options.store, next.epoch)
    const epochs = this.#epochs
    const end = epochs.at(next.position)
    return { events, next: comparePositions(end, place) > 0 ? end : place, head, epochs }
  }

  /** False when the streams are elsewhere, where the cursor now is. */
  async #publish({ events, next, head, epochs }: Page): Promise<boolean> {
    const messages = events.flatMap((event) => this.#routed(event, epochs) ?? [])
    const after = this.#cursor
    const { isPublished, cursor } = await this.#options.streams.publish({ source: this.name, after, next, messages })
    this.#cursor = cursor
    this.#checkedAt = this.#clock.monotonic()
    this.#batch = Math.min(this.#mostEvents, this.#batch * 2)
    if (isPublished) {
      for (const { topic } of messages) this.#topics.add(topic)
      this.#metrics?.published(messages.length)
      this.#options.hooks?.onPublished?.({ messages: messages.length, cursor, lag: head - cursor.position })
    } else this.#options.hooks?.onMoved?.({ from: after, to: cursor })
    this.#succeeded()
    return isPublished
  }

  #routed(event: RecordedEvent, epochs: FeedEpochs): NewMessage | undefined {
    const route = this.#options.topic(event)
    if (route === undefined) return undefined
    const { epoch } = epochs.at(event.position)
    if (typeof route === 'string') return messageOf(route, epoch, event)
    return { ...messageOf(route.topic, epoch, event), ...route }
  }

  #succeeded(): void {
    this.#failure = undefined
    for (const wake of this.#waiting) wake()
  }

  /** Until there may be more, or it is time to look whether the streams still have what they had. */
  async #rest(position: number, signal: AbortSignal): Promise<void> {
    const ended = new AbortController()
    const until = AbortSignal.any([ended.signal, signal])
    const { store } = this.#options
    try {
      await Promise.race([store.waitBeyond(position, until), this.#clock.sleep(checkMs, until)])
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      ended.abort()
    }
  }

  /** Where to go on when the streams are not where they were. */
  async #checked(): Promise<FeedPosition | undefined> {
    await this.#trim()
    if (this.#clock.monotonic() - this.#checkedAt < checkMs) return undefined
    this.#checkedAt = this.#clock.monotonic()
    const from = this.#cursor
    const to = await this.#options.streams.cursor(this.name)
    if (comparePositions(from, to) === 0) return undefined
    this.#cursor = to
    this.#options.hooks?.onMoved?.({ from, to })
    return to
  }

  async #trim(): Promise<void> {
    const { keep, streams, hooks } = this.#options
    if (!keep || this.#clock.monotonic() - this.#trimmedAt < trimEveryMs) return
    this.#trimmedAt = this.#clock.monotonic()
    const since = keep.ageMs === undefined ? {} : { since: this.#clock.now() - keep.ageMs }
    const entries = keep.entries === undefined ? {} : { entries: keep.entries }
    for (const topic of this.#topics) {
      const { heldBy } = await streams.trim(topic, { ...since, ...entries })
      if (heldBy !== undefined) hooks?.onHeld?.({ topic, group: heldBy })
    }
  }
}

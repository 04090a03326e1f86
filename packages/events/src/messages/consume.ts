/**
 * A consumer of a group: handles each message of a topic at least once, beside other consumers of the group in this process and others. What
 * a dead one leaves behind is claimed by another; what keeps failing, or kills whoever takes it, becomes a dead letter.
 */
import { randomUUID } from 'node:crypto'
import {
  type Backoff,
  backoffMs,
  type Clock,
  type HealthCheck,
  isError,
  reasonOf,
  systemClock,
  withinTime,
} from '@keelson/kernel'
import type { Metrics } from '@keelson/telemetry'
import { eventsErrors } from '../errors.ts'
import { storable } from '../storable-text.ts'
import { type FeedPosition, feedStart } from '../store/event-store.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { requireName, requirePosition } from './check-names.ts'
import { ConsumerMetrics } from './consumer-metrics.ts'
import type { Message } from './message.ts'
import type { DeadLetter, Delivery, Holder, MessageStreams } from './message-streams.ts'
import { Slots } from './slots.ts'

export interface ConsumeOptions {
  readonly streams: MessageStreams
  readonly topic: string
  readonly group: string
  /** Must be of this consumer alone. Default: made up. */
  readonly consumer?: string
  /** Resolves when the message is handled; what it throws is a failure. */
  handle(message: Message, given: HandleGiven): Promise<void> | void
  /** How many messages are handled at once. Default 10. */
  readonly concurrency?: number
  /**
   * Messages of one key are handled one after another, in their order as far as this consumer gets them; undefined for a message that need not wait for others. Default: the
   * key of the message. Among several consumers of a group there is no order: that is what `consumeInto` is for.
   */
  key?(message: Message): string | undefined
  /** After so many failures, deaths of consumers among them, a message becomes a dead letter. Default 5. */
  readonly maxDeliveries?: number
  /** What a consumer holds so long without a word is claimed by another. Default 30,000. */
  readonly claimAfterMs?: number
  /** For one message. When it is over, `signal` aborts and the message has failed. Default 60,000. */
  readonly timeoutMs?: number
  /** Between two tries of a message. Default: from 100 ms to 10 s. */
  readonly retry?: Backoff
  /** Where a group begins that nobody has heard of: with the oldest message that is kept, with the next one, or after a position. Default `oldest`. */
  readonly startAt?: 'oldest' | 'next' | FeedPosition
  readonly hooks?: ConsumerHooks
  readonly metrics?: Metrics
  readonly clock?: Clock
}

export interface HandleGiven {
  /** Aborts when the time is up, and when another consumer has claimed the message. */
  readonly signal: AbortSignal
  /** How often the message has been delivered, this time included. */
  readonly deliveries: number
}

/** What a consumer says of itself as it goes. A hook must not throw. */
export interface ConsumerHooks {
  /** A message failed and is tried again. */
  onRetry?(retry: { readonly message: Message; readonly deliveries: number; readonly error: unknown }): void
  onBuried?(buried: { readonly message: Message; readonly deliveries: number; readonly reason: string }): void
  /** Another consumer died, or hung, with these. */
  onClaimed?(messages: readonly Message[]): void
  /** Messages that somebody removed from the topic before they were handled. */
  onLost?(ids: readonly string[]): void
  /** The group was not there. `isLost`: it had been, and goes on from the last place that is known to be finished. */
  onGroupCreated?(group: { readonly after: FeedPosition; readonly isLost: boolean }): void
  /** The streams did not answer; it is tried again. */
  onFailure?(error: unknown, failures: number): void
}

export interface Consumer {
  /** Its name within the group. */
  readonly consumer: string
  /** Degraded while the streams do not answer. */
  health(): HealthCheck
  /** Takes no more, and resolves when what it holds is handled, buried, or left to others because it failed. Safe to repeat. */
  close(): Promise<void>
}

/**
 * @example
 * const consumer = consume({ streams, topic: 'orders', group: 'mail', handle: async (message) => sendMail(eventIn(message)) })
 */
export function consume(options: ConsumeOptions): Consumer {
  const { topic, group, consumer = randomUUID(), concurrency = 10, maxDeliveries = 5, startAt = 'oldest' } = options
  requireName('topic', topic)
  requireName('group', group)
  requireName('consumer', consumer)
  const attempt = `consume topic "${topic}" as group "${group}"`
  for (const [name, value] of Object.entries({ concurrency, maxDeliveries }))
    if (!Number.isInteger(value) || value < 1 || value > 10_000)
      throw eventsErrors.MESSAGES_INVALID({ attempt, reason: `${name} is 1 to 10,000` })
  if (typeof startAt !== 'string') requirePosition(attempt, startAt)
  return new GroupConsumer(options, { topic, group, consumer })
}

/** Gives dead letters of a group back to it; all of them, or those that `filter` picks. Resolves with how many. */
export async function replayDeadLetters(
  streams: MessageStreams,
  topic: string,
  group: string,
  filter: (letter: DeadLetter) => boolean = () => true,
): Promise<number> {
  const picked: string[] = []
  // All of them first: one that is replayed may die again and stand at the end.
  for (let after = ''; ; ) {
    const letters = await streams.deadLetters(topic, group, { after, limit: 500 })
    for (const letter of letters) if (filter(letter)) picked.push(letter.id)
    const last = letters.at(-1)
    if (!last) break
    after = last.id
  }
  let replayed = 0
  for (let from = 0; from < picked.length; from += 500)
    replayed += await streams.replay(topic, group, picked.slice(from, from + 500))
  return replayed
}

/** How long the streams may keep an empty hand waiting. */
const waitMs = 2_000
const retryOfStreams: Backoff = { firstMs: 50, mostMs: 5_000 }

interface Hand {
  readonly delivery: Delivery
  readonly lost: AbortController
}

class GroupConsumer implements Consumer {
  readonly consumer: string
  readonly #options: ConsumeOptions
  readonly #holder: Holder
  readonly #clock: Clock
  readonly #claimAfterMs: number
  readonly #maxDeliveries: number
  /** Messages taken and not finished, at most. */
  readonly #mostInHand: number
  readonly #slots: Slots
  readonly #metrics: ConsumerMetrics | undefined
  readonly #acknowledgements: Acknowledgements
  /** By receipt. */
  readonly #hand = new Map<string, Hand>()
  readonly #lanes = new Map<string, Promise<void>>()
  readonly #work = new Set<Promise<void>>()
  readonly #closing = new AbortController()
  readonly #running: Promise<unknown>
  /** Up to here the whole group was seen to have finished. */
  #finished: FeedPosition | undefined
  #failure: { readonly error: unknown; readonly count: number } | undefined
  #roomMade: (() => void) | undefined

  constructor(options: ConsumeOptions, holder: Holder) {
    const { streams, metrics, concurrency = 10, claimAfterMs = 30_000, maxDeliveries = 5 } = options
    this.#options = options
    this.#holder = holder
    this.consumer = holder.consumer
    this.#clock = options.clock ?? systemClock
    this.#claimAfterMs = claimAfterMs
    this.#maxDeliveries = maxDeliveries
    this.#mostInHand = concurrency * 4
    this.#slots = new Slots(concurrency)
    this.#metrics = metrics && new ConsumerMetrics(metrics, holder)
    const { topic, group } = holder
    this.#acknowledgements = new Acknowledgements(
      (receipts) => streams.acknowledge(topic, group, receipts),
      (receipts) => this.#finish(receipts),
      this.#clock,
    )
    this.#running = Promise.all([this.#repeat(() => this.#take()), this.#repeat(() => this.#watch(), claimAfterMs / 3)])
  }

  health(): HealthCheck {
    if (!this.#failure) return { status: 'ok', message: `${this.#hand.size} messages in hand` }
    const { error, count } = this.#failure
    return {
      status: 'degraded',
      message: `the streams failed ${count} times: ${isError(error) ? error.message : 'an unexpected error'}`,
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#makeRoom()
    await this.#running
    // What is held is kept alive until it is handled.
    const held = new AbortController()
    const watching = this.#repeat(() => this.#extend(), this.#claimAfterMs / 3, held.signal)
    while (this.#work.size > 0) await Promise.all(this.#work)
    held.abort()
    await watching
    await this.#acknowledgements.close()
  }

  /** Again and again until the signal aborts, with pauses that grow while it fails. */
  async #repeat(step: () => Promise<void>, everyMs = 0, signal = this.#closing.signal): Promise<void> {
    let failures = 0
    while (!signal.aborted) {
      try {
        await step()
        failures = 0
        this.#failure = undefined
        if (everyMs > 0) await this.#clock.sleep(everyMs, signal)
      } catch (error) {
        if (signal.aborted) return
        failures += 1
        this.#failure = { error, count: failures }
        this.#options.hooks?.onFailure?.(error, failures)
        await this.#clock.sleep(backoffMs(retryOfStreams, failures), signal).catch(() => {})
      }
    }
  }

  async #take(): Promise<void> {
    const { signal } = this.#closing
    const limit = this.#mostInHand - this.#hand.size
    if (limit <= 0) {
      await new Promise<void>((resolve) => {
        this.#roomMade = resolve
      })
      return
    }
    const { topic, group } = this.#holder
    try {
      const taken = await this.#options.streams.take(topic, group, this.consumer, { limit, waitMs, signal })
      for (const delivery of taken) this.#hold(delivery)
    } catch (error) {
      if (!isError(error, 'MESSAGES_GROUP_LOST')) throw error
      await this.#createGroup()
    }
  }

  async #createGroup(): Promise<void> {
    const { streams, startAt = 'oldest', hooks } = this.#options
    const { topic, group } = this.#holder
    const known = this.#finished
    const first = startAt === 'oldest' ? feedStart : startAt === 'next' ? await streams.last(topic) : startAt
    const after = known ?? first
    if (await streams.createGroup(topic, group, after)) hooks?.onGroupCreated?.({ after, isLost: known !== undefined })
  }

  /** Keeps what is held, claims what others have left, and looks how far the group is. */
  async #watch(): Promise<void> {
    await this.#extend()
    const { streams, hooks } = this.#options
    const { topic, group } = this.#holder
    const limit = this.#mostInHand - this.#hand.size
    try {
      if (limit > 0) {
        const { deliveries, lost } = await streams.claim(topic, group, this.consumer, {
          idleMs: this.#claimAfterMs,
          limit,
        })
        const others = deliveries.filter(({ receipt }) => !this.#hand.has(receipt))
        if (others.length > 0) hooks?.onClaimed?.(others.map(({ message }) => message))
        this.#metrics?.claimed(others.length)
        if (lost.length > 0) hooks?.onLost?.(lost)
        for (const delivery of others) this.#hold(delivery)
      }
      const state = (await streams.groups(topic)).find((one) => one.group === group)
      if (!state) return
      this.#finished = state.finished
      this.#metrics?.waiting(state.waiting, state.deadLetters)
    } catch (error) {
      // Whoever takes next creates it.
      if (!isError(error, 'MESSAGES_GROUP_LOST')) throw error
    }
  }

  async #extend(): Promise<void> {
    const receipts = [...this.#hand.keys()]
    if (receipts.length === 0) return
    try {
      const held = new Set(await this.#options.streams.extend(this.#holder, receipts))
      for (const receipt of receipts) if (!held.has(receipt)) this.#hand.get(receipt)?.lost.abort()
    } catch (error) {
      if (!isError(error, 'MESSAGES_GROUP_LOST')) throw error
    }
  }

  #hold(delivery: Delivery): void {
    const hand = { delivery, lost: new AbortController() }
    this.#hand.set(delivery.receipt, hand)
    const key = this.#keyOf(delivery.message)
    const before = key === undefined ? undefined : this.#lanes.get(key)
    const work = before ? before.then(() => this.#process(hand)) : this.#process(hand)
    if (key !== undefined) this.#lanes.set(key, work)
    this.#work.add(work)
    void work.then(() => {
      this.#work.delete(work)
      if (key !== undefined && this.#lanes.get(key) === work) this.#lanes.delete(key)
    })
  }

  #keyOf(message: Message): string | undefined {
    try {
      return this.#options.key ? this.#options.key(message) : message.key
    } catch {
      // What it makes of an unreadable message is no reason to keep the others.
      return message.key
    }
  }

  /** Tries until it is handled, buried, another's, or to be left because the consumer closes. Never rejects. */
  async #process({ delivery, lost }: Hand): Promise<void> {
    const { message, receipt } = delivery
    let { deliveries } = delivery
    if (message.unreadable !== undefined) return this.#bury(delivery, message.unreadable, deliveries)
    if (deliveries > this.#maxDeliveries)
      return this.#bury(delivery, 'the consumers that took it died or hung', deliveries - 1)
    for (;;) {
      const failure = await this.#slots.run(() => this.#try(message, deliveries, lost.signal))
      if (!failure) return this.#acknowledgements.add(receipt)
      if (lost.signal.aborted) break
      if (deliveries >= this.#maxDeliveries) return this.#bury(delivery, shownReasonOf(failure.error), deliveries)
      this.#options.hooks?.onRetry?.({ message, deliveries, error: failure.error })
      const pause = backoffMs(this.#options.retry ?? { firstMs: 100, mostMs: 10_000 }, deliveries)
      const isOver = AbortSignal.any([this.#closing.signal, lost.signal])
      await this.#clock.sleep(pause, isOver).catch(() => {})
      if (isOver.aborted || !(await this.#count(receipt, lost.signal))) break
      deliveries += 1
    }
    this.#finish([receipt])
  }

  /** What it threw, or undefined when the message is handled. */
  async #try(message: Message, deliveries: number, lost: AbortSignal): Promise<{ error: unknown } | undefined> {
    if (lost.aborted) return { error: lost.reason }
    const { handle, timeoutMs = 60_000 } = this.#options
    const timedOut = () => new Error(`not handled within ${timeoutMs} ms`)
    try {
      await withinTime(async (late) => handle(message, { signal: AbortSignal.any([late, lost]), deliveries }), {
        timeoutMs,
        clock: this.#clock,
        timedOut,
      })
      this.#metrics?.handled()
      return undefined
    } catch (error) {
      this.#metrics?.failed()
      return { error }
    }
  }

  /** One more delivery; false when the message is another's by now, or the streams do not say so in time. */
  async #count(receipt: string, lost: AbortSignal): Promise<boolean> {
    return this.#persist(async () => {
      const held = await this.#options.streams.extend(this.#holder, [receipt], { isRetry: true })
      return held.length > 0 && !lost.aborted
    })
  }

  async #bury(delivery: Delivery, reason: string, deliveries: number): Promise<void> {
    const { message, receipt } = delivery
    const isBuried = await this.#persist(() =>
      this.#options.streams.bury(this.#holder, receipt, { reason, deliveries }),
    )
    if (isBuried) {
      this.#metrics?.buried()
      this.#options.hooks?.onBuried?.({ message, deliveries, reason })
    }
    this.#finish([receipt])
  }

  /** Asks until there is an answer; false when there is none before the consumer closes, or the group is gone and the message will come again. */
  async #persist(work: () => Promise<boolean>): Promise<boolean> {
    for (let failures = 1; ; failures++) {
      try {
        return await work()
      } catch (error) {
        if (isError(error, 'MESSAGES_GROUP_LOST') || this.#closing.signal.aborted) return false
        this.#options.hooks?.onFailure?.(error, failures)
        await this.#clock.sleep(backoffMs(retryOfStreams, failures), this.#closing.signal).catch(() => {})
      }
    }
  }

  #finish(receipts: readonly string[]): void {
    for (const receipt of receipts) this.#hand.delete(receipt)
    this.#makeRoom()
  }

  #makeRoom(): void {
    this.#roomMade?.()
    this.#roomMade = undefined
  }
}

/** For people who look at dead letters: the message of an error, bounded. */
export function shownReasonOf(error: unknown): string {
  return storable(isError(error) ? `${error.code}: ${error.message}` : reasonOf(error))
}

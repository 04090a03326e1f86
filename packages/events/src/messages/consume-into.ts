/**
 * A consumer whose effects are in a database: effect and position are committed together, so that each message takes effect exactly once,
 * whatever is killed, and a repeat is dropped by comparing one number. Messages of a topic come in their order, in one process of the group
 * at a time; another takes over when it dies. A topic is thus what work is divided by: publish to several for several processes.
 */
import { randomUUID } from 'node:crypto'
import {
  type Backoff,
  backoffMs,
  type Clock,
  type Database,
  type HealthCheck,
  isError,
  type Queryable,
  systemClock,
  withinTime,
} from '@keelson/kernel'
import type { Metrics } from '@keelson/telemetry'
import { eventsErrors } from '../errors.ts'
import { type FeedPosition, feedStart } from '../store/event-store.ts'
import { requireName, requirePosition } from './check-names.ts'
import { Checkpoints, type Lease } from './checkpoints.ts'
import { type HandleGiven, shownReasonOf } from './consume.ts'
import { ConsumerMetrics } from './consumer-metrics.ts'
import type { Message } from './message.ts'
import type { DeadLetter, MessageStreams } from './message-streams.ts'

export interface ConsumeIntoOptions {
  readonly streams: MessageStreams
  /** Its tables hold the effects; the checkpoints are put beside them. */
  readonly database: Database
  readonly topics: readonly string[]
  readonly group: string
  /**
   * Makes the effect, through `transaction` alone. What it throws is a failure: the transaction is rolled back and the message tried again by
   * itself. It may run several times; one of them is committed.
   */
  handle(transaction: Queryable, message: Message, given: HandleGiven): Promise<void> | void
  /** Messages in one transaction at most. Default 100. */
  readonly batch?: number
  /** After so many failures, deaths of the process among them, a message becomes a dead letter. Default 5. */
  readonly maxDeliveries?: number
  /** A process that says nothing so long has lost its topics. Default 15,000. */
  readonly leaseMs?: number
  /** For one message. Default 60,000. */
  readonly timeoutMs?: number
  /** Between two tries. Default: from 100 ms to 10 s. */
  readonly retry?: Backoff
  /** Where the group begins in a topic that it has no checkpoint of. Default `oldest`. */
  readonly startAt?: 'oldest' | 'next' | FeedPosition
  readonly hooks?: ConsumeIntoHooks
  readonly metrics?: Metrics
  readonly clock?: Clock
}

/** What a consumer says of itself as it goes. A hook must not throw. */
export interface ConsumeIntoHooks {
  /** This process has a topic now. `isInherited`: it was taken from one that is thought dead. */
  onTopic?(topic: { readonly topic: string; readonly place: FeedPosition; readonly isInherited: boolean }): void
  onRetry?(retry: { readonly message: Message; readonly deliveries: number; readonly error: unknown }): void
  onBuried?(buried: { readonly message: Message; readonly deliveries: number; readonly reason: string }): void
  /** The streams or the database did not answer, or the topic was taken over; it is tried again. */
  onFailure?(error: unknown, failures: number): void
}

export interface IntoConsumer {
  /** Degraded while the streams or the database do not answer. */
  health(): HealthCheck
  /** How far this process has come in a topic; undefined when it is not its own. */
  position(topic: string): FeedPosition | undefined
  /** Those of the group, from all processes, in the order of the topic. */
  deadLetters(
    topic: string,
    options?: { readonly after?: FeedPosition; readonly limit?: number },
  ): Promise<readonly DeadLetter[]>
  /** Handles dead letters here and now, each in a transaction that also ends it; one that fails again stays, with the new reason. */
  replayDeadLetters(topic: string, filter?: (letter: DeadLetter) => boolean): Promise<Replayed>
  /** Ends the transaction under way and gives the topics to others. Safe to repeat. */
  close(): Promise<void>
}

export interface Replayed {
  readonly handled: number
  readonly failed: number
}

/** Brings the tables to this version first. Rejects with MESSAGES_INVALID, DATABASE_NEWER or what the database says. */
export async function consumeInto(options: ConsumeIntoOptions): Promise<IntoConsumer> {
  const { database, topics, group, batch = 100, maxDeliveries = 5, leaseMs = 15_000, startAt } = options
  requireName('group', group)
  for (const topic of topics) requireName('topic', topic)
  const attempt = `consume as group "${group}"`
  if (topics.length === 0 || new Set(topics).size < topics.length)
    throw eventsErrors.MESSAGES_INVALID({ attempt, reason: 'topics are one at least, each once' })
  for (const [name, value] of Object.entries({ batch, maxDeliveries }))
    if (!Number.isInteger(value) || value < 1 || value > 10_000)
      throw eventsErrors.MESSAGES_INVALID({ attempt, reason: `${name} is 1 to 10,000` })
  if (typeof startAt === 'object') requirePosition(attempt, startAt)
  const checkpoints = await Checkpoints.open(database, group, randomUUID(), leaseMs)
  return new DatabaseConsumer({ ...options, batch, maxDeliveries, leaseMs }, checkpoints)
}

interface Settings extends ConsumeIntoOptions {
  readonly batch: number
  readonly maxDeliveries: number
  readonly leaseMs: number
}

/** What the handler threw, as opposed to what the database or the streams did. */
class HandlerFailure {
  readonly error: unknown
  constructor(error: unknown) {
    this.error = error
  }
}

/** A handler that swallowed the refusal of one of its statements leaves a transaction in which no other is taken. */
function isOfTheHandler(failure: unknown): boolean {
  return (
    failure instanceof HandlerFailure ||
    (isError(failure, 'DATABASE_QUERY_FAILED') && failure.details['sqlState'] === '25P02')
  )
}

const retryOfServers: Backoff = { firstMs: 50, mostMs: 5_000 }
/** How long the streams may keep it waiting, and how often they are told how far the group is. */
const restMs = 1_000

class DatabaseConsumer implements IntoConsumer {
  readonly #settings: Settings
  readonly #checkpoints: Checkpoints
  readonly #clock: Clock
  readonly #places = new Map<string, FeedPosition>()
  readonly #failures = new Map<string, { readonly error: unknown; readonly count: number }>()
  readonly #metrics = new Map<string, ConsumerMetrics>()
  readonly #closing = new AbortController()
  readonly #running: Promise<unknown>

  constructor(settings: Settings, checkpoints: Checkpoints) {
    const { topics, group, metrics, clock } = settings
    this.#settings = settings
    this.#checkpoints = checkpoints
    this.#clock = clock ?? systemClock
    for (const topic of topics) if (metrics) this.#metrics.set(topic, new ConsumerMetrics(metrics, { topic, group }))
    this.#running = Promise.all(topics.map((topic) => this.#run(topic)))
  }

  health(): HealthCheck {
    for (const [topic, { error, count }] of this.#failures) {
      const reason = isError(error) ? error.message : 'an unexpected error'
      return { status: 'degraded', message: `topic "${topic}" failed ${count} times: ${reason}` }
    }
    return { status: 'ok', message: `${this.#places.size} topics are this process's own` }
  }

  position(topic: string): FeedPosition | undefined {
    return this.#places.get(topic)
  }

  deadLetters(topic: string, options: { readonly after?: FeedPosition; readonly limit?: number } = {}) {
    return this.#checkpoints.deadLetters(topic, options.after ?? feedStart, options.limit ?? 100)
  }

  async replayDeadLetters(topic: string, filter: (letter: DeadLetter) => boolean = () => true): Promise<Replayed> {
    const replayed = { handled: 0, failed: 0 }
    for (let after = feedStart; ; ) {
      const letters = await this.#checkpoints.deadLetters(topic, after, 100)
      for (const letter of letters) {
        if (!filter(letter)) continue
        try {
          const work = (transaction: Queryable) => this.#handle(transaction, letter.message, letter.deliveries + 1)
          if (await this.#checkpoints.revive(letter, work)) replayed.handled += 1
        } catch (failure) {
          if (!isOfTheHandler(failure)) throw failure
          const error = failure instanceof HandlerFailure ? failure.error : failure
          await this.#checkpoints.failedAgain(letter, shownReasonOf(error))
          replayed.failed += 1
        }
      }
      const last = letters.at(-1)
      if (!last) return replayed
      after = last.message
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  async #run(topic: string): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      try {
        const lease = await this.#checkpoints.acquire(topic, await this.#first(topic))
        if (lease) await this.#own(lease)
        else {
          this.#failures.delete(topic)
          await this.#clock.sleep(this.#settings.leaseMs / 3, signal)
        }
      } catch (error) {
        if (signal.aborted) return
        const count = (this.#failures.get(topic)?.count ?? 0) + 1
        this.#failures.set(topic, { error, count })
        this.#settings.hooks?.onFailure?.(error, count)
        await this.#clock.sleep(backoffMs(retryOfServers, count), signal).catch(() => {})
      } finally {
        this.#places.delete(topic)
      }
    }
  }

  async #first(topic: string): Promise<FeedPosition> {
    const { startAt = 'oldest', streams } = this.#settings
    if (typeof startAt === 'object') return startAt
    if (startAt === 'oldest' || (await this.#checkpoints.hasCheckpoint(topic))) return feedStart
    return streams.last(topic)
  }

  /** Until it closes; rejects when the topic is lost or a server does not answer. */
  async #own(lease: Lease): Promise<void> {
    const { streams, group, batch, leaseMs, hooks } = this.#settings
    const { topic, place: first, isInherited } = lease
    const { signal } = this.#closing
    hooks?.onTopic?.({ topic, place: first, isInherited })
    let place = first
    let isCareful = isInherited
    let toldAt = Number.NEGATIVE_INFINITY
    while (!signal.aborted) {
      this.#places.set(topic, place)
      if (this.#clock.monotonic() - toldAt >= restMs) {
        await streams.finish(topic, group, place)
        toldAt = this.#clock.monotonic()
      }
      const waitMs = Math.min(restMs, leaseMs / 3)
      const messages = await streams.read(topic, place, { limit: batch, waitMs, signal })
      const last = messages.at(-1)
      if (!last) await this.#checkpoints.renew(lease)
      this.#failures.delete(topic)
      if (!last) continue
      if (isCareful) {
        await this.#eachAlone(lease, messages)
        isCareful = false
      } else isCareful = !(await this.#together(lease, messages, last))
      if (!isCareful && !signal.aborted) place = { epoch: last.epoch, position: last.position }
    }
    await this.#checkpoints.release(lease)
  }

  /** False when the handler failed: nothing took effect, and who failed is not asked. */
  async #together(lease: Lease, messages: readonly Message[], last: Message): Promise<boolean> {
    if (messages.some(({ unreadable }) => unreadable !== undefined)) return false
    try {
      await this.#checkpoints.commit(lease, last, async (transaction) => {
        for (const message of messages) await this.#handle(transaction, message, 1)
      })
      this.#metrics.get(lease.topic)?.handled(messages.length)
      return true
    } catch (failure) {
      if (!isOfTheHandler(failure)) throw failure
      return false
    }
  }

  /** Each in a transaction of its own, counted before it is tried. Stops between two when it closes. */
  async #eachAlone(lease: Lease, messages: readonly Message[]): Promise<void> {
    for (const message of messages) {
      while (!this.#closing.signal.aborted && !(await this.#alone(lease, message)));
      if (this.#closing.signal.aborted) return
    }
  }

  /** True when there is nothing more to do about the message. */
  async #alone(lease: Lease, message: Message): Promise<boolean> {
    const { maxDeliveries, hooks, retry = { firstMs: 100, mostMs: 10_000 } } = this.#settings
    const { signal } = this.#closing
    const deliveries = await this.#checkpoints.attempt(lease, message)
    if (message.unreadable !== undefined) return this.#bury(lease, message, message.unreadable, deliveries)
    if (deliveries > maxDeliveries)
      return this.#bury(lease, message, 'the processes that handled it died or hung', deliveries - 1)
    try {
      await this.#checkpoints.commit(lease, message, (transaction) => this.#handle(transaction, message, deliveries))
      this.#metrics.get(lease.topic)?.handled()
      return true
    } catch (failure) {
      if (!isOfTheHandler(failure)) throw failure
      const error = failure instanceof HandlerFailure ? failure.error : failure
      this.#metrics.get(lease.topic)?.failed()
      if (deliveries >= maxDeliveries) return this.#bury(lease, message, shownReasonOf(error), deliveries)
      hooks?.onRetry?.({ message, deliveries, error })
      await this.#pause(lease, backoffMs(retry, deliveries), signal)
      return false
    }
  }

  async #bury(lease: Lease, message: Message, reason: string, deliveries: number): Promise<boolean> {
    await this.#checkpoints.bury(lease, message, { reason, deliveries })
    this.#metrics.get(lease.topic)?.buried()
    this.#settings.hooks?.onBuried?.({ message, deliveries, reason })
    return true
  }

  /** The topic stays this process's own meanwhile. */
  async #pause(lease: Lease, wholeMs: number, signal: AbortSignal): Promise<void> {
    const stepMs = this.#settings.leaseMs / 3
    for (let leftMs = wholeMs; leftMs > 0 && !signal.aborted; leftMs -= stepMs) {
      await this.#clock.sleep(Math.min(leftMs, stepMs), signal).catch(() => {})
      if (leftMs > stepMs) await this.#checkpoints.renew(lease)
    }
  }

  /** Rejects with a HandlerFailure, unless it is the database that failed under the handler. */
  async #handle(transaction: Queryable, message: Message, deliveries: number): Promise<void> {
    const { handle, timeoutMs = 60_000 } = this.#settings
    const timedOut = () => new Error(`not handled within ${timeoutMs} ms`)
    try {
      const limit = { timeoutMs, clock: this.#clock, timedOut }
      await withinTime(async (signal) => handle(transaction, message, { signal, deliveries }), limit)
    } catch (error) {
      const isServers = isError(error) && error.code.startsWith('DATABASE_') && error.retryable
      throw isServers || isError(error, 'DATABASE_OUTCOME_UNKNOWN') ? error : new HandlerFailure(error)
    }
  }
}

/**
 * Follows the feed for one partition of one generation: claims it, reads pages, and commits what each page changes together with the
 * checkpoint behind it. A page that fails is taken event by event, and an event that cannot be handled is parked, with those that come after
 * it under the same key, so that one bad event neither stops the rest nor is overtaken by its own.
 */
import { backoffMs, type Clock, isError, reasonOf, type Statement, withinTime } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import { storable } from '../storable-text.ts'
import type { RecordedEvent } from '../store/event.ts'
import type { FeedPage, FeedPosition } from '../store/event-store.ts'
import type { SqlEventStore } from '../store/sql-event-store.ts'
import { type Projection, partitionOf } from './projection.ts'
import { type Claim, fencedState, type Generation, type ProjectionTables, tableOf } from './projection-tables.ts'

/** What happens, for metrics and logs. */
export interface ProjectionHooks {
  /** A page was committed: how many events it had, how long after the newest of them, how long it took. */
  committed(projection: string, page: { events: number; latencyMs: number; tookMs: number }): void
  /** Something failed and is tried again, or was parked. */
  failed(projection: string, failure: { error: unknown; position: number; isParked: boolean }): void
}

export interface PartitionWorkerOptions {
  readonly store: SqlEventStore
  readonly tables: ProjectionTables
  readonly projection: Projection
  readonly generation: Generation
  readonly partition: number
  readonly clock: Clock
  readonly leaseMs: number
  readonly pageSize: number
  readonly applyTimeoutMs: number
  readonly attempts: number
  readonly hooks: ProjectionHooks
  /** How far it may go now: a building generation never passes the live one. */
  limit(): Promise<number>
}

const pauses = { firstMs: 50, mostMs: 5_000 }
/** Between looks for what is parked and should be tried again. */
const retryLookMs = 500
/** Positions without an event of this projection, or time, after which they are noted. */
const idlePositions = 1_000
const idleMs = 100

export class PartitionWorker {
  readonly generation: Generation
  readonly partition: number
  readonly #options: PartitionWorkerOptions
  readonly #stop = new AbortController()
  readonly #ended: Promise<void>
  readonly #table = (name: string) => tableOf(name, this.generation.generation)
  #parkedKeys = new Set<string>()
  #at: FeedPosition = { position: 0, epoch: 0 }
  #head = 0
  #saved = 0
  #savedAt = 0
  #lookedAt = 0
  #isOwner = false
  #failure: string | undefined
  #failures = 0

  constructor(options: PartitionWorkerOptions) {
    this.#options = options
    this.generation = options.generation
    this.partition = options.partition
    this.#ended = this.#run()
  }

  /** How far the feed was known to reach when it was read last. */
  get head(): number {
    return this.#head
  }

  /** Everything up to it has been handled, as far as this process knows; undefined while another one has the partition. */
  get position(): number | undefined {
    return this.#isOwner ? this.#at.position : undefined
  }

  /** Why it does not get on, as far as this process knows. */
  get failure(): string | undefined {
    return this.#failure
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#ended
  }

  async #run(): Promise<void> {
    const { tables, clock, leaseMs, hooks, projection } = this.#options
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        const claim = await tables.claim(this.generation, this.partition)
        if (claim) await this.#follow(claim)
        else await clock.sleep(leaseMs / 3, signal)
      } catch (error) {
        if (signal.aborted) break
        // Another owner is no failure: wait for the turn.
        if (!isFenced(error)) this.#failure = reasonOf(error)
        if (!isFenced(error)) hooks.failed(projection.name, { error, position: this.#at.position, isParked: false })
        await this.#pause()
      } finally {
        this.#isOwner = false
      }
    }
  }

  async #follow(claim: Claim): Promise<void> {
    const { store, tables, projection, pageSize, clock } = this.#options
    const { signal } = this.#stop
    this.#at = { position: claim.position, epoch: claim.epoch }
    this.#saved = claim.position
    this.#savedAt = clock.monotonic()
    this.#parkedKeys = new Set((await tables.parked(this.generation, this.partition)).map(({ key }) => key))
    this.#isOwner = true
    while (!signal.aborted) {
      await this.#retryParked(claim)
      const limit = await this.#options.limit()
      const count = Math.min(pageSize, limit - this.#at.position)
      const page =
        count > 0
          ? await store.readFeed(this.#at, { types: projection.types, limit: count, includeArchived: true })
          : undefined
      this.#head = page?.head ?? this.#head
      if (!page || page.next.position === this.#at.position) this.#failure = undefined
      if (page && page.next.position > this.#at.position) {
        await this.#handle(page, claim)
        this.#failure = undefined
        this.#failures = 0
        continue
      }
      await this.#note(claim, this.#at.position > this.#saved)
      if (count > 0) await store.waitBeyond(this.#at.position, signal).catch(() => {})
      else await clock.sleep(20, signal).catch(() => {})
    }
    await tables.release(this.generation, this.partition, claim.fence).catch(() => {})
  }

  async #handle(page: FeedPage, claim: Claim): Promise<void> {
    const { projection, clock, hooks } = this.#options
    const { partitions } = this.generation
    const events =
      partitions === 1
        ? page.events
        : page.events.filter((event) => partitionOf(projection.keyOf(event), partitions) === this.partition)
    if (events.length === 0) {
      this.#at = page.next
      const isDue = page.next.position - this.#saved >= idlePositions || clock.monotonic() - this.#savedAt >= idleMs
      await this.#note(claim, isDue)
      return
    }
    const startedAt = clock.monotonic()
    try {
      await this.#commit(events, page.next, claim)
    } catch (error) {
      if (isFenced(error) || isOfTheDatabase(error)) throw error
      await this.#oneByOne(events, page.next, claim)
    }
    const newest = events.at(-1)
    const latencyMs = newest ? Math.max(0, clock.now() - newest.recordedAt.getTime()) : 0
    hooks.committed(projection.name, { events: events.length, latencyMs, tookMs: clock.monotonic() - startedAt })
  }

  /** Changes and checkpoint in one transaction: one message when nothing has to be read first. */
  async #commit(events: readonly RecordedEvent[], to: FeedPosition, claim: Claim): Promise<void> {
    const { store, projection, tables, applyTimeoutMs, clock } = this.#options
    const handled: RecordedEvent[] = []
    const statements: Statement[] = [tables.checkpoint(this.generation, this.partition, claim.fence, to)]
    for (const event of events) {
      const key = storable(projection.keyOf(event))
      if (this.#parkedKeys.has(key)) {
        const reason = 'an earlier event of the same key is parked'
        statements.push(
          tables.park(this.generation, this.partition, { position: event.position, key, reason, attempts: 0 }),
        )
        continue
      }
      statements.push(...projection.statements(event, this.#table))
      handled.push(event)
    }
    if (projection.hasApply && handled.length > 0) {
      await store.database.transaction(async (transaction) => {
        for (const { sql, parameters } of statements) await transaction.query(sql, parameters)
        const change = { query: transaction.query.bind(transaction), table: this.#table }
        await within(applyTimeoutMs, clock, projection, () => projection.apply(handled, change))
      })
    } else {
      await store.database.batch(statements)
    }
    this.#moved(to)
    await this.#effects(handled, claim)
  }

  /** Finds what cannot be handled. Every event that can be is committed by itself. */
  async #oneByOne(events: readonly RecordedEvent[], to: FeedPosition, claim: Claim): Promise<void> {
    const { projection, attempts, clock, hooks, tables, store } = this.#options
    for (const [at, event] of events.entries()) {
      const next = at === events.length - 1 ? to : { ...to, position: event.position }
      for (let attempt = 1; ; attempt++) {
        try {
          await this.#commit([event], next, claim)
          break
        } catch (error) {
          if (isFenced(error) || isOfTheDatabase(error)) throw error
          const isParked = attempt >= attempts
          hooks.failed(projection.name, { error, position: event.position, isParked })
          if (!isParked) {
            await clock.sleep(backoffMs(pauses, attempt), this.#stop.signal)
            continue
          }
          const key = storable(projection.keyOf(event))
          await store.database.batch([
            tables.checkpoint(this.generation, this.partition, claim.fence, next),
            tables.park(this.generation, this.partition, {
              position: event.position,
              key,
              reason: reasonOf(error),
              attempts,
            }),
          ])
          this.#parkedKeys.add(key)
          this.#moved(next)
          break
        }
      }
    }
  }

  /** Those that somebody asked for, in order; a key goes on when all of it has been handled. */
  async #retryParked(claim: Claim): Promise<void> {
    const { clock, tables, store, projection, hooks } = this.#options
    if (this.#parkedKeys.size === 0 || clock.monotonic() - this.#lookedAt < retryLookMs) return
    this.#lookedAt = clock.monotonic()
    const parked = await tables.parked(this.generation, this.partition)
    if (!parked.some(({ isRetryDue }) => isRetryDue)) return
    const due = new Set(parked.flatMap(({ key, isRetryDue }) => (isRetryDue ? [key] : [])))
    const stuck = new Set<string>()
    const tried = parked.filter(({ key }) => due.has(key))
    for (const { position, key } of tried) {
      if (stuck.has(key)) continue
      const { events } = await store.readFeed({ position: position - 1, epoch: 0 }, { limit: 1, includeArchived: true })
      const at = this.#at
      this.#parkedKeys.delete(key)
      try {
        await this.#commitParked(events, position, claim)
      } catch (error) {
        if (isFenced(error) || isOfTheDatabase(error)) throw error
        stuck.add(key)
        hooks.failed(projection.name, { error, position, isParked: true })
        await store.database.batch([
          tables.checkpoint(this.generation, this.partition, claim.fence, at),
          tables.park(this.generation, this.partition, { position, key, reason: reasonOf(error), attempts: 1 }),
        ])
      }
      this.#parkedKeys.add(key)
    }
    await tables.endRetry(
      this.generation,
      tried.map(({ position }) => position),
    )
    this.#parkedKeys = new Set((await tables.parked(this.generation, this.partition)).map(({ key }) => key))
  }

  async #commitParked(events: readonly RecordedEvent[], position: number, claim: Claim): Promise<void> {
    const { store, tables, projection, applyTimeoutMs, clock } = this.#options
    await store.database.transaction(async (transaction) => {
      const { sql, parameters } = tables.checkpoint(this.generation, this.partition, claim.fence, this.#at)
      await transaction.query(sql, parameters)
      const unpark = tables.unpark(this.generation, position)
      await transaction.query(unpark.sql, unpark.parameters)
      for (const event of events)
        for (const statement of projection.statements(event, this.#table))
          await transaction.query(statement.sql, statement.parameters)
      const change = { query: transaction.query.bind(transaction), table: this.#table }
      if (projection.hasApply) await within(applyTimeoutMs, clock, projection, () => projection.apply(events, change))
    })
    await this.#effects(events, claim)
  }

  async #effects(events: readonly RecordedEvent[], { quietUntil }: Claim): Promise<void> {
    const { projection, hooks } = this.#options
    if (this.generation.state !== 'live') return
    for (const event of events) {
      if (event.position <= quietUntil) continue
      try {
        await projection.effect(event)
      } catch (error) {
        hooks.failed(projection.name, { error, position: event.position, isParked: false })
      }
    }
  }

  /** Notes a position that had nothing for this projection, and so keeps the lease. */
  async #note(claim: Claim, isMoved: boolean): Promise<void> {
    const { store, tables, clock, leaseMs } = this.#options
    if (!isMoved && clock.monotonic() - this.#savedAt < leaseMs / 3) return
    await store.database.batch([tables.checkpoint(this.generation, this.partition, claim.fence, this.#at)])
    this.#moved(this.#at)
  }

  #moved(to: FeedPosition): void {
    this.#at = to
    this.#saved = to.position
    this.#savedAt = this.#options.clock.monotonic()
  }

  async #pause(): Promise<void> {
    this.#failures += 1
    await this.#options.clock.sleep(backoffMs(pauses, this.#failures), this.#stop.signal).catch(() => {})
  }
}

/** Rejects with EVENTS_PROJECTION_STUCK when `work` takes longer: what never settles would hold the transaction for ever. */
async function within(timeoutMs: number, clock: Clock, { name }: Projection, work: () => Promise<void>): Promise<void> {
  const timedOut = () => eventsErrors.EVENTS_PROJECTION_STUCK({ projection: name, timeoutMs })
  await withinTime(work, { timeoutMs, clock, timedOut })
}

function isFenced(error: unknown): boolean {
  return isError(error, 'DATABASE_QUERY_FAILED') && error.details['sqlState'] === fencedState
}

/** The database is away, busy or full: no event is to blame, and the page is tried again. A statement that takes too long may be an event's. */
function isOfTheDatabase(error: unknown): boolean {
  if (!isError(error) || !error.code.startsWith('DATABASE_')) return false
  return error.code !== 'DATABASE_QUERY_FAILED' && error.code !== 'DATABASE_TIMED_OUT'
}

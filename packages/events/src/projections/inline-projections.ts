/**
 * Projections that are part of the append: what an event changes is committed with it, so that a query never sees one without the other. The
 * log is locked while they run, which makes appends one after the other and dearer: take it for what must never lag, such as a unique name.
 */
import { randomUUID } from 'node:crypto'
import { isError, migrate, type Queryable, systemClock } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import type { NewEvent } from '../store/event.ts'
import type { AppendAllOptions, Appended, AppendOptions, StreamAppend } from '../store/event-store.ts'
import type { SqlEventStore } from '../store/sql-event-store.ts'
import { PartitionWorker } from './partition-worker.ts'
import type { Projection } from './projection.ts'
import { type Generation, ProjectionTables, projectionTables, tableOf } from './projection-tables.ts'

export interface InlineProjectionsOptions {
  readonly store: SqlEventStore
  readonly projections: readonly Projection[]
  /** How long a catch-up at the start waits for another process that is at it. Default 10,000. */
  readonly leaseMs?: number
  /**
   * How long an append may pause between two statements of its transaction, for which all other appends wait. A program that is stopped there
   * is cut off, and nothing of the append takes effect. Default 2,000.
   */
  readonly pauseMs?: number
}

export interface InlineProjections extends SqlEventStore {
  /** Fills new tables from the first event while appends go on, and puts them in their place in a moment without appends. */
  rebuild(name: string): Promise<void>
  /** Ends it in all programs: its tables are dropped, and appends need it no more. */
  retire(name: string): Promise<void>
}

const noGenerations: ReadonlyMap<string, number> = new Map()

const pageSize = 500
const attempts = 5

/**
 * A store that appends with `projections`; those of its appends that have none of their events go their usual, faster way. What they lack,
 * as new ones and new versions do, is filled in before it resolves. A process that knows an earlier version is refused from then on, with
 * EVENTS_PROJECTION_SUPERSEDED. An event that a projection cannot handle is refused with what it threw: nothing is appended.
 */
export async function openInlineProjections(options: InlineProjectionsOptions): Promise<InlineProjections> {
  const { store, leaseMs = 10_000, pauseMs = 2_000 } = options
  // They are part of appends, which come one after the other: there is nothing to divide.
  const projections = options.projections.map((projection) => ({ ...projection, partitions: 1 }))
  await migrate(store.database, 'projections', projectionTables)
  const tables = new ProjectionTables(store.database, store.log, randomUUID(), leaseMs)
  const inline = new InlineStore(store, projections, tables, leaseMs, pauseMs)
  for (const projection of projections) await inline.bring(projection, false)
  return inline
}

class InlineStore implements InlineProjections {
  readonly #store: SqlEventStore
  readonly #projections: readonly Projection[]
  readonly #tables: ProjectionTables
  readonly #leaseMs: number
  readonly #pauseMs: number

  constructor(
    store: SqlEventStore,
    projections: readonly Projection[],
    tables: ProjectionTables,
    leaseMs: number,
    pauseMs: number,
  ) {
    this.#pauseMs = pauseMs
    this.#store = store
    this.#projections = projections
    this.#tables = tables
    this.#leaseMs = leaseMs
  }

  get log() {
    return this.#store.log
  }

  get database() {
    return this.#store.database
  }

  async append(stream: string, events: readonly NewEvent[], options: AppendOptions = {}): Promise<Appended> {
    const { expected = 'any', ...rest } = options
    const [appended] = await this.appendAll([{ stream, events, expected }], rest)
    if (!appended) throw eventsErrors.EVENTS_CLOSED({})
    return appended
  }

  async appendAll(appends: readonly StreamAppend[], options: AppendAllOptions = {}): Promise<readonly Appended[]> {
    if (this.#readersOf(appends).length === 0) return this.#store.appendAll(appends, options)
    // Ids are given before the first attempt: a second one is recognised by them.
    const identified = appends.map((append) => ({
      ...append,
      events: append.events.map((one) => ({ id: randomUUID(), ...one })),
    }))
    for (let attempt = 1; ; attempt++) {
      try {
        const appended = await this.database.transaction((transaction) =>
          this.appendWithin(transaction, identified, options),
        )
        this.announce(Math.max(...appended.map(({ position }) => position)))
        return appended
      } catch (error) {
        const mayRepeat =
          isError(error) &&
          (error.code === 'DATABASE_OUTCOME_UNKNOWN' || (error.retryable && error.code.startsWith('DATABASE_')))
        if (!mayRepeat || attempt >= attempts) throw error
        await systemClock.sleep(20 * 3 ** attempt)
      }
    }
  }

  async appendWithin(
    transaction: Queryable,
    appends: readonly StreamAppend[],
    options?: AppendAllOptions,
  ): Promise<readonly Appended[]> {
    const readers = this.#readersOf(appends)
    const generations = readers.length === 0 ? noGenerations : await this.#liveWithin(transaction, readers)
    const appended = await this.#store.appendWithin(transaction, appends, options)
    if (readers.length === 0 || appended.every(({ isRepeat }) => isRepeat)) return appended
    const count = appends.reduce((sum, { events }) => sum + events.length, 0)
    const last = Math.max(...appended.map(({ position }) => position))
    for (const reader of readers)
      await this.#apply(transaction, reader, generations.get(reader.name) ?? 0, last - count, last)
    return appended
  }

  async rebuild(name: string): Promise<void> {
    await this.bring(this.#require(name), true)
  }

  async retire(name: string): Promise<void> {
    const projection = this.#require(name)
    await this.database.transaction(async (transaction) => {
      await this.#tables.retireWithin(transaction, projection)
      await this.#register(transaction, name, [])
    })
  }

  #require(name: string): Projection {
    const projection = this.#projections.find((one) => one.name === name)
    const known = this.#projections.map((one) => one.name)
    if (!projection) throw eventsErrors.EVENTS_PROJECTION_UNKNOWN({ projection: name, known })
    return projection
  }

  /** Fills a generation that is building, first beside the appends, then the rest in a transaction that keeps them out. */
  async bring(projection: Projection, isForced: boolean): Promise<void> {
    // What other programs appended before it was registered may be missing in it.
    const isRegistered = await this.#isRegistered(projection)
    if (!(await this.#tables.ensureGeneration(projection, isForced || !isRegistered, 'building'))) return
    for (;;) {
      const generations = await this.#tables.generations(projection.name)
      const building = generations.find(({ state }) => state === 'building')
      if (!building) return
      await this.#catchUp(projection, building)
      const isDone = await this.database.transaction(async (transaction) => {
        // The generations before the log: the order in which appends take them.
        const { rows } = await transaction.query<{ generation: number }>(
          `select generation from keelson_projections where log = $1 and name = $2 and state <> 'retired' order by generation for update`,
          [this.log, projection.name],
        )
        if (!rows.some(({ generation }) => generation === building.generation)) return true
        await this.#store.lockWithin(transaction)
        const { rows: places } = await transaction.query<{ position: number; head: number }>(
          `select p.position, l.head from keelson_projection_partitions p join keelson_event_logs l on l.name = p.log
            where p.log = $1 and p.name = $2 and p.generation = $3`,
          [this.log, projection.name, building.generation],
        )
        const place = places[0]
        if (!place || place.head - place.position > pageSize) return false
        await this.#apply(transaction, projection, building.generation, place.position, place.head)
        await transaction.query(
          'update keelson_projection_partitions set position = $4, fence = fence + 1 where log = $1 and name = $2 and generation = $3',
          [this.log, projection.name, building.generation, place.head],
        )
        const live = generations.find(({ state }) => state === 'live')
        await this.#tables.switchWithin(transaction, projection, live, building)
        await this.#register(transaction, projection.name, projection.types)
        return true
      })
      if (isDone) return
    }
  }

  async #catchUp(projection: Projection, building: Generation): Promise<void> {
    let failure: unknown
    const worker = new PartitionWorker({
      store: this.#store,
      tables: this.#tables,
      projection,
      generation: building,
      partition: 0,
      clock: systemClock,
      leaseMs: this.#leaseMs,
      pageSize,
      applyTimeoutMs: 30_000,
      attempts: 1,
      hooks: {
        committed: () => {},
        failed: (_, { error, isParked }) => {
          // A read model that is always right cannot leave an event out.
          if (isParked) failure = error
        },
      },
      limit: async () => Number.POSITIVE_INFINITY,
    })
    try {
      while (((await this.head()).position ?? 0) - (worker.position ?? -Infinity) > pageSize / 2) {
        if (failure !== undefined) throw failure
        await systemClock.sleep(5)
      }
      if (failure !== undefined) throw failure
    } finally {
      await worker.close()
    }
  }

  /** Locks the live generations, and says which projections the append has and how long it may pause. */
  async #liveWithin(transaction: Queryable, readers: readonly Projection[]): Promise<ReadonlyMap<string, number>> {
    const select = () =>
      transaction.query<Generation>(
        `select name, generation, version, set_config('keelson.inline', $3, true),
            set_config('idle_in_transaction_session_timeout', $4, true)
          from keelson_projections where log = $1 and name = any ($2::text[]) and state = 'live' order by name for share`,
        [
          ...[this.log, readers.map(({ name }) => name)],
          ...[this.#projections.map(({ name }) => name).join(','), String(this.#pauseMs)],
        ],
      )
    const first = (await select()).rows
    // After waiting for a switch, the old generation is gone and the new one was not seen yet.
    const live = first.length === readers.length ? first : (await select()).rows
    for (const { name, version } of readers) {
      const found = live.find((one) => one.name === name)
      if (found?.version !== version)
        throw eventsErrors.EVENTS_PROJECTION_SUPERSEDED({ projection: name, version, found: found?.version ?? 0 })
    }
    return new Map(live.map(({ name, generation }) => [name, generation]))
  }

  async #isRegistered({ name, types }: Projection): Promise<boolean> {
    const { rows } = await this.database.query(
      `select 1 from keelson_inline_projections i join keelson_event_logs l on l.id = i.log
        where l.name = $1 and i.projection = $2 and i.types @> $3::text[]`,
      [this.log, name, types],
    )
    return rows.length > 0
  }

  /** From the commit on, appends of these types are refused where the projection is lacking. */
  async #register(transaction: Queryable, name: string, types: readonly string[]): Promise<void> {
    await transaction.query(
      'delete from keelson_inline_projections where log = (select id from keelson_event_logs where name = $1) and projection = $2',
      [this.log, name],
    )
    if (types.length > 0)
      await transaction.query(
        'insert into keelson_inline_projections (log, projection, types) select id, $2, $3::text[] from keelson_event_logs where name = $1',
        [this.log, name, types],
      )
    await transaction.query(
      `update keelson_event_logs l set inline_types = (select array_agg(distinct t.type) from keelson_inline_projections i
          cross join lateral unnest(i.types) t (type) where i.log = l.id) where l.name = $1`,
      [this.log],
    )
  }

  async #apply(
    transaction: Queryable,
    projection: Projection,
    generation: number,
    after: number,
    upTo: number,
  ): Promise<void> {
    if (upTo <= after) return
    const table = (name: string) => tableOf(name, generation)
    const { events } = await this.readFeedWithin(
      transaction,
      { position: after, epoch: 0 },
      { types: projection.types, limit: upTo - after, includeArchived: true },
    )
    for (const one of events)
      for (const { sql, parameters } of projection.statements(one, table)) await transaction.query(sql, parameters)
    if (projection.hasApply && events.length > 0)
      await projection.apply(events, { query: transaction.query.bind(transaction), table })
  }

  #readersOf(appends: readonly StreamAppend[]): readonly Projection[] {
    const types = new Set(
      appends.flatMap(({ events }) => (Array.isArray(events) ? events.map(({ type }) => type) : [])),
    )
    return this.#projections.filter((projection) => projection.types.some((type) => types.has(type)))
  }

  readStream: SqlEventStore['readStream'] = (...given) => this.#store.readStream(...given)
  noteReader: SqlEventStore['noteReader'] = (...given) => this.#store.noteReader(...given)
  findEvent: SqlEventStore['findEvent'] = (...given) => this.#store.findEvent(...given)
  readFeed: SqlEventStore['readFeed'] = (...given) => this.#store.readFeed(...given)
  readFeedWithin: SqlEventStore['readFeedWithin'] = (...given) => this.#store.readFeedWithin(...given)
  head: SqlEventStore['head'] = () => this.#store.head()
  waitBeyond: SqlEventStore['waitBeyond'] = (...given) => this.#store.waitBeyond(...given)
  streams: SqlEventStore['streams'] = (...given) => this.#store.streams(...given)
  archive: SqlEventStore['archive'] = (...given) => this.#store.archive(...given)
  truncate: SqlEventStore['truncate'] = (...given) => this.#store.truncate(...given)
  tombstone: SqlEventStore['tombstone'] = (...given) => this.#store.tombstone(...given)
  readSnapshot: SqlEventStore['readSnapshot'] = (...given) => this.#store.readSnapshot(...given)
  writeSnapshot: SqlEventStore['writeSnapshot'] = (...given) => this.#store.writeSnapshot(...given)
  lockWithin: SqlEventStore['lockWithin'] = (...given) => this.#store.lockWithin(...given)
  announce: SqlEventStore['announce'] = (...given) => this.#store.announce(...given)
  shred: SqlEventStore['shred'] = (...given) => this.#store.shred(...given)
  verify: SqlEventStore['verify'] = (...given) => this.#store.verify(...given)
  close: SqlEventStore['close'] = () => this.#store.close()
}

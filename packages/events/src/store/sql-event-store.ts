/**
 * The event store on the kernel's `Database` port, PGlite and PostgreSQL alike. Appends of all callers of a process share calls
 * (`append-queue.ts`) of one function (`sql-tables.ts`); an append whose outcome was lost with the connection is sent again, since the
 * database recognises what it has.
 */
import { type Clock, type Database, isError, migrate, type Queryable, systemClock } from '@keelson/kernel'
import type { Metrics } from '@keelson/telemetry'
import { eventsErrors } from '../errors.ts'
import { AppendQueue, type Outcome } from './append-queue.ts'
import {
  appendAloneSql,
  appendSql,
  eventArrays,
  type OutcomeRow,
  parametersOf,
  refusalOf,
  versionOf,
} from './append-statements.ts'
import type { NewEvent, RecordedEvent } from './event.ts'
import { createEventIds } from './event-ids.ts'
import { type EventRow, eventColumns, eventsIn, type FeedRow, type StreamRow } from './event-rows.ts'
import type {
  AppendAllOptions,
  Appended,
  AppendOptions,
  EraseOptions,
  EventPlace,
  EventStore,
  FeedPage,
  FeedPosition,
  ReadFeedOptions,
  ReadStreamOptions,
  Snapshot,
  SnapshotShape,
  StreamAppend,
  StreamInfo,
  StreamSlice,
  StreamsOptions,
} from './event-store.ts'
import { FeedWatch } from './feed-watch.ts'
import { PersonalData, type PersonalDataOptions } from './personal-data.ts'
import { jsonOf, type PreparedAppend, prepareAppend, requireStreamName } from './prepare-append.ts'
import type { StoredRow } from './seal-chain.ts'
import { Seals } from './seals.ts'
import { eventTables } from './sql-tables.ts'
import { type MeasureAppend, measureAppends } from './store-metrics.ts'
import { StreamEndings } from './stream-endings.ts'
import { type Verification, type VerifyOptions, verifyLog } from './verify.ts'

export interface SqlEventStoreOptions {
  readonly database: Database
  /** Its tables hold many logs, each with an order of its own: one per tenant, or one per thing that needs no order with others. Default `main`. */
  readonly log?: string
  /** Feeds and lists of streams are read here, which may be late. Streams are read where they are appended to: decisions are made on them. */
  readonly replica?: Queryable | undefined
  /** Of data and metadata of one event. Default 1 MiB. */
  readonly eventBytes?: number
  /** Fields that are encrypted with a key of the person they are about, so that `shred` can destroy them. */
  readonly personalData?: PersonalDataOptions
  readonly metrics?: Metrics
  readonly clock?: Clock
}

/** What only a store with a database can: append in a transaction with other changes. */
export interface SqlEventStore extends EventStore {
  readonly database: Database
  /**
   * Appends within `transaction`, which must be of this store's database. From here to its end nobody else can append: make it the last
   * statement. A refusal spoils the transaction for nobody but its owner, who rolls back by throwing.
   */
  appendWithin(
    transaction: Queryable,
    appends: readonly StreamAppend[],
    options?: AppendAllOptions,
  ): Promise<readonly Appended[]>
  /** `readFeed` within `transaction`, which sees what it has appended itself. */
  readFeedWithin(transaction: Queryable, after: FeedPosition, options?: ReadFeedOptions): Promise<FeedPage>
  /** Nobody else appends from here to the end of `transaction`. */
  lockWithin(transaction: Queryable): Promise<void>
  /** Tells readers that the log has reached `position`: said after the commit of what was appended within a transaction. */
  announce(position: number): void
  /** Destroys the key of a person's fields in all logs of the database, for ever; the events stay. False when there was none. */
  shred(subject: string): Promise<boolean>
  /** Proves that nothing of the log was changed, left out or put in between; what was erased is counted. */
  verify(options?: VerifyOptions): AsyncGenerator<Verification>
  /** Lets what was sent before finish; safe to repeat. The database stays open. */
  close(): Promise<void>
}

/** Brings the tables to this version and opens the log, which is made when there is none. Rejects with DATABASE_NEWER. */
export async function openEventStore(options: SqlEventStoreOptions): Promise<SqlEventStore> {
  const { database, log = 'main' } = options
  requireStreamName(log)
  await migrate(database, 'events', eventTables)
  const { rows } = await database.query<{ id: number }>('select id from keelson_event_log($1)', [log])
  const id = rows[0]?.id
  if (id === undefined) throw eventsErrors.EVENTS_CLOSED({})
  return new SqlStore(options, log, id)
}

/** Before a replica is asked again for what it has not got yet. */
const replicaPauseMs = 5
/** How long an append goes on when the database is gone, and how long it pauses first. */
const retriesMs = [20, 100, 400, 1_000, 2_000]

class SqlStore implements SqlEventStore {
  readonly log: string
  readonly database: Database
  readonly #id: number
  readonly #reader: Queryable
  readonly #isReplicaRead: boolean
  readonly #clock: Clock
  readonly #eventBytes: number
  readonly #makeId = createEventIds()
  readonly #queue = new AppendQueue((appends) => this.#appendTogether(appends))
  readonly #watch: FeedWatch
  readonly #seals: Seals
  readonly #endings: StreamEndings
  readonly #personal: PersonalData | undefined
  readonly #measure: MeasureAppend | undefined

  constructor(options: SqlEventStoreOptions, log: string, id: number) {
    this.log = log
    this.database = options.database
    this.#id = id
    this.#reader = options.replica ?? options.database
    this.#isReplicaRead = options.replica !== undefined
    this.#clock = options.clock ?? systemClock
    this.#eventBytes = options.eventBytes ?? 1024 * 1024
    this.#personal = options.personalData && new PersonalData(id, options.personalData)
    this.#measure = options.metrics && measureAppends(options.metrics, log, this.#clock)
    this.#seals = new Seals(options.database, id, log)
    this.#endings = new StreamEndings(options.database, id)
    this.#watch = new FeedWatch(options.database, `keelson_events_${id}`, this.#clock)
  }

  async append(stream: string, events: readonly NewEvent[], options: AppendOptions = {}): Promise<Appended> {
    const { expected = 'any', ...rest } = options
    const [appended] = await this.appendAll([{ stream, events, expected }], rest)
    if (!appended) throw eventsErrors.EVENTS_CLOSED({})
    return appended
  }

  appendAll(appends: readonly StreamAppend[], options: AppendAllOptions = {}): Promise<readonly Appended[]> {
    if (!this.#measure) return this.#append(appends, options)
    const events = appends.reduce((sum, one) => sum + one.events.length, 0)
    return this.#measure(events, () => this.#append(appends, options))
  }

  async #append(appends: readonly StreamAppend[], options: AppendAllOptions): Promise<readonly Appended[]> {
    // Without keys to fetch it is sent at once, so that `close` waits for it.
    if (!this.#personal) return this.#queue.add(this.#prepare(appends, options))
    try {
      return await this.#queue.add(await this.#protect(this.database, this.#personal, appends, options))
    } catch (error) {
      // A repeat has its first result, though what it says could not be encrypted the same any more.
      const first = isError(error, 'EVENTS_SUBJECT_SHREDDED') ? await this.#firstResult(appends) : undefined
      if (first) return first
      throw error
    }
  }

  async appendWithin(
    transaction: Queryable,
    appends: readonly StreamAppend[],
    options: AppendAllOptions = {},
  ): Promise<readonly Appended[]> {
    const [outcome] = await this.#callAppend(transaction, [
      this.#personal
        ? await this.#protect(transaction, this.#personal, appends, options)
        : this.#prepare(appends, options),
    ])
    if (outcome === undefined || outcome instanceof Error) throw outcome
    return outcome
  }

  async readStream(stream: string, options: ReadStreamOptions = {}): Promise<StreamSlice> {
    requireStreamName(stream)
    const isBackwards = options.direction === 'backwards'
    const { rows } = await this.database.query<StreamRow>(
      `select s.version as stream_version, s.state as stream_state,
          (select l.shreds from keelson_event_logs l where l.id = $1) as shreds, e.* from keelson_event_streams s
        left join lateral (select ${eventColumns} from keelson_events e
          where e.log = s.log and e.stream = s.name and e.version ${isBackwards ? '<=' : '>='} $3 and e.state <> 'erased'
          order by e.version ${isBackwards ? 'desc' : 'asc'} limit $4) e on true
        where s.log = $1 and s.name = $2`,
      [this.#id, stream, options.from ?? (isBackwards ? Number.MAX_SAFE_INTEGER : 1), options.limit ?? null],
    )
    const first = rows[0]
    if (!first) return { stream, version: 0, state: 'none', events: [] }
    const { stream_version: version, stream_state: state, shreds } = first
    return { stream, version, state, events: await this.#read(rows), ...(this.#personal && { shreds }) }
  }

  async findEvent(id: string): Promise<EventPlace | undefined> {
    // By its id alone, fenced: with the log, a plan made early may go through all of it.
    const { rows } = await this.database.query<EventRow & { state: string }>(
      `select ${eventColumns}, e.state from (select * from keelson_events where id = $1 offset 0) e where e.log = $2`,
      [id, this.#id],
    )
    const [row] = rows
    if (!row) return undefined
    const { stream, version, position } = row
    const [event] = row.state === 'erased' ? [] : await this.#read(rows)
    return { stream, version, position, event }
  }

  readFeed(after: FeedPosition, options: ReadFeedOptions = {}): Promise<FeedPage> {
    return this.#readFeed(this.#reader, after, options)
  }

  readFeedWithin(transaction: Queryable, after: FeedPosition, options: ReadFeedOptions = {}): Promise<FeedPage> {
    return this.#readFeed(transaction, after, options)
  }

  async #readFeed(on: Queryable, after: FeedPosition, options: ReadFeedOptions): Promise<FeedPage> {
    const { limit = 1_000, types, tags, includeArchived = false } = options
    const { position, epoch } = after
    const { rows } = await on.query<FeedRow>(
      `select l.head, l.epoch, case when l.epoch > $6 and $6 > 0 then
          (select min(p.begins_after) from keelson_event_epochs p where p.log = l.id and p.epoch > $6) end as last_good, e.*
        from keelson_event_logs l left join lateral (select ${eventColumns} from keelson_events e
          where e.log = $1 and e.position > $2 and e.position <= $3 and e.state <> 'erased'
            and ($5 or not exists (select from keelson_event_streams s where s.log = e.log and s.name = e.stream and s.state = 'archived'))
            ${types ? 'and e.type = any ($4::text[])' : 'and $4::text[] is null'} ${tags ? 'and e.tags @> $7::text[]' : 'and $7::text[] is null'}
          order by e.position) e on true
        where l.id = $1`,
      [this.#id, position, position + limit, types ?? null, includeArchived, epoch, tags ?? null],
    )
    const first = rows[0]
    if (!first) throw eventsErrors.EVENTS_CLOSED({})
    const lastGood = Math.min(first.last_good ?? first.head, first.head)
    // A replica may only be late.
    const isLost = position > lastGood && !(on !== this.database && this.#isReplicaRead && first.last_good === null)
    if (isLost) throw eventsErrors.EVENTS_POSITION_AHEAD({ log: this.log, position, epoch, lastGood })
    const next = Math.max(position, Math.min(position + limit, first.head))
    // A replica that has not got yet what is known to be there would be asked without end.
    if (next === position && this.#watch.head > position) await this.#clock.sleep(replicaPauseMs)
    return {
      events: await this.#read(rows, on === this.#reader ? this.database : on),
      next: { position: next, epoch: first.epoch },
      head: first.head,
    }
  }

  async head(): Promise<FeedPosition> {
    const { rows } = await this.database.query<{ head: number; epoch: number }>(
      'select head, epoch from keelson_event_logs where id = $1',
      [this.#id],
    )
    return { position: rows[0]?.head ?? 0, epoch: rows[0]?.epoch ?? 0 }
  }

  waitBeyond(position: number, signal: AbortSignal): Promise<void> {
    return this.#watch.waitBeyond(position, signal)
  }

  async streams({ prefix = '', after = '', limit = 100 }: StreamsOptions = {}): Promise<readonly StreamInfo[]> {
    const { rows } = await this.#reader.query<StreamInfo>(
      `select name as stream, version, state from keelson_event_streams
        where log = $1 and name > $2 and name >= $3 and starts_with(name, $3) order by name limit $4`,
      [this.#id, after, prefix, limit],
    )
    return rows
  }

  async archive(stream: string): Promise<void> {
    await this.#endings.archive(stream)
  }

  truncate(stream: string, version: number, options: EraseOptions = {}): Promise<number> {
    return this.#endings.truncate(stream, version, options)
  }

  tombstone(stream: string, options: EraseOptions = {}): Promise<number> {
    return this.#endings.tombstone(stream, options)
  }

  async noteReader(reader: string, position: number): Promise<void> {
    await this.database.query(
      `insert into keelson_event_readers as r (log, reader, position) values ($1, $2, $3)
        on conflict (log, reader) do update set position = excluded.position where r.position is distinct from excluded.position`,
      [this.log, reader, position],
    )
  }

  async readSnapshot(stream: string, shape: SnapshotShape): Promise<Snapshot | undefined> {
    const key = [this.#id, stream, shape.name]
    const { rows } = await this.database.query<Snapshot & { shape: number; shreds: number }>(
      `select n.version, n.shape, n.state, l.shreds from keelson_event_snapshots n join keelson_event_logs l on l.id = n.log
        where n.log = $1 and n.stream = $2 and n.name = $3`,
      key,
    )
    const found = rows[0]
    if (!found) return undefined
    const { version, state, shreds } = found
    if (found.shape === shape.version) return { version, state, ...(this.#personal && { shreds }) }
    // One of a later shape belongs to newer code that runs beside this.
    if (found.shape < shape.version)
      await this.database.query(
        'delete from keelson_event_snapshots where log = $1 and stream = $2 and name = $3 and shape < $4',
        [...key, shape.version],
      )
    return undefined
  }

  async writeSnapshot(stream: string, shape: SnapshotShape, snapshot: Snapshot): Promise<void> {
    await this.database.query(
      `insert into keelson_event_snapshots as s (log, stream, name, shape, version, state)
          select $1, $2, $3, $4, $5, $6::json from keelson_event_logs l where l.id = $1 and l.shreds = coalesce($7, l.shreds)
        on conflict (log, stream, name) do update set shape = excluded.shape, version = excluded.version, state = excluded.state
        where (s.shape, s.version) < (excluded.shape, excluded.version)`,
      [
        ...[this.#id, stream, shape.name, shape.version, snapshot.version, jsonOf(shape.name, snapshot.state)],
        snapshot.shreds ?? null,
      ],
    )
  }

  /** The same lock as an append's. */
  async lockWithin(transaction: Queryable): Promise<void> {
    await transaction.query('select 1 from keelson_event_logs where id = $1 for update', [this.#id])
  }

  announce(position: number): void {
    this.#watch.appended(position)
    this.#seals.grew(position)
  }

  async shred(subject: string): Promise<boolean> {
    return this.#personal?.shred(this.database, subject) ?? false
  }

  verify(options: VerifyOptions = {}): AsyncGenerator<Verification> {
    const lostKeys = async (rows: readonly StoredRow[]) => {
      const sealed = rows.filter(({ data }) => data?.includes('"$personal"'))
      const events = sealed.map(({ type, data }) => ({ type, data: JSON.parse(data ?? 'null') }))
      return this.#personal?.lostKeys(this.database, events) ?? []
    }
    return verifyLog(this.database, { id: this.#id, name: this.log, lostKeys }, this.#seals, options)
  }

  async close(): Promise<void> {
    await this.#queue.close()
    await this.#seals.close()
    await this.#watch.close()
  }

  /** Undefined unless every event is there already, in its stream. */
  async #firstResult(appends: readonly StreamAppend[]): Promise<readonly Appended[] | undefined> {
    const results: Appended[] = []
    for (const { stream, events } of appends) {
      const ids = events.flatMap(({ id }) => id ?? [])
      const places = await Promise.all(ids.map((id) => this.findEvent(id)))
      const last = places.at(-1)
      if (ids.length < events.length || !last || places.some((place) => place?.stream !== stream)) return undefined
      results.push({ stream, version: last.version, position: last.position, isRepeat: true })
    }
    return results
  }

  #prepare(appends: readonly StreamAppend[], options: AppendAllOptions): PreparedAppend {
    return prepareAppend(appends, options, { clock: this.#clock, makeId: this.#makeId, eventBytes: this.#eventBytes })
  }

  async #protect(
    on: Queryable,
    personal: PersonalData,
    appends: readonly StreamAppend[],
    options: AppendAllOptions,
  ): Promise<PreparedAppend> {
    // What is no append is refused as such, before anybody's key is made.
    this.#prepare(appends, options)
    const identified = appends.map((append) => ({
      ...append,
      events: append.events.map((event) => ({ ...event, id: event.id ?? this.#makeId(this.#clock.now()) })),
    }))
    return this.#prepare(await personal.protect(on, identified), options)
  }

  async #read(rows: readonly EventRow[], on: Queryable = this.database): Promise<readonly RecordedEvent[]> {
    const events = eventsIn(rows)
    return this.#personal ? this.#personal.reveal(on, events) : events
  }

  /** Sends it again when the database was not there or did not say what became of it: it recognises what it has. */
  async #appendTogether(appends: readonly PreparedAppend[]): Promise<readonly Outcome[]> {
    for (const pauseMs of retriesMs) {
      try {
        return (await this.#appendAlone(appends)) ?? (await this.#callAppend(this.database, appends))
      } catch (error) {
        if (!isError(error) || !(error.retryable || error.code === 'DATABASE_OUTCOME_UNKNOWN')) throw error
        await this.#clock.sleep(pauseMs)
      }
    }
    return this.#callAppend(this.database, appends)
  }

  /** The short way for one append of one stream; undefined when it has to go the other. */
  async #appendAlone(appends: readonly PreparedAppend[]): Promise<readonly Outcome[] | undefined> {
    const [append] = appends
    const [part] = append?.parts ?? []
    if (!append || !part || appends.length > 1 || append.parts.length > 1 || append.condition) return undefined
    const { stream, expected } = part
    const events = eventArrays([part])
    try {
      const { rows } = await this.database.query<{ version: number; position: number }>(appendAloneSql, [
        ...[this.#id, stream, versionOf(expected)],
        ...[events.id, events.type, events.schema, events.data, events.metadata, events.tags],
      ])
      const row = rows[0]
      if (!row) return undefined
      this.announce(row.position)
      return [[{ stream, version: row.version, position: row.position, isRepeat: false }]]
    } catch (error) {
      // An id that is there already.
      if (isError(error, 'DATABASE_QUERY_FAILED') && error.details['sqlState'] === '23505') return undefined
      throw error
    }
  }

  async #callAppend(on: Queryable, appends: readonly PreparedAppend[]): Promise<readonly Outcome[]> {
    const { rows } = await on.query<OutcomeRow>(appendSql, parametersOf(this.#id, appends))
    let at = 0
    let head = 0
    const outcomes = appends.map(({ parts, condition }): Outcome => {
      const own = rows.slice(at, at + parts.length)
      at += parts.length
      const refused = own.findIndex(({ outcome }) => outcome !== null && outcome !== 'ok' && outcome !== 'repeat')
      const part = parts[refused]
      const row = own[refused]
      if (part && row) return refusalOf(part, row, condition?.after ?? 0)
      return own.map(({ outcome, version, position }, index) => {
        head = Math.max(head, position)
        return { stream: parts[index]?.stream ?? '', version, position, isRepeat: outcome === 'repeat' }
      })
    })
    if (head > 0 && on === this.database) this.announce(head)
    return outcomes
  }
}

/**
 * The event store on the kernel's `Database` port, PGlite and PostgreSQL alike. Appends of all callers of a process share calls
 * (`append-queue.ts`) of one function (`sql-tables.ts`); an append whose outcome was lost with the connection is sent again, since the
 * database recognises what it has.
 */
import { type Clock, type Database, isError, migrate, type Queryable, systemClock } from '@keelson/kernel'
import type { Metrics } from '@keelson/telemetry'
import { eventsErrors } from '../errors.ts'
import { AppendQueue, type Outcome } from './append-queue.ts'
import type { EventMetadata, NewEvent, RecordedEvent } from './event.ts'
import { createEventIds } from './event-ids.ts'
import type {
  AppendAllOptions,
  Appended,
  AppendOptions,
  EventPlace,
  EventStore,
  ExpectedVersion,
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
import {
  lostState,
  type PreparedAppend,
  type PreparedPart,
  prepareAppend,
  requireStreamName,
} from './prepare-append.ts'
import { Seals } from './seals.ts'
import { eventTables } from './sql-tables.ts'
import { type MeasureAppend, measureAppends } from './store-metrics.ts'
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

const appendSql = `select * from keelson_append($1, $2::text[], $3::int[], $4::int[], $5::bigint[], $6::int[],
  $7::int[], $8::uuid[], $9::text[], $10::smallint[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16)`

const appendAloneSql = `select * from keelson_append_alone($1, $2, $3, $4::uuid[], $5::text[], $6::smallint[], $7::text[], $8::text[], $9::text[])`

const columns =
  'e.id, e.stream, e.version, e.position, e.type, e.schema_version, e.data, e.metadata, e.tags, e.recorded_at'
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
    this.#personal = options.personalData && new PersonalData(options.database, options.personalData)
    this.#measure = options.metrics && measureAppends(options.metrics, log, this.#clock)
    this.#seals = new Seals(options.database, id)
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
    return this.#queue.add(
      this.#personal ? await this.#protect(this.#personal, appends, options) : this.#prepare(appends, options),
    )
  }

  async appendWithin(
    transaction: Queryable,
    appends: readonly StreamAppend[],
    options: AppendAllOptions = {},
  ): Promise<readonly Appended[]> {
    const [outcome] = await this.#callAppend(transaction, [
      this.#personal ? await this.#protect(this.#personal, appends, options) : this.#prepare(appends, options),
    ])
    if (outcome === undefined || outcome instanceof Error) throw outcome
    return outcome
  }

  async readStream(stream: string, options: ReadStreamOptions = {}): Promise<StreamSlice> {
    requireStreamName(stream)
    const isBackwards = options.direction === 'backwards'
    const { rows } = await this.database.query<StreamRow>(
      `select s.version as stream_version, s.state as stream_state, e.* from keelson_event_streams s
        left join lateral (select ${columns} from keelson_events e
          where e.log = s.log and e.stream = s.name and e.version ${isBackwards ? '<=' : '>='} $3 and e.state <> 'erased'
          order by e.version ${isBackwards ? 'desc' : 'asc'} limit $4) e on true
        where s.log = $1 and s.name = $2`,
      [this.#id, stream, options.from ?? (isBackwards ? Number.MAX_SAFE_INTEGER : 1), options.limit ?? null],
    )
    const first = rows[0]
    if (!first) return { stream, version: 0, state: 'none', events: [] }
    return { stream, version: first.stream_version, state: first.stream_state, events: await this.#read(rows) }
  }

  async findEvent(id: string): Promise<EventPlace | undefined> {
    // By its id alone, fenced: with the log, a plan made early may go through all of it.
    const { rows } = await this.database.query<EventRow & { state: string }>(
      `select ${columns}, e.state from (select * from keelson_events where id = $1 offset 0) e where e.log = $2`,
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
        from keelson_event_logs l left join lateral (select ${columns} from keelson_events e
          where e.log = $1 and e.position > $2 and e.position <= $3 and e.state in ('live', $5)
            ${types ? 'and e.type = any ($4::text[])' : 'and $4::text[] is null'} ${tags ? 'and e.tags @> $7::text[]' : 'and $7::text[] is null'}
          order by e.position) e on true
        where l.id = $1`,
      [this.#id, position, position + limit, types ?? null, includeArchived ? 'archived' : 'live', epoch, tags ?? null],
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
      events: await this.#read(rows),
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
    await this.#change(stream, 'archive', async (transaction, state) => {
      if (state !== 'open') return 0
      await transaction.query(
        `update keelson_events set state = 'archived' where log = $1 and stream = $2 and state = 'live'`,
        [this.#id, stream],
      )
      await this.#setState(transaction, stream, 'archived')
      return 0
    })
  }

  truncate(stream: string, version: number): Promise<number> {
    return this.#change(stream, 'truncate', async (transaction) => {
      const { rows } = await transaction.query<{ name: string; version: number }>(
        'select name, version from keelson_event_snapshots where log = $1 and stream = $2 and version < $3::bigint - 1',
        [this.#id, stream, version],
      )
      if (rows[0]) throw lostState(stream, rows[0])
      return this.#erase(transaction, stream, version)
    })
  }

  tombstone(stream: string): Promise<number> {
    return this.#change(stream, 'tombstone', async (transaction) => {
      await this.#setState(transaction, stream, 'tombstoned')
      return this.#erase(transaction, stream, Number.MAX_SAFE_INTEGER)
    })
  }

  async readSnapshot(stream: string, shape: SnapshotShape): Promise<Snapshot | undefined> {
    const key = [this.#id, stream, shape.name]
    const { rows } = await this.database.query<Snapshot & { shape: number }>(
      'select version, shape, state from keelson_event_snapshots where log = $1 and stream = $2 and name = $3',
      key,
    )
    const found = rows[0]
    if (!found) return undefined
    if (found.shape === shape.version) return { version: found.version, state: found.state }
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
      `insert into keelson_event_snapshots as s (log, stream, name, shape, version, state) values ($1, $2, $3, $4, $5, $6::json)
        on conflict (log, stream, name) do update set shape = excluded.shape, version = excluded.version, state = excluded.state
        where (s.shape, s.version) < (excluded.shape, excluded.version)`,
      [this.#id, stream, shape.name, shape.version, snapshot.version, JSON.stringify(snapshot.state)],
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
    return this.#personal?.shred(subject) ?? false
  }

  verify(options: VerifyOptions = {}): AsyncGenerator<Verification> {
    return verifyLog(this.database, this.#id, this.#seals, options)
  }

  async close(): Promise<void> {
    await this.#queue.close()
    await this.#seals.close()
    await this.#watch.close()
  }

  #prepare(appends: readonly StreamAppend[], options: AppendAllOptions): PreparedAppend {
    return prepareAppend(appends, options, { clock: this.#clock, makeId: this.#makeId, eventBytes: this.#eventBytes })
  }

  async #protect(
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
    return this.#prepare(await personal.protect(identified), options)
  }

  async #read(rows: readonly EventRow[]): Promise<readonly RecordedEvent[]> {
    const events = eventsIn(rows)
    return this.#personal ? this.#personal.reveal(events) : events
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

  async #change(
    stream: string,
    attempt: string,
    work: (transaction: Queryable, state: string) => Promise<number>,
  ): Promise<number> {
    requireStreamName(stream)
    return this.database.transaction(async (transaction) => {
      await this.lockWithin(transaction)
      const { rows } = await transaction.query<{ state: string }>(
        'select state from keelson_event_streams where log = $1 and name = $2',
        [this.#id, stream],
      )
      const state = rows[0]?.state
      if (state === undefined) throw eventsErrors.EVENTS_STREAM_NOT_FOUND({ stream, attempt })
      await transaction.query(`select set_config('keelson.erase', 'on', true)`)
      return work(transaction, state)
    })
  }

  async #erase(transaction: Queryable, stream: string, version: number): Promise<number> {
    // A snapshot stands for the events before it, and takes their place.
    await transaction.query(
      'delete from keelson_event_snapshots where log = $1 and stream = $2 and version < $3::bigint - 1',
      [this.#id, stream, version],
    )
    const { affected } = await transaction.query(
      `update keelson_events set state = 'erased', digest = keelson_event_digest(data, metadata, tags), data = null,
          metadata = null, tags = null
        where log = $1 and stream = $2 and version < $3 and state <> 'erased'`,
      [this.#id, stream, version],
    )
    return affected
  }

  async #setState(transaction: Queryable, stream: string, state: string): Promise<void> {
    await transaction.query('update keelson_event_streams set state = $3 where log = $1 and name = $2', [
      this.#id,
      stream,
      state,
    ])
  }
}

interface EventRow {
  readonly id: string | null
  readonly stream: string
  readonly version: number
  readonly position: number
  readonly type: string
  readonly schema_version: number
  readonly data: unknown
  readonly metadata: EventMetadata
  readonly tags: readonly string[] | null
  readonly recorded_at: Date
}

interface StreamRow extends EventRow {
  readonly stream_version: number
  readonly stream_state: 'open' | 'archived' | 'tombstoned'
}

interface FeedRow extends EventRow {
  readonly head: number
  readonly epoch: number
  readonly last_good: number | null
}

interface OutcomeRow {
  readonly outcome: string | null
  readonly version: number
  readonly position: number
}

const noTags: readonly string[] = []

/** The left join gives one row of nothing where there is no event. */
function eventsIn(rows: readonly EventRow[]): RecordedEvent[] {
  const events: RecordedEvent[] = []
  for (const row of rows) {
    if (row.id === null) continue
    const { id, stream, version, position, type, schema_version: schemaVersion, data, metadata } = row
    const { tags, recorded_at: recordedAt } = row
    events.push({
      id,
      stream,
      version,
      position,
      type,
      schemaVersion,
      data,
      metadata,
      tags: tags ?? noTags,
      recordedAt,
    })
  }
  return events
}

function refusalOf(
  { stream, expected }: PreparedPart,
  { outcome, version, position }: OutcomeRow,
  after: number,
): Error {
  if (outcome === 'conflict') return eventsErrors.EVENTS_VERSION_CONFLICT({ stream, expected, found: version })
  if (outcome === 'taken') return eventsErrors.EVENTS_ID_TAKEN({ stream })
  if (outcome === 'condition') return eventsErrors.EVENTS_CONDITION_FAILED({ after, position })
  return eventsErrors.EVENTS_STREAM_CLOSED({ stream, state: String(outcome) })
}

const versionCodes = { any: -1, exists: -2, none: 0 } as const

function versionOf(expected: ExpectedVersion): number {
  return typeof expected === 'number' ? expected : versionCodes[expected]
}

/** The arrays of `keelson_append`. */
function parametersOf(log: number, appends: readonly PreparedAppend[]): readonly unknown[] {
  const streams = new Map<string, number>()
  const part = { append: [] as number[], stream: [] as number[], expected: [] as number[], size: [] as number[] }
  for (const [at, { parts }] of appends.entries()) {
    for (const { stream, expected, events } of parts) {
      const known = streams.get(stream) ?? streams.size + 1
      streams.set(stream, known)
      part.append.push(at)
      part.stream.push(known)
      part.expected.push(versionOf(expected))
      part.size.push(events.length)
    }
  }
  const event = eventArrays(appends.flatMap(({ parts }) => parts))
  const condition = appends[0]?.condition
  return [
    ...[log, [...streams.keys()], part.append, part.stream, part.expected, part.size],
    ...[event.part, event.id, event.type, event.schema, event.data, event.metadata, event.tags],
    ...[condition?.tags ?? null, condition?.types ?? null, condition?.after ?? null],
  ]
}

/** One array per column, in the order of the parts. */
function eventArrays(parts: readonly PreparedPart[]) {
  const arrays = {
    part: [] as number[],
    id: [] as string[],
    type: [] as string[],
    schema: [] as number[],
    data: [] as string[],
    metadata: [] as string[],
    tags: [] as (string | null)[],
  }
  for (const [at, { events }] of parts.entries()) {
    for (const { id, type, schemaVersion, data, metadata, tags } of events) {
      arrays.part.push(at + 1)
      arrays.id.push(id)
      arrays.type.push(type)
      arrays.schema.push(schemaVersion)
      arrays.data.push(data)
      arrays.metadata.push(metadata)
      arrays.tags.push(tags.length === 0 ? null : arrayLiteral(tags))
    }
  }
  return arrays
}

function arrayLiteral(texts: readonly string[]): string {
  return `{${texts.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`).join(',')}}`
}

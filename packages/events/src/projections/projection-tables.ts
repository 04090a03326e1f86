/**
 * Where projections stand. A projection has generations: one is live, one may be building beside it. Each generation has partitions, each with a
 * checkpoint, an owner with a lease, and a fence that every new owner raises: a checkpoint moves only for who holds the fence, in the
 * transaction of the changes, so that one who was taken for dead changes nothing any more.
 */
import { type Database, isError, type Migration, type Queryable, type Statement } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import { storable } from '../storable-text.ts'
import type { FeedPosition } from '../store/event-store.ts'
import type { Projection } from './projection.ts'

/** live: read by queries. building: on its way. switching: live, at rest while the building one draws level. retired: replaced. */
export type GenerationState = 'live' | 'building' | 'switching' | 'retired'

export interface Generation {
  readonly name: string
  readonly generation: number
  readonly version: number
  readonly state: GenerationState
  readonly partitions: number
  /** Why it could not take the place of the live one when that was tried last. */
  readonly problem: string | null
}

/** What an owner holds of one partition. */
export interface Claim extends FeedPosition {
  readonly fence: number
  /** Effects of events up to it have been left to the generation before. */
  readonly quietUntil: number
}

export const projectionTables: readonly Migration[] = [
  {
    version: 1,
    name: 'generations, partitions and parked events of projections',
    statements: [
      `create table keelson_projections (
        log text collate "C" not null, name text collate "C" not null, generation int not null, version int not null,
        state text not null, partitions int not null, created_at timestamptz not null default now(),
        primary key (log, name, generation))`,
      `create table keelson_projection_partitions (
        log text collate "C" not null, name text collate "C" not null, generation int not null, partition int not null,
        position bigint not null default 0, epoch int not null default 0, quiet_until bigint not null default 0,
        owner text, lease_until timestamptz, fence bigint not null default 0, updated_at timestamptz not null default now(),
        primary key (log, name, generation, partition)) with (fillfactor = 50)`,
      `create table keelson_parked_events (
        log text collate "C" not null, name text collate "C" not null, generation int not null, partition int not null,
        position bigint not null, key text collate "C" not null, reason text not null, attempts int not null,
        is_retry_due boolean not null default false, parked_at timestamptz not null default now(),
        primary key (log, name, generation, position))`,
      // Moves a checkpoint on, or undoes the whole transaction.
      `create function keelson_checkpoint(in_log text, in_name text, in_generation int, in_partition int, in_fence bigint,
        in_position bigint, in_epoch int, in_lease_ms int) returns void language plpgsql as $$
      begin
        update keelson_projection_partitions p
          set position = in_position, epoch = in_epoch, updated_at = now(), lease_until = clock_timestamp() + in_lease_ms * interval '1 ms'
          where p.log = in_log and p.name = in_name and p.generation = in_generation and p.partition = in_partition and p.fence = in_fence;
        if not found then raise exception 'another owner has this partition' using errcode = 'KE010'; end if;
      end $$`,
    ],
  },
  {
    version: 2,
    name: 'an owner that is paused in a transaction is cut off after its lease; parked events are tried again by themselves',
    statements: [
      `create or replace function keelson_checkpoint(in_log text, in_name text, in_generation int, in_partition int, in_fence bigint,
        in_position bigint, in_epoch int, in_lease_ms int) returns void language plpgsql as $$
      begin
        perform set_config('idle_in_transaction_session_timeout', in_lease_ms::text, true);
        update keelson_projection_partitions p
          set position = in_position, epoch = in_epoch, updated_at = now(), lease_until = clock_timestamp() + in_lease_ms * interval '1 ms'
          where p.log = in_log and p.name = in_name and p.generation = in_generation and p.partition = in_partition and p.fence = in_fence;
        if not found then raise exception 'another owner has this partition' using errcode = 'KE010'; end if;
      end $$`,
      'alter table keelson_projections add column tables text[], add column problem text',
      'alter table keelson_parked_events add column retry_at timestamptz',
    ],
  },
]

/** PostgreSQL's code for a checkpoint that another owner holds. */
export const fencedState = 'KE010'

/** The tables of one log, for one process. */
export class ProjectionTables {
  readonly #database: Database
  readonly #log: string
  readonly #owner: string
  readonly #leaseMs: number

  constructor(database: Database, log: string, owner: string, leaseMs: number) {
    this.#database = database
    this.#log = log
    this.#owner = owner
    this.#leaseMs = leaseMs
  }

  async generations(name?: string): Promise<readonly Generation[]> {
    const { rows } = await this.#database.query<Generation>(
      `select name, generation, version, state, partitions, problem from keelson_projections
        where log = $1 and ($2::text is null or name = $2) and state <> 'retired' order by name, generation`,
      [this.#log, name ?? null],
    )
    return rows
  }

  /** Takes a partition that nobody holds; undefined when somebody does. */
  async claim({ name, generation }: Generation, partition: number): Promise<Claim | undefined> {
    const { rows } = await this.#database.query<Claim>(
      `update keelson_projection_partitions p
        set owner = $5, lease_until = clock_timestamp() + $6::int * interval '1 ms', fence = fence + 1
        where p.log = $1 and p.name = $2 and p.generation = $3 and p.partition = $4
          and (p.owner is null or p.owner = $5 or p.lease_until < clock_timestamp())
        returning position::bigint, epoch, fence, quiet_until as "quietUntil"`,
      [this.#log, name, generation, partition, this.#owner, this.#leaseMs],
    )
    return rows[0]
  }

  /** Lets another process have it at once. */
  async release({ name, generation }: Generation, partition: number, fence: number): Promise<void> {
    await this.#database.query(
      `update keelson_projection_partitions set owner = null, lease_until = null
        where log = $1 and name = $2 and generation = $3 and partition = $4 and fence = $5`,
      [this.#log, name, generation, partition, fence],
    )
  }

  checkpoint({ name, generation }: Generation, partition: number, fence: number, to: FeedPosition): Statement {
    return {
      sql: 'select keelson_checkpoint($1, $2, $3, $4, $5, $6, $7, $8)',
      parameters: [this.#log, name, generation, partition, fence, to.position, to.epoch, this.#leaseMs],
    }
  }

  park({ name, generation }: Generation, partition: number, parked: ParkedEvent): Statement {
    const { position, key, reason, attempts } = parked
    return {
      sql: `insert into keelson_parked_events (log, name, generation, partition, position, key, reason, attempts, retry_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, ${retryAt('$8::int')})
        on conflict (log, name, generation, position) do update
          set reason = excluded.reason, attempts = keelson_parked_events.attempts + excluded.attempts, is_retry_due = false,
            retry_at = ${retryAt('keelson_parked_events.attempts + excluded.attempts')}`,
      parameters: [this.#log, name, generation, partition, position, storable(key), storable(reason), attempts],
    }
  }

  unpark({ name, generation }: Generation, position: number): Statement {
    return {
      sql: 'delete from keelson_parked_events where log = $1 and name = $2 and generation = $3 and position = $4',
      parameters: [this.#log, name, generation, position],
    }
  }

  async parked({ name, generation }: Generation, partition?: number): Promise<readonly ParkedRow[]> {
    const { rows } = await this.#database.query<ParkedRow>(
      `select partition, position, key, reason, attempts, parked_at as "parkedAt",
          is_retry_due or coalesce(retry_at < clock_timestamp(), true) as "isRetryDue" from keelson_parked_events
        where log = $1 and name = $2 and generation = $3 and ($4::int is null or partition = $4) order by position`,
      [this.#log, name, generation, partition ?? null],
    )
    return rows
  }

  /** Asks the owners of the partitions to try what is parked again. Returns how many. */
  async requestRetry(name: string): Promise<number> {
    const { affected } = await this.#database.query(
      'update keelson_parked_events set is_retry_due = true where log = $1 and name = $2',
      [this.#log, name],
    )
    return affected
  }

  /** Those of `positions` that are still there have been tried, or wait behind one that was. */
  async endRetry({ name, generation }: Generation, positions: readonly number[]): Promise<void> {
    await this.#database.query(
      `update keelson_parked_events set is_retry_due = false, retry_at = ${retryAt('attempts')}
        where log = $1 and name = $2 and generation = $3 and position = any ($4::bigint[])`,
      [this.#log, name, generation, positions],
    )
  }

  async partitions({ name, generation }: Generation): Promise<readonly PartitionRow[]> {
    const { rows } = await this.#database.query<PartitionRow>(
      `select partition, position, epoch, owner, updated_at as "updatedAt" from keelson_projection_partitions
        where log = $1 and name = $2 and generation = $3 order by partition`,
      [this.#log, name, generation],
    )
    return rows
  }

  /**
   * Makes sure there is a generation of this version: `first` when there is none at all, else building. With `isForced` one is built though
   * there is one. Returns false when the live one is of a later version: newer code runs beside this.
   */
  async ensureGeneration(
    projection: Projection,
    isForced: boolean,
    first: 'live' | 'building' = 'live',
  ): Promise<boolean> {
    return this.#database.transaction(async (transaction) => {
      await transaction.query('select pg_advisory_xact_lock(hashtext($1))', [
        `keelson_projections ${this.#log} ${projection.name}`,
      ])
      const { rows } = await transaction.query<Generation>(
        'select name, generation, version, state, partitions, problem from keelson_projections where log = $1 and name = $2 order by generation',
        [this.#log, projection.name],
      )
      await this.#requireOwnTables(transaction, projection)
      const live = rows.find(({ state }) => state === 'live' || state === 'switching')
      const building = rows.find(({ state }) => state === 'building')
      if (live && live.version > projection.version) return false
      if (building && building.version > projection.version) return live?.version === projection.version
      const isThere = live?.version === projection.version && live.partitions === projection.partitions && !isForced
      const isOnItsWay = building?.version === projection.version && building.partitions === projection.partitions
      if (isThere || isOnItsWay) return true
      if (building) await this.#retire(transaction, projection, building)
      const generation = (rows.at(-1)?.generation ?? 0) + 1
      await this.#create(transaction, projection, generation, live ? 'building' : first)
      return true
    })
  }

  /** Brings the live generation to rest, so that the building one can draw level: its owners lose their fence and nobody gets it. */
  async pauseLive(live: Generation): Promise<void> {
    await this.#database.batch([
      {
        sql: `update keelson_projections set state = 'switching' where log = $1 and name = $2 and generation = $3 and state = 'live'`,
        parameters: [this.#log, live.name, live.generation],
      },
      {
        sql: `update keelson_projection_partitions set owner = '', lease_until = 'infinity', fence = fence + 1
          where log = $1 and name = $2 and generation = $3 and owner is distinct from ''`,
        parameters: [this.#log, live.name, live.generation],
      },
    ])
  }

  /** The live generation goes on after a switch that could not be made. */
  async resumeLive(live: Generation, building: Generation, problem: string): Promise<void> {
    await this.#database.batch([
      {
        sql: `update keelson_projections set state = 'live' where log = $1 and name = $2 and generation = $3 and state = 'switching'`,
        parameters: [this.#log, live.name, live.generation],
      },
      {
        sql: `update keelson_projection_partitions set owner = null, lease_until = null
          where log = $1 and name = $2 and generation = $3 and owner = ''`,
        parameters: [this.#log, live.name, live.generation],
      },
      {
        sql: 'update keelson_projections set problem = $4 where log = $1 and name = $2 and generation = $3',
        parameters: [this.#log, building.name, building.generation, storable(problem)],
      },
    ])
  }

  /** Puts `building` in the place of `live`: queries read its tables from the next statement on. */
  async switchOver(projection: Projection, live: Generation, building: Generation): Promise<void> {
    await this.#database.transaction((transaction) => this.switchWithin(transaction, projection, live, building))
  }

  async switchWithin(
    transaction: Queryable,
    projection: Projection,
    live: Generation | undefined,
    building: Generation,
  ): Promise<void> {
    const { affected } = await transaction.query(
      `update keelson_projections set state = 'live', problem = null where log = $1 and name = $2 and generation = $3 and state = 'building'`,
      [this.#log, building.name, building.generation],
    )
    // Another process was faster.
    if (affected === 0) return
    await this.#show(transaction, projection, building.generation)
    if (!live) return
    for (const table of await this.#tablesOf(transaction, live, projection))
      if (!(table in projection.tables)) await transaction.query(`drop view if exists ${table}`)
    await transaction.query(
      `update keelson_projection_partitions b set quiet_until = coalesce(
          (select max(l.position) from keelson_projection_partitions l
            where l.log = b.log and l.name = b.name and l.generation = $4 and (l.partition = b.partition or $5::int <> $6::int)), 0)
        where b.log = $1 and b.name = $2 and b.generation = $3`,
      [this.#log, building.name, building.generation, live.generation, live.partitions, building.partitions],
    )
    await this.#retire(transaction, projection, live)
  }

  /** Ends all generations. */
  async retireWithin(transaction: Queryable, projection: Projection): Promise<void> {
    const { rows } = await transaction.query<Generation>(
      `select name, generation, version, state, partitions, problem from keelson_projections
        where log = $1 and name = $2 and state <> 'retired'`,
      [this.#log, projection.name],
    )
    for (const table of Object.keys(projection.tables)) await transaction.query(`drop view if exists ${table}`)
    for (const generation of rows) await this.#retire(transaction, projection, generation)
  }

  async #create(
    transaction: Queryable,
    projection: Projection,
    generation: number,
    state: GenerationState,
  ): Promise<void> {
    const { name, version, partitions, tables } = projection
    for (const [table, statements] of Object.entries(tables)) {
      const physical = tableOf(table, generation)
      for (const sql of statements(physical)) await transaction.query(sql)
    }
    if (state === 'live') await this.#show(transaction, projection, generation)
    await transaction.query(
      `insert into keelson_projections (log, name, generation, version, state, partitions, tables)
        values ($1, $2, $3, $4, $5, $6, $7::text[])`,
      [this.#log, name, generation, version, state, partitions, Object.keys(tables)],
    )
    await transaction.query(
      `insert into keelson_projection_partitions (log, name, generation, partition)
        select $1, $2, $3, n from generate_series(0, $4::int - 1) n`,
      [this.#log, name, generation, partitions],
    )
  }

  /** Views of others that read these stay, where the columns do. */
  async #show(transaction: Queryable, { tables }: Projection, generation: number): Promise<void> {
    for (const table of Object.keys(tables)) {
      const view = `view ${table} as select * from ${tableOf(table, generation)}`
      await transaction.query('savepoint keelson_show')
      try {
        await transaction.query(`create or replace ${view}`)
      } catch (error) {
        if (!isError(error, 'DATABASE_QUERY_FAILED')) throw error
        await transaction.query('rollback to savepoint keelson_show')
        await transaction.query(`drop view if exists ${table}`)
        await transaction.query(`create ${view}`)
      }
    }
  }

  /** Those of before their names were noted are those of today's definition. */
  async #tablesOf(
    transaction: Queryable,
    { name, generation }: Generation,
    { tables }: Projection,
  ): Promise<readonly string[]> {
    const { rows } = await transaction.query<{ tables: readonly string[] | null }>(
      'select tables from keelson_projections where log = $1 and name = $2 and generation = $3',
      [this.#log, name, generation],
    )
    return rows[0]?.tables ?? Object.keys(tables)
  }

  /** Names of tables are of the database: two logs, or two projections, cannot both have one. */
  async #requireOwnTables(transaction: Queryable, { name, tables }: Projection): Promise<void> {
    const { rows } = await transaction.query<{ log: string; name: string }>(
      `select log, name from keelson_projections where state <> 'retired' and (log, name) <> ($1, $2)
        and (tables && $3::text[] or (tables is null and name = $2)) limit 1`,
      [this.#log, name, Object.keys(tables)],
    )
    const [other] = rows
    if (!other) return
    const reason = `its tables are those of the projection "${other.name}" of log "${other.log}": give them names of their own`
    throw eventsErrors.EVENTS_PROJECTION_INVALID({ projection: name, reason })
  }

  async #retire(transaction: Queryable, projection: Projection, retired: Generation): Promise<void> {
    const { name, generation } = retired
    const tables = await this.#tablesOf(transaction, retired, projection)
    await transaction.query(
      `update keelson_projections set state = 'retired' where log = $1 and name = $2 and generation = $3`,
      [this.#log, name, generation],
    )
    await transaction.query(
      'delete from keelson_projection_partitions where log = $1 and name = $2 and generation = $3',
      [this.#log, name, generation],
    )
    await transaction.query('delete from keelson_parked_events where log = $1 and name = $2 and generation = $3', [
      this.#log,
      name,
      generation,
    ])
    for (const table of tables) await transaction.query(`drop table if exists ${tableOf(table, generation)}`)
  }
}

export interface ParkedEvent {
  readonly position: number
  readonly key: string
  readonly reason: string
  readonly attempts: number
}

export interface ParkedRow extends ParkedEvent {
  readonly partition: number
  readonly isRetryDue: boolean
  readonly parkedAt: Date
}

interface PartitionRow extends FeedPosition {
  readonly partition: number
  readonly owner: string | null
  readonly updatedAt: Date
}

/** A parked event is tried again by itself after pauses that grow from seconds to an hour. */
function retryAt(attempts: string): string {
  return `clock_timestamp() + least(3600, 5 * 2 ^ least(${attempts}, 12)) * interval '1 second'`
}

/** The table of one generation that queries see under `table`. */
export function tableOf(table: string, generation: number): string {
  return `${table}_g${generation}`
}

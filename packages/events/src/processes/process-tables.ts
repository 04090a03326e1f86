/**
 * Which instances there are, and when each has something to do. The journal is the truth; a row says whom to look at and when. What comes from outside, a
 * signal, a cancellation, the end of a child, is written to the journal and counted in the row in one transaction, so that a worker that
 * goes to rest with an old count is told to look again.
 */
import { type Database, isError, type Migration, type Queryable } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import { hashedEventId } from '../store/event-ids.ts'
import type { Appended } from '../store/event-store.ts'
import type { SqlEventStore } from '../store/sql-event-store.ts'
import { endOf, type JournalEvent, type Outcome, type ParentStep, streamOf } from './process-journal.ts'

/** running: has something to do. waiting: for a time or something from outside. parked: its journal does not fit its code. */
export type ProcessStatus = 'running' | 'waiting' | 'completed' | 'failed' | 'cancelled' | 'parked'

export interface ProcessInstance {
  readonly process: string
  readonly id: string
  readonly version: number
  readonly status: ProcessStatus
  /** What it waits for, by name; for an instance that rests. */
  readonly waitingFor: readonly string[]
  /** When it goes on by itself. */
  readonly wakeAt: Date | null
  /** Why it failed, was cancelled or is parked. */
  readonly reason: string | null
  readonly startedAt: Date
  readonly updatedAt: Date
}

export interface Instance {
  readonly process: string
  readonly id: string
}

/** An instance that this process may run now. */
export interface ClaimedInstance extends Instance {
  readonly version: number
}

/** Of which this program has the code. */
export type KnownProcess = Pick<ClaimedInstance, 'process' | 'version'>

export const processTables: readonly Migration[] = [
  {
    version: 1,
    name: 'instances, what starts them, and scheduled events',
    statements: [
      `create table keelson_processes (
        log text collate "C" not null, process text collate "C" not null, id text collate "C" not null, version int not null,
        status text not null, wake_at bigint, changes bigint not null default 0, owner text, lease_until timestamptz,
        waiting_for text[] not null default '{}', reason text, parent_process text, parent_id text, parent_key text,
        started_at timestamptz not null default now(), updated_at timestamptz not null default now(),
        primary key (log, process, id)) with (fillfactor = 70)`,
      'create index keelson_processes_due on keelson_processes (log, wake_at) where wake_at is not null',
      `create table keelson_process_starts (
        log text collate "C" not null, process text collate "C" not null, position bigint not null default 0, epoch int not null default 0,
        primary key (log, process))`,
      `create table keelson_scheduled_events (
        log text collate "C" not null, id uuid not null, due_at bigint not null, stream text not null, type text not null,
        schema_version int not null, data json not null, metadata json not null, tags text[] not null, primary key (log, id))`,
      'create index keelson_scheduled_events_due on keelson_scheduled_events (log, due_at)',
    ],
  },
]

/** Of instances `d`: those that nobody holds, of processes whose code this program has, and that it does not run already. */
const mayBeTaken = `d.log = $1 and (d.owner is null or d.lease_until < clock_timestamp())
  and (d.process, d.version) in (select * from unnest($2::text[], $3::int[]))
  and (d.process, d.id) not in (select * from unnest($4::text[], $5::text[]))`

export class ProcessTables {
  readonly store: SqlEventStore
  readonly #database: Database
  readonly #owner: string
  readonly #leaseMs: number

  constructor(store: SqlEventStore, owner: string, leaseMs: number) {
    this.store = store
    this.#database = store.database
    this.#owner = owner
    this.#leaseMs = leaseMs
  }

  /** Begins an instance within `transaction`; false when there is one of this id. */
  async beginWithin(
    transaction: Queryable,
    instance: ClaimedInstance,
    input: unknown,
    now: number,
    parent: ParentStep | null,
  ): Promise<boolean> {
    const { process, id, version } = instance
    const { affected } = await transaction.query(
      `insert into keelson_processes (log, process, id, version, status, wake_at, parent_process, parent_id, parent_key)
        values ($1, $2, $3, $4, 'running', $5, $6, $7, $8) on conflict do nothing`,
      [this.store.log, process, id, version, now, parent?.process ?? null, parent?.id ?? null, parent?.key ?? null],
    )
    if (affected === 0) return false
    await this.appendWithin(transaction, process, id, 'start', {
      type: 'ProcessStarted',
      data: { version, input, parent },
    })
    return true
  }

  /**
   * Takes up to `count` instances that are due, of processes that this program has the code of. One that `runs` here already is another
   * program's to take, when this one has been away for too long.
   */
  async claim(
    known: readonly KnownProcess[],
    runs: readonly Instance[],
    now: number,
    count: number,
  ): Promise<readonly (ClaimedInstance & { readonly dueAt: number })[]> {
    const { rows } = await this.#database.query<ClaimedInstance & { readonly dueAt: number }>(
      `update keelson_processes p set owner = $6, lease_until = clock_timestamp() + $7::int * interval '1 ms', status = 'running'
        from (select log, process, id from keelson_processes d
          where ${mayBeTaken} and d.wake_at <= $8 order by d.wake_at limit $9 for update skip locked) due
        where p.log = due.log and p.process = due.process and p.id = due.id
        returning p.process, p.id, p.version, p.wake_at as "dueAt"`,
      [...this.#takeable(known, runs), this.#owner, this.#leaseMs, now, count],
    )
    return rows
  }

  /** The parameters of `mayBeTaken`. */
  #takeable(known: readonly KnownProcess[], runs: readonly Instance[]): readonly unknown[] {
    return [
      this.store.log,
      ...[known.map(({ process }) => process), known.map(({ version }) => version)],
      ...[runs.map(({ process }) => process), runs.map(({ id }) => id)],
    ]
  }

  /** Keeps what `runs` here; gives how many changes from outside each has had, by `<process> <id>`. */
  async renew(runs: readonly Instance[]): Promise<ReadonlyMap<string, number>> {
    const { rows } = await this.#database.query<{ process: string; id: string; changes: number }>(
      `update keelson_processes set lease_until = clock_timestamp() + $3::int * interval '1 ms'
        where log = $1 and owner = $2 and (process, id) in (select * from unnest($4::text[], $5::text[]))
        returning process, id, changes`,
      [
        ...[this.store.log, this.#owner, this.#leaseMs],
        ...[runs.map(({ process }) => process), runs.map(({ id }) => id)],
      ],
    )
    return new Map(rows.map(({ process, id, changes }) => [`${process} ${id}`, changes]))
  }

  /** Lays an instance to rest; false when something has come from outside that the run has not seen. */
  async rest(
    { process, id }: ClaimedInstance,
    seen: number,
    wakeAt: number | null,
    waitingFor: readonly string[],
  ): Promise<boolean> {
    const { affected } = await this.#database.query(
      `update keelson_processes set owner = null, lease_until = null, status = 'waiting', wake_at = $6, waiting_for = $7, updated_at = now()
        where log = $1 and process = $2 and id = $3 and owner = $4 and changes = $5`,
      [this.store.log, process, id, this.#owner, seen, wakeAt, waitingFor],
    )
    return affected > 0
  }

  /** Gives it back as it is: another worker may go on at once. */
  async release({ process, id }: ClaimedInstance): Promise<void> {
    await this.#database.query(
      `update keelson_processes set owner = null, lease_until = null where log = $1 and process = $2 and id = $3 and owner = $4`,
      [this.store.log, process, id, this.#owner],
    )
  }

  async park({ process, id }: ClaimedInstance, reason: string): Promise<void> {
    await this.#database.query(
      `update keelson_processes set owner = null, lease_until = null, status = 'parked', wake_at = null, reason = $5, updated_at = now()
        where log = $1 and process = $2 and id = $3 and owner = $4`,
      [this.store.log, process, id, this.#owner, reason],
    )
  }

  /** Lets a parked instance go on. */
  async unpark(process: string, id: string, now: number): Promise<boolean> {
    const { affected } = await this.#database.query(
      `update keelson_processes set status = 'running', wake_at = $4, reason = null where log = $1 and process = $2 and id = $3 and status = 'parked'`,
      [this.store.log, process, id, now],
    )
    return affected > 0
  }

  /** Notes the end of an instance, and tells the one that waits for it. Gives the position of what was written; 0 when it had ended before. */
  async end({ process, id }: ClaimedInstance, outcome: Outcome, now: number): Promise<number> {
    const reason =
      outcome.status === 'completed' ? null : outcome.status === 'failed' ? outcome.error.message : outcome.reason
    return this.#database.transaction(async (transaction) => {
      const { rows } = await transaction.query<{
        parent_process: string | null
        parent_id: string
        parent_key: string
      }>(
        `update keelson_processes set owner = null, lease_until = null, status = $4, wake_at = null, reason = $5, waiting_for = '{}', updated_at = now()
          where log = $1 and process = $2 and id = $3 and status not in ('completed', 'failed', 'cancelled')
          returning parent_process, parent_id, parent_key`,
        [this.store.log, process, id, outcome.status, reason],
      )
      const row = rows[0]
      if (!row) return 0
      const own = { stream: streamOf(process, id), events: [this.#identified(process, id, 'end', endOf(outcome))] }
      if (row.parent_process === null) return last(await this.store.appendWithin(transaction, [own]))
      await this.#changed(transaction, row.parent_process, row.parent_id, now)
      const ended: JournalEvent = { type: 'ProcessChildEnded', data: { key: row.parent_key, outcome } }
      const told = {
        stream: streamOf(row.parent_process, row.parent_id),
        events: [this.#identified(row.parent_process, row.parent_id, `${row.parent_key} ended`, ended)],
      }
      return last(await this.store.appendWithin(transaction, [own, told]))
    })
  }

  /** Writes something from outside into the journal of an instance. Throws PROCESS_NOT_FOUND or PROCESS_ENDED. */
  async change(process: string, id: string, key: string, event: JournalEvent, now: number): Promise<void> {
    await this.#database
      .transaction(async (transaction) => {
        if (await this.#changed(transaction, process, id, now)) {
          const appended = await this.appendWithin(transaction, process, id, key, event)
          // Counted twice and written once would keep it from ever resting.
          if (appended) return
          throw new AlreadyWritten()
        }
        const { rows } = await transaction.query<{ status: string }>(
          'select status from keelson_processes where log = $1 and process = $2 and id = $3',
          [this.store.log, process, id],
        )
        const status = rows[0]?.status
        throw status === undefined
          ? eventsErrors.PROCESS_NOT_FOUND({ process, id })
          : eventsErrors.PROCESS_ENDED({ process, id, status })
      })
      .catch((error: unknown) => {
        // The first that was said under a key counts.
        if (!(error instanceof AlreadyWritten) && !isError(error, 'EVENTS_ID_TAKEN')) throw error
      })
  }

  async #changed(transaction: Queryable, process: string, id: string, now: number): Promise<boolean> {
    const { affected } = await transaction.query(
      `update keelson_processes set changes = changes + 1, wake_at = case when status = 'parked' then null else least(wake_at, $4) end, updated_at = now()
        where log = $1 and process = $2 and id = $3 and status not in ('completed', 'failed', 'cancelled')`,
      [this.store.log, process, id, now],
    )
    return affected > 0
  }

  /** False when it had been written before. */
  async appendWithin(
    transaction: Queryable,
    process: string,
    id: string,
    key: string,
    event: JournalEvent,
  ): Promise<boolean> {
    const [appended] = await this.store.appendWithin(transaction, [
      { stream: streamOf(process, id), events: [this.#identified(process, id, key, event)] },
    ])
    return appended?.isRepeat === false
  }

  #identified(process: string, id: string, key: string, { type, data }: JournalEvent) {
    return { type, data, id: hashedEventId(this.store.log, 'process', process, id, key) }
  }

  async instances(filter: {
    process?: string | undefined
    id?: string | undefined
    status?: ProcessStatus | undefined
    limit?: number
  }): Promise<readonly ProcessInstance[]> {
    const { rows } = await this.#database.query<Omit<ProcessInstance, 'wakeAt'> & { wakeAt: number | null }>(
      `select process, id, version, status, waiting_for as "waitingFor", wake_at as "wakeAt", reason, started_at as "startedAt", updated_at as "updatedAt"
        from keelson_processes where log = $1 and ($2::text is null or process = $2) and ($3::text is null or id = $3)
          and ($4::text is null or status = $4) order by started_at desc, id limit $5`,
      [this.store.log, filter.process ?? null, filter.id ?? null, filter.status ?? null, filter.limit ?? 100],
    )
    return rows.map((row) => ({ ...row, wakeAt: row.wakeAt === null ? null : new Date(row.wakeAt) }))
  }

  /**
   * When the next instance of what is known that is nobody's and does not run here, or scheduled event, is due; undefined when none waits for a
   * time.
   */
  async nextDue(known: readonly KnownProcess[], runs: readonly Instance[]): Promise<number | undefined> {
    const { rows } = await this.#database.query<{ due: number | null }>(
      `select least((select min(d.wake_at) from keelson_processes d where ${mayBeTaken} and d.wake_at is not null),
        (select min(due_at) from keelson_scheduled_events where log = $1)) as due`,
      this.#takeable(known, runs),
    )
    return rows[0]?.due ?? undefined
  }

  /** Of each process that has any: how many are parked, and how many have had something to do since `before` that nobody does. */
  async neglected(
    names: readonly string[],
    before: number,
  ): Promise<readonly { readonly process: string; readonly parked: number; readonly late: number }[]> {
    const { rows } = await this.#database.query<{ process: string; parked: number; late: number }>(
      `select process, count(*) filter (where status = 'parked')::int as parked, count(*) filter (where status <> 'parked')::int as late
        from keelson_processes where log = $1 and process = any ($2::text[])
          and (status = 'parked' or (wake_at < $3 and (owner is null or lease_until < clock_timestamp())))
        group by process order by process`,
      [this.store.log, names, before],
    )
    return rows
  }

  /** Those of them that have ended. */
  async ended(instances: readonly Instance[]): Promise<readonly Instance[]> {
    const { rows } = await this.#database.query<Instance>(
      `select process, id from keelson_processes where log = $1 and status in ('completed', 'failed', 'cancelled')
        and (process, id) in (select * from unnest($2::text[], $3::text[]))`,
      [this.store.log, instances.map(({ process }) => process), instances.map(({ id }) => id)],
    )
    return rows
  }

  /** Unfinished children of an instance. */
  async children(process: string, id: string): Promise<readonly Instance[]> {
    const { rows } = await this.#database.query<Instance>(
      `select process, id from keelson_processes where log = $1 and parent_process = $2 and parent_id = $3
        and status not in ('completed', 'failed', 'cancelled')`,
      [this.store.log, process, id],
    )
    return rows
  }
}

function last(appended: readonly Appended[]): number {
  return Math.max(0, ...appended.map(({ position }) => position))
}

/** Rolls back a change that had been made before. */
class AlreadyWritten extends Error {}

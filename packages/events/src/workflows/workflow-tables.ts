/**
 * Which instances there are, and when each has something to do. The journal is the truth; a row says whom to look at and when. What comes from outside, a
 * signal, a cancellation, the end of a child, is written to the journal and counted in the row in one transaction, so that a worker that
 * goes to rest with an old count is told to look again.
 */
import { type Database, isError, type Migration, type Queryable } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import type { Appended, StreamAppend } from '../store/event-store.ts'
import type { SqlEventStore } from '../store/sql-event-store.ts'
import {
  childIdOf,
  type Instance,
  keyOf,
  type RecordOf,
  recordIdOf,
  type StoredInstance,
  streamOf,
} from './instance-names.ts'
import { endOf, type JournalEvent, type Outcome, type ParentStep } from './workflow-journal.ts'

/** running: has something to do. waiting: for a time or something from outside. parked: its journal does not fit its code. */
export type WorkflowStatus = 'running' | 'waiting' | 'completed' | 'failed' | 'cancelled' | 'parked'

export interface WorkflowInstance {
  readonly workflow: string
  readonly id: string
  readonly version: number
  readonly status: WorkflowStatus
  /** What it waits for, by name; for an instance that rests. */
  readonly waitingFor: readonly string[]
  /** When it goes on by itself. */
  readonly wakeAt: Date | null
  /** Why it failed, was cancelled or is parked. */
  readonly reason: string | null
  readonly startedAt: Date
  readonly updatedAt: Date
}

/** An instance that this program may run now. */
export interface ClaimedInstance extends StoredInstance {
  readonly version: number
}

/** Of which this program has the code. */
export type KnownWorkflow = Pick<ClaimedInstance, 'workflow' | 'version'>

/** The owner of the migrations: databases have it from when workflows were called processes. */
export const workflowTablesOwner = 'processes'

export const workflowTables: readonly Migration[] = [
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
  {
    version: 2,
    name: 'processes are called workflows, and each instance says which stream is its own',
    statements: [
      'alter table keelson_processes rename to keelson_workflows',
      'alter table keelson_workflows rename column process to workflow',
      'alter table keelson_workflows rename column parent_process to parent_workflow',
      'alter index keelson_processes_pkey rename to keelson_workflows_pkey',
      'alter index keelson_processes_due rename to keelson_workflows_due',
      'alter table keelson_process_starts rename to keelson_workflow_starts',
      'alter table keelson_workflow_starts rename column process to workflow',
      'alter index keelson_process_starts_pkey rename to keelson_workflow_starts_pkey',
      'alter table keelson_workflows add column stream text collate "C"',
      `update keelson_workflows set stream = 'process-' || workflow || '-' || id`,
      'alter table keelson_workflows alter column stream set not null',
      `create index keelson_workflows_children on keelson_workflows (log, parent_workflow, parent_id, parent_key)
        where parent_workflow is not null`,
    ],
  },
]

/** Of instances `d`: those that nobody holds, of workflows whose code this program has, and that it does not run already. */
const mayBeTaken = `d.log = $1 and (d.owner is null or d.lease_until < clock_timestamp())
  and (d.workflow, d.version) in (select * from unnest($2::text[], $3::int[]))
  and (d.workflow, d.id) not in (select * from unnest($4::text[], $5::text[]))`

export class WorkflowTables {
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
    { workflow, id, version }: Instance & { readonly version: number },
    input: unknown,
    now: number,
    parent: ParentStep | null = null,
  ): Promise<boolean> {
    const stream = streamOf({ workflow, id })
    const { affected } = await transaction.query(
      `insert into keelson_workflows (log, workflow, id, version, stream, status, wake_at, parent_workflow, parent_id, parent_key)
        values ($1, $2, $3, $4, $5, 'running', $6, $7, $8, $9) on conflict do nothing`,
      [
        ...[this.store.log, workflow, id, version, stream, now],
        ...[parent?.workflow ?? null, parent?.id ?? null, parent?.key ?? null],
      ],
    )
    if (affected === 0) return false
    await this.appendWithin(transaction, { workflow, id, stream }, ['start'], {
      type: 'WorkflowStarted',
      data: { version, input, parent },
    })
    return true
  }

  /** Begins the child of a step, unless it was begun before. Gives its id. */
  async beginChild(
    parent: Instance,
    key: string,
    child: { readonly workflow: string; readonly version: number },
    input: unknown,
    now: number,
  ): Promise<string> {
    const { workflow, id } = parent
    return this.#database.transaction(async (transaction) => {
      const { rows } = await transaction.query<{ id: string }>(
        `select id from keelson_workflows where log = $1 and parent_workflow = $2 and parent_id = $3 and parent_key = $4 and workflow = $5`,
        [this.store.log, workflow, id, key, child.workflow],
      )
      if (rows[0]) return rows[0].id
      const childId = childIdOf(parent, key)
      const isBegun = await this.beginWithin(transaction, { ...child, id: childId }, input, now, { workflow, id, key })
      if (!isBegun) throw eventsErrors.WORKFLOW_ID_TAKEN({ workflow: child.workflow, id: childId })
      return childId
    })
  }

  /**
   * Takes up to `count` instances that are due, of workflows that this program has the code of. One that `runs` here already is another
   * program's to take, when this one has been away for too long.
   */
  async claim(
    known: readonly KnownWorkflow[],
    runs: readonly Instance[],
    now: number,
    count: number,
  ): Promise<readonly (ClaimedInstance & { readonly dueAt: number })[]> {
    const { rows } = await this.#database.query<ClaimedInstance & { readonly dueAt: number }>(
      `update keelson_workflows p set owner = $6, lease_until = clock_timestamp() + $7::int * interval '1 ms', status = 'running'
        from (select log, workflow, id from keelson_workflows d
          where ${mayBeTaken} and d.wake_at <= $8 order by d.wake_at limit $9 for update skip locked) due
        where p.log = due.log and p.workflow = due.workflow and p.id = due.id
        returning p.workflow, p.id, p.version, p.stream, p.wake_at as "dueAt"`,
      [...this.#takeable(known, runs), this.#owner, this.#leaseMs, now, count],
    )
    return rows
  }

  /** The parameters of `mayBeTaken`. */
  #takeable(known: readonly KnownWorkflow[], runs: readonly Instance[]): readonly unknown[] {
    return [
      this.store.log,
      ...[known.map(({ workflow }) => workflow), known.map(({ version }) => version)],
      ...[runs.map(({ workflow }) => workflow), runs.map(({ id }) => id)],
    ]
  }

  /** Keeps what `runs` here; gives how many changes from outside each has had, by `<workflow> <id>`. */
  async renew(runs: readonly Instance[]): Promise<ReadonlyMap<string, number>> {
    const { rows } = await this.#database.query<{ workflow: string; id: string; changes: number }>(
      `update keelson_workflows set lease_until = clock_timestamp() + $3::int * interval '1 ms'
        where log = $1 and owner = $2 and (workflow, id) in (select * from unnest($4::text[], $5::text[]))
        returning workflow, id, changes`,
      [
        ...[this.store.log, this.#owner, this.#leaseMs],
        ...[runs.map(({ workflow }) => workflow), runs.map(({ id }) => id)],
      ],
    )
    return new Map(rows.map(({ changes, ...instance }) => [keyOf(instance), changes]))
  }

  /** Lays an instance to rest; false when something has come from outside that the run has not seen. */
  async rest(
    { workflow, id }: ClaimedInstance,
    seen: number,
    wakeAt: number | null,
    waitingFor: readonly string[],
  ): Promise<boolean> {
    const { affected } = await this.#database.query(
      `update keelson_workflows set owner = null, lease_until = null, status = 'waiting', wake_at = $6, waiting_for = $7, updated_at = now()
        where log = $1 and workflow = $2 and id = $3 and owner = $4 and changes = $5`,
      [this.store.log, workflow, id, this.#owner, seen, wakeAt, waitingFor],
    )
    return affected > 0
  }

  /** Gives it back as it is: another worker may go on at once. */
  async release({ workflow, id }: ClaimedInstance): Promise<void> {
    await this.#database.query(
      `update keelson_workflows set owner = null, lease_until = null where log = $1 and workflow = $2 and id = $3 and owner = $4`,
      [this.store.log, workflow, id, this.#owner],
    )
  }

  async park({ workflow, id }: ClaimedInstance, reason: string): Promise<void> {
    await this.#database.query(
      `update keelson_workflows set owner = null, lease_until = null, status = 'parked', wake_at = null, reason = $5, updated_at = now()
        where log = $1 and workflow = $2 and id = $3 and owner = $4`,
      [this.store.log, workflow, id, this.#owner, reason],
    )
  }

  /** Lets a parked instance go on. */
  async unpark(workflow: string, id: string, now: number): Promise<boolean> {
    const { affected } = await this.#database.query(
      `update keelson_workflows set status = 'running', wake_at = $4, reason = null where log = $1 and workflow = $2 and id = $3 and status = 'parked'`,
      [this.store.log, workflow, id, now],
    )
    return affected > 0
  }

  /** Notes the end of an instance, and tells the one that waits for it. Gives the position of what was written; 0 when it had ended before. */
  async end(instance: ClaimedInstance, outcome: Outcome, now: number): Promise<number> {
    const reason =
      outcome.status === 'completed' ? null : outcome.status === 'failed' ? outcome.error.message : outcome.reason
    return this.#database.transaction(async (transaction) => {
      const { rows } = await transaction.query<{
        parent_workflow: string | null
        parent_id: string
        parent_key: string
      }>(
        `update keelson_workflows set owner = null, lease_until = null, status = $4, wake_at = null, reason = $5, waiting_for = '{}', updated_at = now()
          where log = $1 and workflow = $2 and id = $3 and status not in ('completed', 'failed', 'cancelled')
          returning parent_workflow, parent_id, parent_key`,
        [this.store.log, instance.workflow, instance.id, outcome.status, reason],
      )
      const row = rows[0]
      if (!row) return 0
      const own = this.#recordOf(instance, ['end'], endOf(outcome))
      if (row.parent_workflow === null) return last(await this.store.appendWithin(transaction, [own]))
      const parent = await this.#changed(transaction, { workflow: row.parent_workflow, id: row.parent_id }, now)
      // The parent has ended without waiting for it.
      if (!parent) return last(await this.store.appendWithin(transaction, [own]))
      const ended: JournalEvent = { type: 'WorkflowChildEnded', data: { key: row.parent_key, outcome } }
      const told = this.#recordOf(parent, [row.parent_key, 'ended'], ended)
      return last(await this.store.appendWithin(transaction, [own, told]))
    })
  }

  /** Writes something from outside into the journal of an instance. Throws WORKFLOW_NOT_FOUND or WORKFLOW_ENDED. */
  async change(instance: Instance, of: RecordOf, event: JournalEvent, now: number): Promise<void> {
    await this.#database
      .transaction(async (transaction) => {
        const changed = await this.#changed(transaction, instance, now)
        if (changed) {
          // Counted twice and written once would keep it from ever resting.
          if (!(await this.appendWithin(transaction, changed, of, event))) throw new AlreadyWritten()
          return
        }
        const { status } = await this.find(instance, transaction)
        throw eventsErrors.WORKFLOW_ENDED({ ...instance, status })
      })
      .catch((error: unknown) => {
        // The first that was said under a key counts.
        if (!(error instanceof AlreadyWritten) && !isError(error, 'EVENTS_ID_TAKEN')) throw error
      })
  }

  /** Throws WORKFLOW_NOT_FOUND. */
  async find(
    { workflow, id }: Instance,
    on: Queryable = this.#database,
  ): Promise<StoredInstance & { readonly status: WorkflowStatus }> {
    const { rows } = await on.query<StoredInstance & { readonly status: WorkflowStatus }>(
      'select workflow, id, stream, status from keelson_workflows where log = $1 and workflow = $2 and id = $3',
      [this.store.log, workflow, id],
    )
    if (!rows[0]) throw eventsErrors.WORKFLOW_NOT_FOUND({ workflow, id })
    return rows[0]
  }

  async #changed(transaction: Queryable, { workflow, id }: Instance, now: number): Promise<StoredInstance | undefined> {
    const { rows } = await transaction.query<StoredInstance>(
      `update keelson_workflows set changes = changes + 1, wake_at = case when status = 'parked' then null else least(wake_at, $4) end, updated_at = now()
        where log = $1 and workflow = $2 and id = $3 and status not in ('completed', 'failed', 'cancelled')
        returning workflow, id, stream`,
      [this.store.log, workflow, id, now],
    )
    return rows[0]
  }

  /** False when it had been written before. */
  async appendWithin(
    transaction: Queryable,
    instance: StoredInstance,
    of: RecordOf,
    event: JournalEvent,
  ): Promise<boolean> {
    const [appended] = await this.store.appendWithin(transaction, [this.#recordOf(instance, of, event)])
    return appended?.isRepeat === false
  }

  #recordOf(instance: StoredInstance, of: RecordOf, { type, data }: JournalEvent): StreamAppend {
    return { stream: instance.stream, events: [{ type, data, id: recordIdOf(this.store.log, instance, of) }] }
  }

  async instances(filter: {
    workflow?: string | undefined
    id?: string | undefined
    status?: WorkflowStatus | undefined
    limit?: number
  }): Promise<readonly WorkflowInstance[]> {
    const { rows } = await this.#database.query<Omit<WorkflowInstance, 'wakeAt'> & { wakeAt: number | null }>(
      `select workflow, id, version, status, waiting_for as "waitingFor", wake_at as "wakeAt", reason, started_at as "startedAt", updated_at as "updatedAt"
        from keelson_workflows where log = $1 and ($2::text is null or workflow = $2) and ($3::text is null or id = $3)
          and ($4::text is null or status = $4) order by started_at desc, id limit $5`,
      [this.store.log, filter.workflow ?? null, filter.id ?? null, filter.status ?? null, filter.limit ?? 100],
    )
    return rows.map((row) => ({ ...row, wakeAt: row.wakeAt === null ? null : new Date(row.wakeAt) }))
  }

  /**
   * When the next instance of what is known that is nobody's and does not run here, or scheduled event, is due; undefined when none waits for a
   * time.
   */
  async nextDue(known: readonly KnownWorkflow[], runs: readonly Instance[]): Promise<number | undefined> {
    const { rows } = await this.#database.query<{ due: number | null }>(
      `select least((select min(d.wake_at) from keelson_workflows d where ${mayBeTaken} and d.wake_at is not null),
        (select min(due_at) from keelson_scheduled_events where log = $1)) as due`,
      this.#takeable(known, runs),
    )
    return rows[0]?.due ?? undefined
  }

  /** Of each workflow that has any: how many are parked, and how many have had something to do since `before` that nobody does. */
  async neglected(
    names: readonly string[],
    before: number,
  ): Promise<readonly { readonly workflow: string; readonly parked: number; readonly late: number }[]> {
    const { rows } = await this.#database.query<{ workflow: string; parked: number; late: number }>(
      `select workflow, count(*) filter (where status = 'parked')::int as parked, count(*) filter (where status <> 'parked')::int as late
        from keelson_workflows where log = $1 and workflow = any ($2::text[])
          and (status = 'parked' or (wake_at < $3 and (owner is null or lease_until < clock_timestamp())))
        group by workflow order by workflow`,
      [this.store.log, names, before],
    )
    return rows
  }

  /** Those of them that have ended. */
  async ended(instances: readonly Instance[]): Promise<readonly Instance[]> {
    const { rows } = await this.#database.query<Instance>(
      `select workflow, id from keelson_workflows where log = $1 and status in ('completed', 'failed', 'cancelled')
        and (workflow, id) in (select * from unnest($2::text[], $3::text[]))`,
      [this.store.log, instances.map(({ workflow }) => workflow), instances.map(({ id }) => id)],
    )
    return rows
  }

  /** Unfinished children of an instance. */
  async children(workflow: string, id: string): Promise<readonly Instance[]> {
    const { rows } = await this.#database.query<Instance>(
      `select workflow, id from keelson_workflows where log = $1 and parent_workflow = $2 and parent_id = $3
        and status not in ('completed', 'failed', 'cancelled')`,
      [this.store.log, workflow, id],
    )
    return rows
  }
}

export function isEnd(status: WorkflowStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}

function last(appended: readonly Appended[]): number {
  return Math.max(0, ...appended.map(({ position }) => position))
}

/** Rolls back a change that had been made before. */
class AlreadyWritten extends Error {}

/**
 * Which instances there are, and when each has something to do. The journal is the truth; a row says whom to look at and when. What comes from outside, a
 * signal, a cancellation, the end of a child, is written to the journal and counted in the row in one transaction, so that a worker that
 * goes to rest with an old count is told to look again. Times are the database's. Rows are locked from the ancestors down.
 */
import { type Database, isError, type Lease, Leases, type Queryable } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import type { Appended, StreamAppend } from '../store/event-store.ts'
import type { SqlEventStore } from '../store/sql-event-store.ts'
import { childIdOf, type Instance, type RecordOf, recordIdOf, type StoredInstance, streamOf } from './instance-names.ts'
import {
  endOf,
  type JournalEvent,
  type JournalRecord,
  type Outcome,
  type ParentStep,
  type RecordNotes,
  storable,
} from './workflow-journal.ts'

/**
 * running: has something to do. waiting: for a time or something from outside. parked: it cannot go on, and is tried again after growing
 * pauses. paused: by an operator.
 */
export type WorkflowStatus = 'running' | 'waiting' | 'completed' | 'failed' | 'cancelled' | 'parked' | 'paused'

/** An instance that this program works on. */
export interface HeldInstance extends StoredInstance {
  readonly version: number
  readonly lease: Lease
  /** Milliseconds since 1970 from when it had something to do. */
  readonly dueAt: number
}

/** An instance that begins. */
export interface NewInstance extends Instance {
  readonly version: number
}

/** What a run knows when it goes to rest. */
export interface RestingRun {
  /** How many changes from outside it has seen. */
  readonly seen: number
  readonly wakeAt: number | null
  readonly waitingFor: readonly string[]
  /** What was sent, did not fit, and is still waited for. */
  readonly refused: number
}

/** SQL that finds the status of an instance that has ended. */
export const isEnded = `status in ('completed', 'failed', 'cancelled')`

const parkedMs = { first: 60_000, most: 3_600_000 }

export class WorkflowTables {
  readonly store: SqlEventStore
  readonly database: Database
  readonly #leases: Leases

  private constructor(store: SqlEventStore, leases: Leases) {
    this.store = store
    this.database = store.database
    this.#leases = leases
  }

  /** @param owner another one for each program and each start. */
  static async open(store: SqlEventStore, owner: string, leaseMs: number): Promise<WorkflowTables> {
    const table = { name: 'keelson_workflows', key: { log: 'text', workflow: 'text', id: 'text' } }
    return new WorkflowTables(store, await Leases.open(store.database, { owner, leaseMs, table }))
  }

  /** The database's time in SQL, in milliseconds since 1970. */
  get #now(): string {
    return `(extract(epoch from ${this.database.nowSql}) * 1000)::bigint`
  }

  /** Begins an instance within `transaction`; false when there is one of this id. */
  async beginWithin(
    transaction: Queryable,
    instance: NewInstance,
    input: unknown,
    parent: ParentStep | null = null,
  ): Promise<boolean> {
    const begun = await this.#insert(transaction, instance, input, parent)
    if (begun) await this.store.appendWithin(transaction, [begun])
    return begun !== undefined
  }

  /** Begins an instance with the records of another within `transaction`; false when there is one of this id. */
  async copyWithin(transaction: Queryable, instance: NewInstance, records: readonly JournalRecord[]): Promise<boolean> {
    if (!(await this.#insert(transaction, instance, null, null))) return false
    const stream = streamOf(instance)
    const events = records.map(({ version, at, asked, event }) => ({
      ...event,
      id: recordIdOf(this.store.log, { ...instance, stream }, version === 1 ? ['start'] : ['copied', version]),
      metadata: { at, ...(asked.length > 0 ? { asked } : {}) },
    }))
    await this.store.appendWithin(transaction, [{ stream, events }])
    return true
  }

  async #insert(
    transaction: Queryable,
    { workflow, id, version }: NewInstance,
    input: unknown,
    parent: ParentStep | null,
  ): Promise<StreamAppend | undefined> {
    const stream = streamOf({ workflow, id })
    const { affected } = await transaction.query(
      `insert into keelson_workflows (log, workflow, id, version, stream, status, wake_at, parent_workflow, parent_id, parent_key)
        values ($1, $2, $3, $4, $5, 'running', ${this.#now}, $6, $7, $8) on conflict do nothing`,
      [
        ...[this.store.log, workflow, id, version, stream],
        ...[parent?.workflow ?? null, parent?.id ?? null, parent?.key ?? null],
      ],
    )
    if (affected === 0) return undefined
    const started: JournalEvent = { type: 'WorkflowStarted', data: { version, input, parent } }
    return this.#recordOf({ workflow, id, stream }, ['start'], started)
  }

  /** Begins the child of a step and notes it, unless that was done before, or the parent has been cancelled. */
  async beginChild(
    parent: HeldInstance,
    key: string,
    child: { readonly workflow: string; readonly version: number },
    input: unknown,
    notes: RecordNotes,
  ): Promise<void> {
    const { workflow, id } = parent
    await this.database.transaction(async (transaction) => {
      // Whoever cancels the parent waits for this, or is seen.
      const { rows: parents } = await transaction.query<{ cancelled_for: string | null }>(
        'select cancelled_for from keelson_workflows where log = $1 and workflow = $2 and id = $3 for share',
        [this.store.log, workflow, id],
      )
      if (parents[0]?.cancelled_for !== null) return
      const { rows: children } = await transaction.query<{ id: string }>(
        `select id from keelson_workflows where log = $1 and parent_workflow = $2 and parent_id = $3 and parent_key = $4 and workflow = $5`,
        [this.store.log, workflow, id, key, child.workflow],
      )
      const childId = children[0]?.id ?? childIdOf(parent, key)
      const begun = children[0]
        ? undefined
        : await this.#insert(transaction, { ...child, id: childId }, input, { workflow, id, key })
      if (!children[0] && !begun) throw eventsErrors.WORKFLOW_ID_TAKEN({ workflow: child.workflow, id: childId })
      const noted: JournalEvent = { type: 'WorkflowChildStarted', data: { key, workflow: child.workflow, id: childId } }
      const appends = [...(begun ? [begun] : []), this.#recordOf(parent, [key, 'begun'], noted, notes)]
      await this.store.appendWithin(transaction, appends)
    })
  }

  /**
   * Takes up to `count` instances of a workflow that are due, of versions that this program has. Those that run here already are
   * another program's to take, when this one has been away for too long.
   */
  async claim(
    workflow: string,
    versions: readonly number[],
    running: readonly string[],
    count: number,
  ): Promise<readonly HeldInstance[]> {
    const acquired = await this.#leases.acquireSome<Omit<HeldInstance, 'lease'>>({
      where: `leased.log = $1 and leased.workflow = $2 and leased.version = any ($3::int[]) and leased.id <> all ($4::text[])
        and leased.wake_at <= ${this.#now}`,
      orderBy: 'leased.wake_at',
      limit: count,
      set: `status = 'running'`,
      parameters: [this.store.log, workflow, versions, running],
      returning: 'leased.workflow, leased.id, leased.version, leased.stream, leased.wake_at as "dueAt"',
    })
    return acquired.map(({ row, ...lease }) => ({ ...row, lease }))
  }

  /** Renews what is held; gives those that still are, with how many changes from outside each has had. */
  async renew(held: readonly HeldInstance[]): Promise<ReadonlyMap<HeldInstance, number>> {
    const kept = new Set(await this.#leases.keepAll(held.map(({ lease }) => lease)))
    const still = held.filter(({ lease }) => kept.has(lease))
    const { rows } = await this.database.query<{ changes: number }>(
      `select w.changes from unnest($2::text[], $3::text[]) with ordinality h (workflow, id, at)
        join keelson_workflows w on w.log = $1 and w.workflow = h.workflow and w.id = h.id order by h.at`,
      [this.store.log, still.map(({ workflow }) => workflow), still.map(({ id }) => id)],
    )
    return new Map(still.map((instance, at) => [instance, rows[at]?.changes ?? 0]))
  }

  /** Keeps the lease to the end of `transaction`. Rejects with LEASE_LOST. */
  async keepWithin(transaction: Queryable, { lease }: HeldInstance): Promise<void> {
    await this.#leases.keep(lease, {}, transaction)
  }

  /** Lays an instance to rest; it is due at once when something has come from outside that the run has not seen. */
  async rest({ lease }: HeldInstance, { seen, wakeAt, waitingFor, refused }: RestingRun): Promise<void> {
    await this.#leases.release(lease, {
      set: `status = 'waiting', wake_at = case when changes = $1 then $2::bigint else ${this.#now} end, waiting_for = $3::text[],
        refused = $4, reason = null, tries = 0, updated_at = now()`,
      parameters: [seen, wakeAt, waitingFor.map(storable), refused],
    })
  }

  /** Gives it back as it is: another worker may go on at once. */
  async release({ lease }: HeldInstance): Promise<void> {
    await this.#leases.release(lease)
  }

  /** Sets aside what cannot go on, until it is tried again. */
  async park({ lease }: HeldInstance, reason: string): Promise<void> {
    await this.#leases.release(lease, {
      set: `status = 'parked', reason = $1, tries = tries + 1, updated_at = now(),
        wake_at = ${this.#now} + least(${parkedMs.most}, ${parkedMs.first} * power(2, least(tries, 10)))::bigint`,
      parameters: [storable(reason)],
    })
  }

  /** Lets an instance go on that is parked or paused; false when it is neither. */
  async resume({ workflow, id }: Instance): Promise<boolean> {
    const { affected } = await this.database.query(
      `update keelson_workflows set status = 'running', wake_at = ${this.#now}, reason = null, tries = 0
        where log = $1 and workflow = $2 and id = $3 and status in ('parked', 'paused')`,
      [this.store.log, workflow, id],
    )
    return affected > 0
  }

  /** Takes an instance from whoever works on it and lets nobody have it; false when it has ended or is paused already. */
  async pause({ workflow, id }: Instance): Promise<boolean> {
    const { affected } = await this.database.query(
      `update keelson_workflows set status = 'paused', wake_at = null, owner = null, leased_until = null, fence = fence + 1, updated_at = now()
        where log = $1 and workflow = $2 and id = $3 and not ${isEnded} and status <> 'paused'`,
      [this.store.log, workflow, id],
    )
    return affected > 0
  }

  /**
   * Notes the end of an instance, and tells the one that waits for it. Gives the position of what was written; 0 when it had ended before.
   *
   * @param fence of the lease of who ends it; undefined for an operator.
   */
  async end(instance: StoredInstance, outcome: Outcome, fence?: number, notes?: RecordNotes): Promise<number> {
    return this.database.transaction(async (transaction) => {
      const { rows: parents } = await transaction.query<StoredInstance & { readonly key: string }>(
        `select p.workflow, p.id, p.stream, w.parent_key as key from keelson_workflows w
          join keelson_workflows p on p.log = w.log and p.workflow = w.parent_workflow and p.id = w.parent_id
          where w.log = $1 and w.workflow = $2 and w.id = $3 and not p.${isEnded} for update of p`,
        [this.store.log, instance.workflow, instance.id],
      )
      const { affected } = await transaction.query(
        `update keelson_workflows set owner = null, leased_until = null, status = $4, wake_at = null, reason = $5, waiting_for = '{}',
            tries = 0, refused = 0, updated_at = now()
          where log = $1 and workflow = $2 and id = $3 and not ${isEnded} and ($6::bigint is null or fence = $6)`,
        [this.store.log, instance.workflow, instance.id, outcome.status, reasonOf(outcome), fence ?? null],
      )
      if (affected === 0) return 0
      const own = this.#recordOf(instance, ['end'], endOf(outcome), notes)
      const parent = parents[0]
      // Nobody waits for it, or who did has ended.
      if (!parent) return last(await this.store.appendWithin(transaction, [own]))
      await this.#changed(transaction, parent)
      const ended: JournalEvent = { type: 'WorkflowChildEnded', data: { key: parent.key, outcome } }
      const told = this.#recordOf(parent, [parent.key, 'ended'], ended)
      return last(await this.store.appendWithin(transaction, [own, told]))
    })
  }

  /** Writes something from outside into the journal of an instance. Throws WORKFLOW_NOT_FOUND or WORKFLOW_ENDED. */
  async change(instance: Instance, of: RecordOf, event: JournalEvent): Promise<void> {
    await this.database
      .transaction((transaction) => this.changeWithin(transaction, instance, of, event))
      .catch(unlessWritten)
  }

  /** As `change`, within `transaction`; what was said before under this name makes it reject, and `unlessWritten` knows how. */
  async changeWithin(transaction: Queryable, instance: Instance, of: RecordOf, event: JournalEvent): Promise<void> {
    const changed = await this.#changed(transaction, instance)
    if (!changed) throw await this.#refusal(transaction, instance)
    // Counted twice and written once would keep it from ever resting.
    if (!(await this.appendWithin(transaction, changed, of, event))) throw new AlreadyWritten()
  }

  /** Cancels an instance with all its descendants, those that are being begun too. Throws WORKFLOW_NOT_FOUND or WORKFLOW_ENDED. */
  async cancel(instance: Instance, reason: string): Promise<readonly Instance[]> {
    const cancelled: StoredInstance[] = []
    await this.database
      .transaction(async (transaction) => {
        for (let above: readonly Instance[] = [instance]; above.length > 0; ) {
          const marked = await this.#markCancelled(transaction, above, reason)
          if (above[0] === instance && marked.length === 0) throw await this.#refusal(transaction, instance)
          cancelled.push(...marked.filter(({ isFirst }) => isFirst))
          above = await this.#childrenOf(transaction, above)
        }
        const event: JournalEvent = { type: 'WorkflowCancelRequested', data: { reason } }
        const appends = cancelled.map((one) => this.#recordOf(one, ['cancel'], event))
        if (appends.length > 0) await this.store.appendWithin(transaction, appends)
      })
      .catch(unlessWritten)
    return cancelled
  }

  async #markCancelled(
    transaction: Queryable,
    instances: readonly Instance[],
    reason: string,
  ): Promise<readonly (StoredInstance & { readonly isFirst: boolean })[]> {
    const { rows } = await transaction.query<StoredInstance & { readonly isFirst: boolean }>(
      `update keelson_workflows w set cancelled_for = coalesce(w.cancelled_for, $4), changes = changes + (w.cancelled_for is null)::int,
          wake_at = case when status in ('parked', 'paused') then wake_at else least(wake_at, ${this.#now}) end, updated_at = now()
        from (select log, workflow, id, cancelled_for is null as is_first from keelson_workflows
          where log = $1 and (workflow, id) in (select * from unnest($2::text[], $3::text[])) order by workflow, id for update) b
        where w.log = b.log and w.workflow = b.workflow and w.id = b.id and not w.${isEnded}
        returning w.workflow, w.id, w.stream, b.is_first as "isFirst"`,
      [this.store.log, instances.map(({ workflow }) => workflow), instances.map(({ id }) => id), reason],
    )
    return rows
  }

  async #childrenOf(transaction: Queryable, parents: readonly Instance[]): Promise<readonly Instance[]> {
    const { rows } = await transaction.query<Instance>(
      `select workflow, id from keelson_workflows where log = $1 and (parent_workflow, parent_id) in (select * from unnest($2::text[], $3::text[]))`,
      [this.store.log, parents.map(({ workflow }) => workflow), parents.map(({ id }) => id)],
    )
    return rows
  }

  async #changed(transaction: Queryable, { workflow, id }: Instance): Promise<StoredInstance | undefined> {
    const { rows } = await transaction.query<StoredInstance>(
      `update keelson_workflows set changes = changes + 1, updated_at = now(),
          wake_at = case when status in ('parked', 'paused') then wake_at else least(wake_at, ${this.#now}) end
        where log = $1 and workflow = $2 and id = $3 and not ${isEnded} returning workflow, id, stream`,
      [this.store.log, workflow, id],
    )
    return rows[0]
  }

  async #refusal(transaction: Queryable, instance: Instance): Promise<Error> {
    const { status } = await this.find(instance, transaction)
    return eventsErrors.WORKFLOW_ENDED({ workflow: instance.workflow, id: instance.id, status })
  }

  /** Throws WORKFLOW_NOT_FOUND. */
  async find(
    { workflow, id }: Instance,
    on: Queryable = this.database,
  ): Promise<StoredInstance & { readonly version: number; readonly status: WorkflowStatus }> {
    const { rows } = await on.query<StoredInstance & { readonly version: number; readonly status: WorkflowStatus }>(
      'select workflow, id, version, stream, status from keelson_workflows where log = $1 and workflow = $2 and id = $3',
      [this.store.log, workflow, id],
    )
    if (!rows[0]) throw eventsErrors.WORKFLOW_NOT_FOUND({ workflow, id })
    return rows[0]
  }

  /** False when it had been written before. */
  async appendWithin(
    transaction: Queryable,
    instance: StoredInstance,
    of: RecordOf,
    event: JournalEvent,
    notes?: RecordNotes,
  ): Promise<boolean> {
    const [appended] = await this.store.appendWithin(transaction, [this.#recordOf(instance, of, event, notes)])
    return appended?.isRepeat === false
  }

  #recordOf(instance: StoredInstance, of: RecordOf, event: JournalEvent, notes?: RecordNotes): StreamAppend {
    const id = recordIdOf(this.store.log, instance, of)
    return { stream: instance.stream, events: [{ ...event, id, ...(notes ? { metadata: { ...notes } } : {}) }] }
  }
}

function reasonOf(outcome: Outcome): string | null {
  if (outcome.status === 'completed') return null
  return storable(outcome.status === 'failed' ? outcome.error.message : outcome.reason)
}

function last(appended: readonly Appended[]): number {
  return Math.max(0, ...appended.map(({ position }) => position))
}

/** Rolls back a change that had been made before. */
class AlreadyWritten extends Error {}

/** The first that was said under a name counts. */
function unlessWritten(error: unknown): void {
  if (!(error instanceof AlreadyWritten) && !isError(error, 'EVENTS_ID_TAKEN')) throw error
}

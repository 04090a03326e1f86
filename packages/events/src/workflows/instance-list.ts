/** What is asked about instances: which there are, when the next is due, which have ended, and what stands still. */
import type { Database } from '@keelson/kernel'
import type { SqlEventStore } from '../store/sql-event-store.ts'
import type { Instance } from './instance-names.ts'
import { isEnded, type WorkflowStatus } from './workflow-tables.ts'

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

/** A workflow of which this program has the code, what runs of it here, and for how many more there is room. */
export interface WorkflowRoom {
  readonly workflow: string
  readonly versions: readonly number[]
  readonly running: readonly string[]
  readonly free: number
}

/** What the next looks are for. */
export interface Due {
  /** The database's time, in milliseconds since 1970. */
  readonly now: number
  /** When the first instance that may be taken is due, by workflow. */
  readonly workflows: ReadonlyMap<string, number>
  /** When the first scheduled event is due. */
  readonly event: number | undefined
}

/** Of one workflow: how many instances stand still, and how. */
export interface Standing {
  readonly workflow: string
  readonly parked: number
  readonly paused: number
  /** Were sent something that did not fit, and still wait. */
  readonly refused: number
  /** Have had something to do for long, and nobody does it. */
  readonly late: number
}

export interface InstanceFilter {
  readonly workflow?: string | undefined
  readonly id?: string | undefined
  readonly status?: WorkflowStatus | undefined
  /** Default 100. */
  readonly limit?: number
}

export class InstanceList {
  readonly #database: Database
  readonly #log: string

  constructor({ database, log }: SqlEventStore) {
    this.#database = database
    this.#log = log
  }

  /** The newest first. */
  async instances(filter: InstanceFilter): Promise<readonly WorkflowInstance[]> {
    const { rows } = await this.#database.query<Omit<WorkflowInstance, 'wakeAt'> & { wakeAt: number | null }>(
      `select workflow, id, version, status, waiting_for as "waitingFor", wake_at as "wakeAt", reason, started_at as "startedAt", updated_at as "updatedAt"
        from keelson_workflows where log = $1 and ($2::text is null or workflow = $2) and ($3::text is null or id = $3)
          and ($4::text is null or status = $4) order by started_at desc, id limit $5`,
      [this.#log, filter.workflow ?? null, filter.id ?? null, filter.status ?? null, filter.limit ?? 100],
    )
    return rows.map((row) => ({ ...row, wakeAt: row.wakeAt === null ? null : new Date(row.wakeAt) }))
  }

  async nextDue(rooms: readonly WorkflowRoom[]): Promise<Due> {
    const { nowSql } = this.#database
    const known = rooms.flatMap(({ workflow, versions, running }) =>
      versions.map((version) => ({ workflow, version, running: JSON.stringify(running) })),
    )
    const { rows } = await this.#database.query<{ now: number; workflow: string | null; due: number | null }>(
      `select (extract(epoch from ${nowSql}) * 1000)::bigint as now, null as workflow,
          (select min(due_at) from keelson_scheduled_events where log = $1) as due
        union all select null, k.workflow, min(d.wake_at) from unnest($2::text[], $3::int[], $4::text[]) k (workflow, version, running)
        cross join lateral (select w.wake_at from keelson_workflows w
          where w.log = $1 and w.workflow = k.workflow and w.version = k.version and w.wake_at is not null
            and (w.owner is null or w.leased_until <= ${nowSql}) and not k.running::jsonb ? w.id
          order by w.wake_at limit 1) d group by k.workflow`,
      [
        this.#log,
        known.map(({ workflow }) => workflow),
        known.map(({ version }) => version),
        known.map(({ running }) => running),
      ],
    )
    const [first, ...due] = rows
    return {
      now: first?.now ?? 0,
      event: first?.due ?? undefined,
      workflows: new Map(
        due.flatMap(({ workflow, due: at }) => (workflow === null || at === null ? [] : [[workflow, at]])),
      ),
    }
  }

  /** Of each workflow of the log that has any. */
  async standing(lateMs: number): Promise<readonly Standing[]> {
    const { nowSql } = this.#database
    const { rows } = await this.#database.query<Standing>(
      `select workflow, sum(parked)::int as parked, sum(paused)::int as paused, sum(refused)::int as refused, sum(late)::int as late from (
          select workflow, (tries > 0)::int as parked, (status = 'paused')::int as paused, (refused > 0)::int as refused, 0 as late
            from keelson_workflows where log = $1 and (tries > 0 or refused > 0 or status = 'paused') and not ${isEnded}
          union all select workflow, 0, 0, 0, 1 from keelson_workflows
            where log = $1 and tries = 0 and wake_at < (extract(epoch from ${nowSql}) * 1000)::bigint - $2::bigint
              and (owner is null or leased_until < ${nowSql})) s
        group by workflow order by workflow`,
      [this.#log, lateMs],
    )
    return rows
  }

  /** Those of them that have ended. */
  async ended(instances: readonly Instance[]): Promise<readonly Instance[]> {
    const { rows } = await this.#database.query<Instance>(
      `select workflow, id from keelson_workflows where log = $1 and ${isEnded}
        and (workflow, id) in (select * from unnest($2::text[], $3::text[]))`,
      [this.#log, instances.map(({ workflow }) => workflow), instances.map(({ id }) => id)],
    )
    return rows
  }
}

/**
 * Whether code fits the runs that were made before it: each journal is gone through with the code at hand, and nothing is done. Ask before
 * new code is deployed which instances it would leave standing.
 */
import { type Clock, systemClock } from '@keelson/kernel'
import type { RecordedEvent } from '../store/event.ts'
import type { SqlEventStore } from '../store/sql-event-store.ts'
import type { Instance } from './instance-names.ts'
import type { InstanceJournal } from './journal-cursor.ts'
import type { Workflow } from './workflow.ts'
import { type JournalRecord, recordOf } from './workflow-journal.ts'
import { WorkflowRun } from './workflow-run.ts'

/** The journal of an instance as it is exported: JSON. */
export interface WorkflowHistory extends Instance {
  readonly version: number
  readonly records: readonly JournalRecord[]
}

/** An instance that was gone through. */
export interface CheckedHistory extends Instance {
  readonly version: number
  /** What does not fit, and where; undefined when all does. */
  readonly problem: string | undefined
}

export interface HistoriesOptions {
  readonly workflow?: string | undefined
  /** Those that have ended too: they show ways that instances under way may still take. Default true. */
  readonly includesEnded?: boolean
  /** Instances at most, the newest first. Default 10,000. */
  readonly limit?: number
}

/** Journals that are gone through side by side: one that does not fit is waited for a moment. */
const mostAtOnce = 64
const pageSize = 200

const never = () => new Promise<never>(() => {})
/** Nothing is written. */
const silent: InstanceJournal = { read: never, append: never, transact: never, beginChild: never }

/**
 * Goes through histories with the code at hand. Results come in the order in which they are known.
 *
 * @example
 * for await (const { workflow, id, problem } of checkHistories([Onboarding], histories))
 *   if (problem) console.error(`${workflow} ${id} ${problem}`)
 */
export async function* checkHistories(
  definitions: readonly Workflow[],
  histories: AsyncIterable<WorkflowHistory> | Iterable<WorkflowHistory>,
  clock: Clock = systemClock,
): AsyncGenerator<CheckedHistory> {
  const checking = new Map<number, Promise<readonly [number, CheckedHistory]>>()
  let count = 0
  const take = async () => {
    const [at, checked] = await Promise.race(checking.values())
    checking.delete(at)
    return checked
  }
  for await (const history of histories) {
    const at = count++
    checking.set(
      at,
      checkHistory(definitions, history, clock).then((checked) => [at, checked]),
    )
    if (checking.size >= mostAtOnce) yield await take()
  }
  while (checking.size > 0) yield await take()
}

async function checkHistory(
  definitions: readonly Workflow[],
  { workflow, id, version, records }: WorkflowHistory,
  clock: Clock,
): Promise<CheckedHistory> {
  const definition = definitions.find((one) => one.name === workflow && one.version === version)
  if (!definition)
    return { workflow, id, version, problem: `there is no code of version ${version} of the workflow "${workflow}"` }
  const instance = { workflow, id, stream: '' }
  const run = new WorkflowRun(instance, definition, {
    ...{ instance, clock, journal: silent, now: () => records.at(-1)?.at ?? 0, hold: never, busy: never },
    ...{ mayIdle: () => false, stepped: () => {}, strayed: () => {} },
  })
  return { workflow, id, version, problem: await run.rehearse(records) }
}

/** The journals of a log, as they can be kept in a file and checked elsewhere. */
export async function* workflowHistories(
  store: SqlEventStore,
  { workflow, includesEnded = true, limit = 10_000 }: HistoriesOptions = {},
): AsyncGenerator<WorkflowHistory> {
  for (let offset = 0; offset < limit; offset += pageSize) {
    const { rows } = await store.database.query<Instance & { version: number; stream: string }>(
      `select workflow, id, version, stream from keelson_workflows where log = $1 and ($2::text is null or workflow = $2)
          and ($3::boolean or status not in ('completed', 'failed', 'cancelled'))
        order by started_at desc, workflow, id limit $4 offset $5`,
      [store.log, workflow ?? null, includesEnded, Math.min(pageSize, limit - offset), offset],
    )
    const slices = await Promise.all(rows.map(({ stream }) => store.readStream(stream)))
    for (const [at, { stream: _, ...instance }] of rows.entries()) {
      const records = historyOf(slices[at]?.events ?? [])
      // What was erased cannot be gone through.
      if (records.length > 0) yield { ...instance, records }
    }
    if (rows.length < pageSize) return
  }
}

function historyOf(events: readonly RecordedEvent[]): readonly JournalRecord[] {
  return events[0]?.version === 1 ? events.map(recordOf) : []
}

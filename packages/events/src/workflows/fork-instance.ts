/** A new instance that begins with what another was answered up to a step, so that nothing before it is done again. */
import { eventsErrors } from '../errors.ts'
import { requireInstanceId } from './checked-start.ts'
import type { Instance } from './instance-names.ts'
import { type Asked, askedIn, type JournalEvent, type JournalRecord, recordOf } from './workflow-journal.ts'
import type { WorkflowTables } from './workflow-tables.ts'

export interface ForkOptions {
  /** The step, timer, wait or child that is to be done again, with all that came after it. */
  readonly from: string
  /** The id of the new instance. */
  readonly as: string
}

/** Rejects with WORKFLOW_NOT_FOUND, WORKFLOW_INVALID for a step that it never came to, or WORKFLOW_ID_TAKEN. */
export async function forkInstance(tables: WorkflowTables, of: Instance, { from, as }: ForkOptions): Promise<void> {
  requireInstanceId(of.workflow, as)
  const { stream, version } = await tables.find(of)
  const { events } = await tables.store.readStream(stream)
  const copied = recordsBefore(from, events.map(recordOf))
  if (!copied)
    throw eventsErrors.WORKFLOW_INVALID({ workflow: of.workflow, reason: `"${of.id}" never came to "${from}"` })
  const instance = { workflow: of.workflow, id: as, version }
  await tables.database.transaction(async (transaction) => {
    if (!(await tables.copyWithin(transaction, instance, copied)))
      throw eventsErrors.WORKFLOW_ID_TAKEN({ workflow: of.workflow, id: as })
  })
}

/** Undefined when there is nothing of `from`. Children that had not ended are begun again. */
function recordsBefore(from: string, records: readonly JournalRecord[]): readonly JournalRecord[] | undefined {
  const isOf = (asked: Asked | undefined) => asked?.slice(asked.indexOf(' ') + 1) === from
  const at = records.findIndex(({ event, asked }) => isOf(askedIn(event)) || asked.some(isOf))
  if (at < 0) return undefined
  const before = records.slice(0, at)
  const ended = new Set(before.flatMap(({ event }) => (event.type === 'WorkflowChildEnded' ? [event.data.key] : [])))
  return before
    .filter(({ event }) => event.type !== 'WorkflowCancelRequested')
    .filter(({ event }) => event.type !== 'WorkflowChildStarted' || ended.has(event.data.key))
    .map((record) => ({ ...record, event: withoutParent(record.event) }))
}

/** Nobody waits for it. */
function withoutParent(event: JournalEvent): JournalEvent {
  return event.type === 'WorkflowStarted' ? { type: event.type, data: { ...event.data, parent: null } } : event
}

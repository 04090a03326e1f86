/** Runs of workflows in memory, in no time: what their journals would be in a database. */
import { type Clock, systemClock } from '@keelson/kernel'
import { defineWorkflow, type Workflow, type WorkflowContext, type WorkflowHistory } from '../../src/index.ts'
import type { InstanceJournal } from '../../src/workflows/journal-cursor.ts'
import { endOf, type JournalEvent, type JournalRecord, type RecordNotes } from '../../src/workflows/workflow-journal.ts'
import { WorkflowRun } from '../../src/workflows/workflow-run.ts'

const anything = { '~standard': { version: 1, vendor: 'keelson', validate: (value: unknown) => ({ value }) } } as const

export type Run = (workflow: WorkflowContext, input: Record<string, unknown>) => Promise<unknown>

export function orderWorkflow(run: Run): Workflow {
  return defineWorkflow({
    name: 'order',
    version: 1,
    input: anything,
    run: (workflow, input) => run(workflow, Object(input)),
  })
}

/** The history of a run that is given these signals, one each time it waits, and whose children end at once. It stops when it waits for more. */
export async function recorded(
  run: Run,
  id: string,
  input: unknown,
  signals: readonly unknown[],
): Promise<WorkflowHistory> {
  const records: JournalRecord[] = []
  const written = new Set<string>()
  let now = 1_000_000
  const add = (event: JournalEvent, notes: Partial<RecordNotes> = {}) =>
    records.push({ version: records.length + 1, at: now, asked: notes.asked ?? [], event }) && records.length
  add({ type: 'WorkflowStarted', data: { version: 1, input, parent: null } })
  const journal: InstanceJournal = {
    read: async (from) => records.slice(from - 1),
    append: async (of, event, notes) => {
      const name = JSON.stringify(of)
      if (written.has(name)) return undefined
      written.add(name)
      return add(event, notes)
    },
    transact: () => Promise.reject(new Error('there is no database')),
    beginChild: async (key, child, _, notes) => {
      add({ type: 'WorkflowChildStarted', data: { key, workflow: child.workflow, id: key } }, notes)
      add({ type: 'WorkflowChildEnded', data: { key, outcome: { status: 'completed', output: 'shipped' } } })
    },
  }
  const instance = { workflow: 'order', id, stream: '' }
  // Nothing takes time: what waits for a time rests, and time is moved there.
  const sleep = (_: number, signal?: AbortSignal) =>
    new Promise<void>((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
  const clock: Clock = { ...systemClock, sleep }
  const left = [...signals]
  for (;;) {
    const result = await new WorkflowRun(instance, orderWorkflow(run), {
      ...{ instance, journal, clock, now: () => now, hold: async () => {}, busy: async () => {} },
      ...{ mayIdle: () => false, stepped: () => {}, strayed: () => {} },
    }).run()
    if (result.kind === 'parked') throw new Error(result.reason)
    if (result.kind === 'ended') {
      add(endOf(result.outcome), result.notes)
      return { workflow: 'order', id, version: 1, records }
    }
    if (result.wakeAt !== null) now = result.wakeAt
    else if (left.length === 0) return { workflow: 'order', id, version: 1, records }
    else {
      const name = (result.waitingFor[0] ?? '').replace(/ #\d+$/, '')
      add({ type: 'WorkflowSignalReceived', data: { name, value: left.shift() } })
    }
  }
}

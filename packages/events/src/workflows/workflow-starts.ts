/** Begins instances for the events that a definition names: once per event, whoever reads them, since the place in the feed moves with the beginning. */
import { backoffMs, type Clock, isError } from '@keelson/kernel'
import type { SqlEventStore } from '../store/sql-event-store.ts'
import type { Workflow } from './workflow.ts'
import { asJson } from './workflow-journal.ts'
import type { WorkflowTables } from './workflow-tables.ts'

const pageSize = 200
const pauses = { firstMs: 100, mostMs: 5_000 }

/** Ends when the signal aborts. An event that the definition throws for is told to `failed` and passed over. */
export async function beginFromFeed(
  store: SqlEventStore,
  tables: WorkflowTables,
  definition: Workflow,
  clock: Clock,
  signal: AbortSignal,
  begun: () => void,
  failed: (error: unknown) => void,
): Promise<void> {
  const { startedBy, name } = definition
  if (!startedBy) return
  let failures = 0
  let position = 0
  while (!signal.aborted) {
    try {
      const { rows: places } = await store.database.query<{ position: number; epoch: number }>(
        `insert into keelson_workflow_starts as s (log, workflow) values ($1, $2)
          on conflict (log, workflow) do update set workflow = s.workflow returning position, epoch`,
        [store.log, name],
      )
      const place = places[0] ?? { position: 0, epoch: 0 }
      const page = await store.readFeed(place, { types: startedBy.types, limit: pageSize, includeArchived: true })
      position = page.next.position
      const inputs = page.events.flatMap((event) => {
        try {
          const begin = startedBy.begin(event)
          return begin ? [begin] : []
        } catch (error) {
          failed(error)
          return []
        }
      })
      if (page.next.position > place.position)
        await store.database.transaction(async (transaction) => {
          const { affected } = await transaction.query(
            'update keelson_workflow_starts set position = $4, epoch = $5 where log = $1 and workflow = $2 and position = $3',
            [store.log, name, place.position, page.next.position, page.next.epoch],
          )
          // Another program has read the same page.
          if (affected === 0) return
          for (const { id, input } of inputs) {
            const instance = { workflow: name, id, version: definition.version }
            await tables.beginWithin(transaction, instance, asJson(input), clock.now())
          }
        })
      if (inputs.length > 0) begun()
      failures = 0
      if (page.next.position === page.head) await store.waitBeyond(position, signal)
    } catch (error) {
      if (signal.aborted) return
      if (!isError(error, 'EVENTS_CLOSED')) failed(error)
      failures += 1
      await clock.sleep(backoffMs(pauses, failures), signal).catch(() => {})
    }
  }
}

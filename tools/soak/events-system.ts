/** The small system that the soak of events runs: its types, its read models, each a chain that shows any event left out, doubled or moved, and its workflow. */
import {
  defineEvents,
  defineProjection,
  defineWorkflow,
  event,
  onEvents,
  openEventStore,
  openInlineProjections,
  type Projection,
} from '@keelson/events'
import type { Database, Statement } from '@keelson/kernel'
import { z } from 'zod'

const data = z.object({ writer: z.string() })
const SoakEvents = defineEvents({ Written: event(data), Named: event(data), Ordered: event(data) })

const chainTable = (table: string) => [`create table ${table} (stream text primary key, count int, chain text)`]

/** Adds a position to the chain of a stream: nothing but the same positions in the same order gives the same text. */
function link(table: string, stream: string, position: number): Statement {
  return {
    sql: `insert into ${table} as t values ($1, 1, md5($2))
      on conflict (stream) do update set count = t.count + 1, chain = md5(t.chain || $2)`,
    parameters: [stream, String(position)],
  }
}

/** @param effect is told of each event after its commit. */
export function soakProjections(effect: (position: number) => void): readonly Projection[] {
  return [
    defineProjection({
      name: 'chained',
      version: 1,
      events: SoakEvents,
      tables: { soak_chained: chainTable },
      partitions: 4,
      project: ({ stream, position }, table) => link(table('soak_chained'), stream, position),
      effect: ({ position }) => effect(position),
    }),
    defineProjection({
      name: 'applied',
      version: 1,
      events: SoakEvents,
      tables: { soak_applied: chainTable },
      partitions: 2,
      project: () => undefined,
      // Statement by statement, so that there are many moments to be killed between the first change and the checkpoint.
      apply: async (events, change) => {
        for (const { stream, position } of events) {
          const { sql, parameters } = link(change.table('soak_applied'), stream, position)
          await change.query(sql, parameters)
        }
      },
    }),
  ]
}

/** A read model that is part of the append. */
const inline = defineProjection({
  name: 'inlined',
  version: 1,
  events: defineEvents({ Named: event(data) }),
  tables: { soak_inlined: chainTable },
  project: ({ stream, position }, table) => link(table('soak_inlined'), stream, position),
})

/** Two changes with a wait between them, each of which must be made once. */
export const soakWorkflow = defineWorkflow({
  name: 'soak',
  version: 1,
  input: z.object({ id: z.string() }),
  // Writers may be ahead of the first program that runs it.
  startedBy: onEvents(
    SoakEvents,
    (one) => (one.type === 'Ordered' ? { id: one.id, input: { id: one.id } } : undefined),
    { from: 'start' },
  ),
  run: async (workflow, { id }) => {
    for (const step of ['first', 'second']) {
      await workflow.transaction(step, async (transaction) => {
        await transaction.query('insert into soak_steps (id, step) values ($1, $2)', [id, step])
      })
      await workflow.sleep(`after ${step}`, 5)
    }
  },
})

export async function openSoakStore(database: Database) {
  return openInlineProjections({ store: await openEventStore({ database }), projections: [inline] })
}

/** A workflow: an order that is not paid in time is cancelled, unless somebody gives it more time. */
import { defineWorkflow, execute, onEvents, type SqlEventStore } from '@keelson/events'
import * as z from 'zod'
import { cancel, Order, OrderEvents } from './order.ts'

const termMs = 14 * 24 * 3_600_000
const Extension = z.object({ days: z.number().positive() })

export function paymentTerm(store: SqlEventStore) {
  return {
    ...defineWorkflow({
      name: 'payment-term',
      version: 1,
      input: z.object({ order: z.string() }),
      async run(workflow, { order }) {
        for (let leftMs = termMs; ; ) {
          const extension = await workflow.waitFor('extension', Extension, { timeoutMs: leftMs })
          if (!extension) break
          leftMs = extension.days * 24 * 3_600_000
        }
        // The key of the step makes it decide once, however often it is tried.
        await workflow.step('cancel', async ({ key }) => {
          await execute(store, Order, order, (state) => cancel(state, 'it was not paid in time'), { key })
        })
      },
    }),
    startedBy: onEvents(OrderEvents, ({ type, stream }) =>
      type === 'OrderPlaced' ? { id: stream, input: { order: stream.replace(/^order-/, '') } } : undefined,
    ),
  }
}

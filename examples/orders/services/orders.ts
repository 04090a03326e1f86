/** The service: its contract, and commands and queries put together. */
import { handleCommand, openEventStore, startProjections, startWorkflows } from '@keelson/events'
import { command, Database, defineContract, errorsOf, query } from '@keelson/kernel'
import { defineService, http } from '@keelson/services'
import * as z from 'zod'
import { Order, pay } from './order.ts'
import { orderList } from './order-list.ts'
import { paymentTerm } from './payment-term.ts'

const Changed = z.object({
  version: z.int(),
  position: z.int().describe('Ask the list for it to find the change there'),
})
const Row = z.object({ id: z.string(), owed: z.number(), status: z.string() })

export const Orders = defineContract('orders', '1.0.0', {
  place: command(
    {
      input: z.object({ id: z.string(), customer: z.string(), total: z.number().positive() }),
      output: Changed,
      errors: { ORDER_CONFLICT: z.object({ id: z.string() }) },
    },
    http('POST /v1/orders'),
  ),
  pay: command(
    {
      input: z.object({ id: z.string(), amount: z.number().positive() }),
      output: Changed,
      errors: { ORDER_NOT_FOUND: z.object({ id: z.string() }) },
    },
    http('POST /v1/orders/{id}/payments'),
  ),
  list: query(
    {
      input: z.object({
        customer: z.string(),
        position: z.int().default(0).describe('Not before this position is there'),
      }),
      output: z.object({ orders: z.array(Row) }),
    },
    http('GET /v1/orders'),
  ),
})

const { ORDER_CONFLICT } = errorsOf(Orders.operations.place)
const { ORDER_NOT_FOUND } = errorsOf(Orders.operations.pay)

export const orders = defineService(Orders, {
  uses: { database: Database },
  async start({ database, lifetime, clock, metrics, health, log }) {
    const store = lifetime.own(await openEventStore({ database, clock, metrics }))
    const projections = lifetime.own(await startProjections({ store, projections: [orderList], clock, metrics }))
    const onFailure = (error: unknown) => log.warn('a workflow met a failure', { error })
    const workflows = lifetime.own(
      await startWorkflows({ store, definitions: [paymentTerm(store)], clock, metrics, onFailure }),
    )
    health('projections', () => projections.health())
    health('workflows', () => workflows.health())
    return {
      place: handleCommand(Orders, 'place', {
        store,
        aggregate: Order,
        id: ({ id }) => id,
        decide: ({ id, customer, total }, { status }) => {
          if (status !== 'new') throw ORDER_CONFLICT({ id })
          return [{ type: 'OrderPlaced', data: { customer, total } }]
        },
      }),
      pay: handleCommand(Orders, 'pay', {
        store,
        aggregate: Order,
        id: ({ id }) => id,
        decide: ({ id, amount }, state) => {
          if (state.status === 'new') throw ORDER_NOT_FOUND({ id })
          return pay(state, amount)
        },
      }),
      list: async ({ customer, position }, call) => {
        await projections.waitFor(orderList.name, position, { signal: call.signal })
        const { rows } = await database.query<z.infer<typeof Row>>(
          `select substr(stream, 7) as id, owed, status from order_list where customer = $1 order by stream`,
          [customer],
        )
        return { orders: [...rows] }
      },
    }
  },
})

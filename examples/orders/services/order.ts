/** The order as its events make it, and what may be decided on it: no database, no framework. */
import { defineAggregate, defineEvents, type EventIn, event, type NewEventIn } from '@keelson/events'
import * as z from 'zod'

export const OrderEvents = defineEvents({
  OrderPlaced: event(z.object({ customer: z.string(), total: z.number() })),
  OrderPaid: event(z.object({ amount: z.number() })),
  OrderCancelled: event(z.object({ reason: z.string() })),
})

export interface OrderState {
  readonly status: 'new' | 'placed' | 'paid' | 'cancelled'
  readonly owed: number
}

const initial: OrderState = { status: 'new', owed: 0 }

export const Order = defineAggregate({ name: 'order', events: OrderEvents, initial, evolve })

function evolve(state: OrderState, { type, data }: EventIn<typeof OrderEvents>): OrderState {
  switch (type) {
    case 'OrderPlaced':
      return { status: 'placed', owed: data.total }
    case 'OrderPaid': {
      const owed = state.owed - data.amount
      return { status: owed <= 0 ? 'paid' : 'placed', owed }
    }
    case 'OrderCancelled':
      return { status: 'cancelled', owed: 0 }
  }
}

type Decision = readonly NewEventIn<typeof OrderEvents>[]

/** A payment beyond what is owed is cut down to it. */
export function pay(state: OrderState, amount: number): Decision {
  return state.owed > 0 ? [{ type: 'OrderPaid', data: { amount: Math.min(amount, state.owed) } }] : []
}

/** What is paid stays. */
export function cancel(state: OrderState, reason: string): Decision {
  return state.status === 'placed' ? [{ type: 'OrderCancelled', data: { reason } }] : []
}

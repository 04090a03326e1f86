/** The example that the tests of this package share: an order that is placed, paid and cancelled. */
import { defineErrors } from '@keelson/kernel'
import * as z from 'zod'
import { defineAggregate, defineEvents, event } from '../src/index.ts'

export const OrderEvents = defineEvents({
  OrderPlaced: event(z.object({ total: z.number().positive() })),
  OrderPaid: event(z.object({ amount: z.number(), at: z.iso.datetime().transform((text) => new Date(text)) })),
  OrderCancelled: event(z.object({ reason: z.string().default('none given') })),
})

export interface OrderState {
  readonly status: 'none' | 'placed' | 'paid' | 'cancelled'
  readonly total: number
  readonly events: number
}

export const Order = defineAggregate({
  name: 'order',
  events: OrderEvents,
  initial: { status: 'none', total: 0, events: 0 } as OrderState,
  evolve: (state, event): OrderState => {
    const events = state.events + 1
    switch (event.type) {
      case 'OrderPlaced':
        return { status: 'placed', total: event.data.total, events }
      case 'OrderPaid':
        return { ...state, status: event.data.at instanceof Date ? 'paid' : 'none', events }
      case 'OrderCancelled':
        return { ...state, status: 'cancelled', events }
    }
  },
  snapshot: { every: 10, version: 1 },
})

const orderErrors = defineErrors({
  ORDER_EXISTS: {
    kind: 'conflict',
    when: 'It was placed.',
    message: (_: Record<never, never>) => 'It was placed already',
  },
})

export const placed = (total: number) => ({ type: 'OrderPlaced', data: { total } }) as const

export function place(total: number) {
  return (state: OrderState) => {
    if (state.status !== 'none') throw orderErrors.ORDER_EXISTS({})
    return [placed(total)]
  }
}

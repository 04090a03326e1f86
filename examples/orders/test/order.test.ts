import { given } from '@keelson/events/testing'
import { describe, it } from 'vitest'
import { Order, pay } from '../services/order.ts'

const placed = { type: 'OrderPlaced', data: { customer: 'ada', total: 30 } } as const
const paid = (amount: number) => ({ type: 'OrderPaid', data: { amount } }) as const

describe('an order', () => {
  it('is paid in parts, and never more than it costs', async () => {
    await given(Order, [placed])
      .when((state) => pay(state, 10))
      .thenEvents([paid(10)])
    await given(Order, [placed, paid(10)])
      .when((state) => pay(state, 100))
      .thenEvents([paid(20)])
    await given(Order, [placed, paid(30)])
      .when((state) => pay(state, 1))
      .thenEvents([])
    await given(Order, [placed])
      .when((state) => pay(state, 30))
      .thenState({ status: 'paid', owed: 0 })
  })
})

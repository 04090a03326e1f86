import { EventsAdministration } from '@keelson/events'
import { pglite } from '@keelson/pglite'
import { startForTest } from '@keelson/services/testing'
import { describe, expect, it } from 'vitest'
import { events } from '../services/events.ts'
import { Orders, orders } from '../services/orders.ts'

describe('the orders service', () => {
  it('lists what was placed and paid, at the position its writer waits for', async () => {
    await using system = await startForTest({ services: [orders], adapters: [pglite()] })
    const service = system.get(Orders)
    await service.place({ id: '1', customer: 'ada', total: 30 })
    await service.place({ id: '2', customer: 'ada', total: 5 })
    const { version, position } = await service.pay({ id: '1', amount: 10 })
    expect(version).toBe(2)
    expect(await service.list({ customer: 'ada', position })).toEqual({
      orders: [
        { id: '1', owed: 20, status: 'placed' },
        { id: '2', owed: 5, status: 'placed' },
      ],
    })
    await expect(service.place({ id: '1', customer: 'bob', total: 1 })).rejects.toMatchObject({
      code: 'ORDER_CONFLICT',
    })
    await expect(service.pay({ id: '9', amount: 1 })).rejects.toMatchObject({ code: 'ORDER_NOT_FOUND' })
  })

  it('goes on beside an event that cannot be read, which an operator sees and tries again', async () => {
    await using system = await startForTest({ services: [orders, events], adapters: [pglite()] })
    const operator = system.get(EventsAdministration)
    const bad = await operator.append({ stream: 'order-1', type: 'OrderPaid', payload: { amount: 'much' } })
    await system.get(Orders).place({ id: '2', customer: 'ada', total: 5 })
    await system.get(Orders).list({ customer: 'ada', position: bad.position + 1 })
    const { events: parked } = await operator.parked({ name: 'order_list' })
    expect(parked).toMatchObject([
      { position: bad.position, key: 'order-1', reason: expect.stringContaining('amount') },
    ])
    expect(await operator.retry({ name: 'order_list' })).toEqual({ parked: 1 })
    expect((await operator.projections()).projections).toMatchObject([{ name: 'order_list', parked: 1, lag: 0 }])
  })
})

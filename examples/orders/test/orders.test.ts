import { EventsAdministration } from '@keelson/events'
import { createFakeClock, type FakeClock } from '@keelson/kernel/testing'
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

  it('cancels what is not paid in time, and not what was given more time', async () => {
    const clock = createFakeClock()
    await using system = await startForTest({ services: [orders, events], adapters: [pglite()], clock })
    const service = system.get(Orders)
    const operator = system.get(EventsAdministration)
    const day = 24 * 3_600_000
    const terms = async () => {
      const { workflows } = await operator.workflows({ workflow: 'payment-term' })
      return Object.fromEntries(workflows.map(({ id, status, waitingFor }) => [id, `${status} ${waitingFor}`]))
    }
    const patience = { timeout: 10_000 }
    const waiting = { 'order-1': 'waiting extension', 'order-2': 'waiting extension' }
    await service.place({ id: '1', customer: 'ada', total: 30 })
    await service.place({ id: '2', customer: 'ada', total: 5 })
    await expect.poll(() => passing(clock, 250, terms), patience).toEqual(waiting)
    await operator.signal({ workflow: 'payment-term', id: 'order-2', name: 'extension', json: '{"days":300}' })
    await expect
      .poll(() => passing(clock, 250, terms), patience)
      .toEqual({ ...waiting, 'order-2': 'waiting extension #2' })
    await expect
      .poll(() => passing(clock, day, terms), patience)
      .toEqual({ 'order-1': 'completed ', 'order-2': 'waiting extension #2' })
    await operator.cancel({ workflow: 'payment-term', id: 'order-2', reason: 'paid in cash' })
    await expect.poll(() => passing(clock, 250, terms), patience).toMatchObject({ 'order-2': 'cancelled ' })
    expect(await operator.resume({ workflow: 'payment-term', id: 'order-2' })).toEqual({ isResumed: false })
    await service.pay({ id: '2', amount: 1 })
    const listed = async () => (await service.list({ customer: 'ada' })).orders
    await expect
      .poll(() => passing(clock, 250, listed), patience)
      .toEqual([
        { id: '1', owed: 0, status: 'cancelled' },
        { id: '2', owed: 4, status: 'placed' },
      ])
    const refused = operator.signal({ workflow: 'payment-term', id: 'order-2', name: 'extension', json: '{days' })
    await expect(refused).rejects.toMatchObject({ code: 'WORKFLOW_INVALID' })
  })
})

/** What `work` gives after a time in which everybody had a turn. */
async function passing<T>(clock: FakeClock, ms: number, work: () => Promise<T>): Promise<T> {
  await clock.advance(ms)
  return work()
}

import { beginCall, command, createCall, defineContract, rootCall, runInCall } from '@keelson/kernel'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { createInMemoryEventStore, defineAggregate, execute, handleCommand } from '../../src/index.ts'
import { Order, type OrderState, place } from '../order.ts'

const pay = (amount: number) => (state: OrderState) => {
  if (state.status !== 'placed') throw new Error('nothing is owed')
  return [{ type: 'OrderPaid', data: { amount, at: new Date().toISOString() } }] as const
}
const cancel = () => [{ type: 'OrderCancelled', data: {} }] as const

describe('execute() with a key', () => {
  it('answers a repeat as it did the first time, whatever has come since, snapshots and erasure included', async () => {
    const store = createInMemoryEventStore()
    const Snapped = defineAggregate({ ...Order, snapshot: { every: 2, version: 1 } })
    await execute(store, Snapped, '7', place(20))
    const first = await execute(store, Snapped, '7', pay(20), { key: 'k' })
    for (let turn = 0; turn < 5; turn++) await execute(store, Snapped, '7', cancel)
    const again = await execute(store, Snapped, '7', pay(20), { key: 'k' })
    expect(again).toMatchObject({ version: 2, position: 2, state: first.state, isRepeat: true })
    expect(again.events).toMatchObject([{ type: 'OrderPaid', data: { amount: 20 } }])
    await store.truncate('order-7', 6)
    const after = await execute(store, Snapped, '7', pay(20), { key: 'k' })
    expect(after).toMatchObject({ version: 2, position: 2, isRepeat: true })
    expect((await store.head()).position).toBe(7)
  })

  it('takes effect once when the same command comes many times at once', async () => {
    const store = createInMemoryEventStore()
    await execute(store, Order, '8', place(5))
    const all = await Promise.all([1, 2, 3].map(() => execute(store, Order, '8', pay(5), { key: 'k' })))
    expect(all.filter(({ isRepeat }) => !isRepeat)).toHaveLength(1)
    expect(new Set(all.map(({ position }) => position))).toEqual(new Set([2]))
  })

  it('refuses another command under the same key by name', async () => {
    const store = createInMemoryEventStore()
    await execute(store, Order, '7', place(5))
    await execute(store, Order, '7', pay(5), { key: 'k' })
    const other = execute(store, Order, '7', cancel, { key: 'k' })
    await expect(other).rejects.toMatchObject({ code: 'EVENTS_KEY_REUSED' })
  })

  it('knows a command again that was decided with ids of its own', async () => {
    const store = createInMemoryEventStore()
    const decide = () => [{ type: 'OrderCancelled' as const, data: {}, id: crypto.randomUUID() }]
    await execute(store, Order, '7', decide, { key: 'k' })
    expect(await execute(store, Order, '7', decide, { key: 'k' })).toMatchObject({ isRepeat: true, position: 1 })
  })

  it('executes each of several commands of one call, once however often the call comes', async () => {
    const store = createInMemoryEventStore()
    await execute(store, Order, '7', place(5))
    const step = () =>
      runInCall(beginCall(createCall({ key: 'request-1' })), async () => [
        await execute(store, Order, '7', cancel),
        await execute(store, Order, '7', cancel),
        await execute(store, Order, '8', place(1)),
      ])
    const [first, second] = [await step(), await step()]
    expect(first.map(({ version, isRepeat }) => [version, isRepeat])).toEqual([
      [2, false],
      [3, false],
      [1, false],
    ])
    expect(second.map(({ version, isRepeat }) => [version, isRepeat])).toEqual([
      [2, true],
      [3, true],
      [1, true],
    ])
  })
})

const Changed = z.object({ version: z.int(), position: z.int() })
const Orders = defineContract('orders', '1.0.0', {
  place: command({
    input: z.object({ id: z.string(), total: z.number(), expected: z.int().optional() }),
    output: Changed,
  }),
  cancel: command({ input: z.object({ id: z.string() }), output: Changed }),
})

describe('handleCommand()', () => {
  const store = createInMemoryEventStore()
  const handler = handleCommand(Orders, 'place', {
    store,
    aggregate: Order,
    id: ({ id }) => id,
    expected: ({ expected }) => expected,
    authorize: (_, __, call) => {
      if (call.origin.identity.subject !== 'ada') throw new Error('not yours')
    },
    decide: ({ total }, state) => place(total)(state),
  })
  const asked = { correlationId: 'c-1', key: 'once' }
  const call = createCall({ ...asked, subject: 'ada' })

  it('authorises, decides and answers in the call that asked', async () => {
    await expect(handler({ id: '1', total: 5 }, rootCall)).rejects.toThrow('not yours')
    expect(await handler({ id: '1', total: 5 }, call)).toEqual({ version: 1, position: 1 })
    await expect(handler({ id: '2', total: 5, expected: 3 }, call)).rejects.toMatchObject({
      code: 'EVENTS_VERSION_CONFLICT',
    })
    const [first] = (await store.readStream('order-1')).events
    expect(first?.metadata).toEqual({ correlationId: 'c-1', actor: 'ada', command: expect.any(String) })
  })

  it('takes a key for the same operation with the same input, and for nothing and nobody else', async () => {
    expect(await handler({ id: '1', total: 5 }, call)).toEqual({ version: 1, position: 1 })
    await expect(handler({ id: '1', total: 6 }, call)).rejects.toMatchObject({ code: 'EVENTS_KEY_REUSED' })
    await expect(handler({ id: '1', total: 5 }, createCall({ ...asked, subject: 'bob' }))).rejects.toThrow('not yours')
    const canceller = handleCommand(Orders, 'cancel', { store, aggregate: Order, id: ({ id }) => id, decide: cancel })
    await expect(canceller({ id: '1' }, call)).rejects.toMatchObject({ code: 'EVENTS_KEY_REUSED' })
  })
})

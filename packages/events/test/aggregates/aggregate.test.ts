import { given } from '@keelson/events/testing'
import { type CallContext, rootCall } from '@keelson/kernel'
import { describe, expect, it } from 'vitest'
import { createInMemoryEventStore, execute, handleCommand, loadAggregate } from '../../src/index.ts'
import { Order, type OrderState, place, placed } from '../order.ts'

const cancel = () => [{ type: 'OrderCancelled', data: {} }] as const

describe('execute()', () => {
  it('decides on the state, appends and gives the state after', async () => {
    const store = createInMemoryEventStore()
    const executed = await execute(store, Order, '7', place(20))
    expect(executed).toMatchObject({
      stream: 'order-7',
      version: 1,
      position: 1,
      state: { status: 'placed', total: 20 },
    })
    expect(await loadAggregate(store, Order, '7')).toEqual({
      stream: 'order-7',
      version: 1,
      streamState: 'open',
      state: { status: 'placed', total: 20, events: 1 },
    })
  })

  it('decides again when others were first, so that one of many is taken by its rule and none lost', async () => {
    const store = createInMemoryEventStore()
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => execute(store, Order, '7', place(20))))
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(all.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'ORDER_EXISTS' } })
    await Promise.all(Array.from({ length: 8 }, () => execute(store, Order, '7', cancel, { attempts: 50 })))
    expect((await loadAggregate(store, Order, '7')).version).toBe(9)
  })

  it('does not try again for a caller that expected a version, nor for ever', async () => {
    const store = createInMemoryEventStore()
    await execute(store, Order, '7', place(20))
    await expect(execute(store, Order, '7', cancel, { expected: 0 })).rejects.toMatchObject({
      code: 'EVENTS_VERSION_CONFLICT',
    })
    let decisions = 0
    const disturbed = execute(
      store,
      Order,
      '7',
      async () => {
        decisions += 1
        await store.append('order-7', [placed(1)])
        return cancel()
      },
      { attempts: 3 },
    )
    await expect(disturbed).rejects.toMatchObject({ code: 'EVENTS_VERSION_CONFLICT' })
    expect(decisions).toBe(3)
  })

  it('takes effect once for a key, also when the state has moved on', async () => {
    const store = createInMemoryEventStore()
    const first = await execute(store, Order, '7', place(20), { key: 'k' })
    await execute(store, Order, '7', cancel)
    const again = await execute(store, Order, '7', place(20), { key: 'k' })
    expect([first.isRepeat, again.isRepeat, again.version]).toEqual([false, true, 2])
    const both = await Promise.all([1, 2].map(() => execute(store, Order, '8', place(5), { key: 'k' })))
    expect(both.map(({ isRepeat }) => isRepeat).sort()).toEqual([false, true])
  })

  it('loads from snapshots by its policy, and drops those of an earlier form', async () => {
    const store = createInMemoryEventStore()
    await execute(store, Order, '7', place(1))
    for (let turn = 0; turn < 24; turn++) await execute(store, Order, '7', cancel)
    expect(await store.readSnapshot('order-7', { name: 'order', version: 1 })).toMatchObject({
      version: 20,
      state: { events: 20 },
    })
    expect((await loadAggregate(store, Order, '7')).state.events).toBe(25)
    const counted = { ...Order, evolve: (state: OrderState) => ({ ...state, events: state.events + 2 }) }
    expect((await loadAggregate(store, counted, '7')).state.events).toBe(20 + 2 * 5)
    const changed = { ...counted, snapshot: { every: 10, version: 2 } }
    expect((await loadAggregate(store, changed, '7')).state.events).toBe(50)
    expect(await store.readSnapshot('order-7', { name: 'order', version: 1 })).toBeUndefined()
  })

  it('appends nothing when nothing was decided', async () => {
    const store = createInMemoryEventStore()
    expect(await execute(store, Order, '7', () => [])).toMatchObject({ version: 0, events: [], position: 0 })
    expect(await store.head()).toMatchObject({ position: 0 })
  })
})

describe('handleCommand()', () => {
  it('authorises, decides and answers in the call that asked', async () => {
    const store = createInMemoryEventStore()
    const handler = handleCommand({
      store,
      aggregate: Order,
      id: (input: { id: string; total: number; expected?: number }) => input.id,
      expected: ({ expected }) => expected,
      authorize: (_, __, call) => {
        if (call.subject !== 'ada') throw new Error('not yours')
      },
      decide: ({ total }, state) => place(total)(state),
    })
    const call: CallContext = { ...rootCall, correlationId: 'c-1', subject: 'ada', idempotencyKey: 'once' }
    await expect(handler({ id: '1', total: 5 }, rootCall)).rejects.toThrow('not yours')
    expect(await handler({ id: '1', total: 5 }, call)).toEqual({ version: 1, position: 1 })
    expect(await handler({ id: '1', total: 5 }, call)).toEqual({ version: 1, position: 0 })
    await expect(handler({ id: '2', total: 5, expected: 3 }, call)).rejects.toMatchObject({
      code: 'EVENTS_VERSION_CONFLICT',
    })
    const [first] = (await store.readStream('order-1')).events
    expect(first?.metadata).toEqual({ correlationId: 'c-1', actor: 'ada' })
  })
})

describe('given()', () => {
  it('states what follows from a decision', async () => {
    await given(Order)
      .when(place(20))
      .thenEvents([placed(20)])
    await given(Order, [placed(20)])
      .when(cancel)
      .thenState({ status: 'cancelled', total: 20, events: 2 })
    await given(Order, [placed(20)])
      .when(place(20))
      .thenRefused('ORDER_EXISTS')
    await given(Order)
      .when(() => [])
      .thenEvents([])
  })

  it('fails with what followed instead', async () => {
    await expect(
      given(Order)
        .when(place(20))
        .thenEvents([placed(30)]),
    ).rejects.toThrow(/total: 20/)
    await expect(given(Order).when(place(20)).thenRefused('ORDER_EXISTS')).rejects.toThrow(
      /not refused: OrderPlaced was decided/,
    )
    await expect(
      given(Order, [placed(1)])
        .when(place(20))
        .thenRefused('OTHER'),
    ).rejects.toThrow(/refused with .*already, not OTHER/)
  })
})

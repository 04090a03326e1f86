import { given } from '@keelson/events/testing'
import { createFakeClock } from '@keelson/kernel/testing'
import { describe, expect, it } from 'vitest'
import { createInMemoryEventStore, defineAggregate, execute, type LoadOptions, loadAggregate } from '../../src/index.ts'
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
    await expect(execute(store, Order, '7', () => [], { expected: 99 })).rejects.toMatchObject({
      code: 'EVENTS_VERSION_CONFLICT',
    })
  })

  it('never decides for a caller that expected another version', async () => {
    const decide = () => {
      throw new Error('decided')
    }
    const refused = execute(createInMemoryEventStore(), Order, '7', decide, { expected: 3 })
    await expect(refused).rejects.toMatchObject({ code: 'EVENTS_VERSION_CONFLICT' })
  })
})

describe('defineAggregate()', () => {
  it('gives no two pairs of name and id one stream', async () => {
    const store = createInMemoryEventStore()
    const Line = defineAggregate({ ...Order, name: 'order-line' })
    await execute(store, Order, 'line-7', place(5))
    expect((await loadAggregate(store, Line, '7')).version).toBe(0)
    await execute(store, Line, '7', place(6))
    expect((await store.streams()).map(({ stream }) => stream)).toEqual(['order-line-7', 'order~line-7'])
    for (const name of ['', 'order~line', '7', 'a b', 'Übung'])
      expect(() => defineAggregate({ ...Order, name })).toThrow(
        expect.objectContaining({ code: 'EVENTS_AGGREGATE_INVALID' }),
      )
  })

  it('goes on with streams that were named otherwise', async () => {
    const store = createInMemoryEventStore()
    await store.append('order-line-7', [placed(5)])
    const Line = defineAggregate({ ...Order, name: 'order-line', stream: (id) => `order-line-${id}` })
    expect((await loadAggregate(store, Line, '7')).state.total).toBe(5)
  })
})

describe('loadAggregate()', () => {
  it('loads an aggregate as it was at a version or a time, with and without snapshots', async () => {
    const clock = createFakeClock({ now: 1_000 })
    const store = createInMemoryEventStore({ clock })
    await execute(store, Order, '7', place(20))
    for (let turn = 0; turn < 14; turn++) {
      await clock.advance(1_000)
      await execute(store, Order, '7', cancel)
    }
    const stateAt = async (options: LoadOptions) => (await loadAggregate(store, Order, '7', options)).state.events
    expect([await stateAt({ version: 0 }), await stateAt({ version: 4 }), await stateAt({ version: 12 })]).toEqual([
      0, 4, 12,
    ])
    expect([await stateAt({ at: new Date(500) }), await stateAt({ at: new Date(3_500) })]).toEqual([0, 3])
    expect(await loadAggregate(store, Order, '7', { version: 99 })).toMatchObject({ version: 15 })
    await store.truncate('order-7', 6)
    expect((await loadAggregate(store, Order, '7')).state.events).toBe(15)
    await expect(stateAt({ version: 3 })).rejects.toMatchObject({ code: 'EVENTS_HISTORY_ERASED' })
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

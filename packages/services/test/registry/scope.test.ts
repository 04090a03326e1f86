import { defineContract, query } from '@keelson/kernel'
import { createFakeClock } from '@keelson/kernel/testing'
import { createInMemoryLog } from '@keelson/telemetry'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { Registry } from '../../src/registry/registry.ts'
import { defineService, optional } from '../../src/service/service.ts'

const Prices = defineContract('prices', '1.0.0', {
  of: query({ input: z.object({ item: z.string() }), output: z.object({ price: z.number() }) }),
})
const Receipts = defineContract('receipts', '1.0.0', {
  total: query({ output: z.object({ text: z.string() }) }),
})
const prices = (price: number) => defineService(Prices, { start: () => ({ of: () => ({ price }) }) })

let registry: Registry
beforeEach(() => {
  registry = new Registry({ clock: createFakeClock(), log: createInMemoryLog() })
})
afterEach(() => registry.shutdown())

describe('scope()', () => {
  it('makes objects anew for each scope, over what runs outside', async () => {
    registry.register(prices(3))
    const closed: string[] = []
    const openSession = async (customer: string) => {
      const session = registry.scope()
      const Cart = session.register(
        'cart',
        ({ prices }) => ({
          customer,
          priceOf: async (item: string) => (await prices.of({ item })).price,
          cleanup: () => closed.push(customer),
        }),
        { uses: { prices: Prices } },
      )
      await session.start()
      return { session, cart: session.resolve(Cart) }
    }
    const [ann, bob] = await Promise.all([openSession('Ann'), openSession('Bob')])
    expect([ann.cart.customer, bob.cart.customer]).toEqual(['Ann', 'Bob'])
    expect(await ann.cart.priceOf('anchor')).toBe(3)
    expect(ann.session.list()).toMatchObject([{ name: 'cart', state: 'running', dependsOn: ['prices'] }])
    expect(registry.list()).toMatchObject([{ name: 'prices', state: 'running' }])
    await ann.session.shutdown()
    expect(closed).toEqual(['Ann'])
    // What is shared goes on, and so does the other scope.
    expect(await bob.cart.priceOf('anchor')).toBe(3)
    await bob.session.shutdown()
  })

  it('runs services of its own, prefers them to those outside, and falls back to those', async () => {
    registry.register(prices(3))
    await registry.start()
    const tenant = registry.scope()
    tenant.register(prices(7))
    tenant.register(
      defineService(Receipts, {
        uses: { prices: Prices },
        start: ({ prices }) => ({ total: async () => ({ text: String((await prices.of({ item: 'x' })).price) }) }),
      }),
    )
    await tenant.start()
    expect(await tenant.resolve(Receipts).total()).toEqual({ text: '7' })
    expect(await tenant.resolve(Prices).of({ item: 'x' })).toEqual({ price: 7 })
    expect(await registry.resolve(Prices).of({ item: 'x' })).toEqual({ price: 3 })
    const empty = registry.scope()
    expect(await empty.resolve(Prices).of({ item: 'x' })).toEqual({ price: 3 })
    expect(empty.resolve('prices')).toBe(registry.resolve('prices'))
    await tenant.shutdown()
    expect(await registry.resolve(Prices).of({ item: 'x' })).toEqual({ price: 3 })
  })

  it('names what is missing inside and outside', async () => {
    const session = registry.scope()
    session.register('cart', () => ({}), { uses: { prices: Prices } })
    await expect(session.start()).rejects.toMatchObject({ code: 'DEPENDENCY_MISSING' })
    expect(() => session.resolve(Prices)).toThrow(expect.objectContaining({ code: 'SERVICE_UNKNOWN' }))
    await session.shutdown()
  })

  it('sees what it can do without come and go outside', async () => {
    registry.register(prices(3))
    const session = registry.scope()
    const Cart = session.register('cart', ({ prices }) => ({ hasPrices: () => prices.current !== undefined }), {
      uses: { prices: optional(Prices, 'shows no prices') },
    })
    await session.start()
    expect(session.resolve(Cart).hasPrices()).toBe(false)
    await registry.start()
    expect(session.resolve(Cart).hasPrices()).toBe(true)
    await session.shutdown()
  })
})

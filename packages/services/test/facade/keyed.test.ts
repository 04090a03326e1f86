/** Commands under idempotency keys: each takes effect once, however it is repeated. */
import { type CallContext, command, createCall, defineContract, KeelsonError, namedCall } from '@keelson/kernel'
import { createFakeClock, type FakeClock } from '@keelson/kernel/testing'
import { createInMemoryIdempotencyStore, deadline, IdempotencyStore, keyed, retry } from '@keelson/resilience'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { http } from '../../src/rest/http.ts'
import { defineService } from '../../src/service/service.ts'
import { startForTest } from '../../src/testing.ts'
import { later, outcome } from './backend.ts'
import { busy } from './busy.ts'

const Charge = z.object({ amount: z.int() })
const Pay = defineContract('pay', '1.0.0', {
  charge: command(
    { input: Charge, output: z.object({ number: z.int() }) },
    http('POST /v1/charges'),
    keyed({ keep: '1h' }),
    deadline('1s'),
    retry({ initial: 1 }),
  ),
  book: command({ input: Charge, output: z.object({ number: z.int() }) }, keyed()),
  refund: command({ input: Charge, output: z.object({ number: z.int() }) }, retry({ initial: 1 })),
})

type Implementation = (input: { amount: number }, call: CallContext) => unknown

async function startPay(charge: Implementation, store = createInMemoryIdempotencyStore()) {
  const clock = createFakeClock()
  const pay = defineService(Pay, {
    // What a test answers with is its own business.
    start: () => ({ charge: charge as never, book: charge as never, refund: charge as never }),
  })
  const system = await startForTest({ services: [pay], clock, listen: true, random: () => 0 })
  system.registry.provideValue(IdempotencyStore, store)
  const { charge: call, refund } = system.get(Pay)
  return {
    ...{ system, clock, store, refund },
    charge: (amount: number, options: Parameters<typeof createCall>[0] = { key: 'k' }) =>
      call({ amount }, createCall(options)),
    [Symbol.asyncDispose]: async () => {
      const closing = system.close()
      await clock.advance(60_000)
      await closing
    },
  }
}

/** Lets tries follow each other: each of their waits begins only after a few turns of the event loop. */
async function settle(clock: FakeClock): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await clock.advance(50)
}

const refused = () => new KeelsonError({ code: 'CARD_REFUSED', message: 'refused', kind: 'conflict' })

describe('keyed()', () => {
  it('answers repeats with the first answer, and keeps no more of it than the contract lets out', async () => {
    let runs = 0
    await using pay = await startPay(() => ({ number: ++runs, secret: 'x' }))
    expect(await pay.charge(5)).toMatchObject({ number: 1 })
    expect(await pay.charge(5)).toEqual({ number: 1 })
    expect(await pay.charge(5, { key: 'other' })).toMatchObject({ number: 2 })
    expect(pay.system.registry.host('pay').policyState('charge').keyed).toEqual({ repeats: 1 })
  })

  it('tells tenants and subjects apart, and calls without a key run each time', async () => {
    let runs = 0
    await using pay = await startPay(() => ({ number: ++runs }))
    const callers = [
      {},
      {},
      { key: 'k' },
      { key: 'k', subject: 'ada' },
      { key: 'k', subject: 'bob' },
      { key: 'k', tenant: 'acme', subject: 'ada' },
      { key: 'k', tenant: 'acme' },
    ]
    for (const caller of callers) await pay.charge(5, caller)
    expect(runs).toBe(callers.length)
  })

  it('says that the first call runs still, and that another input came under the key', async () => {
    const answer = later<object>()
    await using pay = await startPay(() => answer.promise)
    const first = pay.charge(5)
    await pay.clock.advance(0)
    const second = await pay.charge(5).catch((error: unknown) => error)
    expect(second).toMatchObject({ code: 'CALL_IN_PROGRESS', retryable: true, details: { retryAfterMs: 100 } })
    expect(await outcome(pay.charge(6))).toBe('IDEMPOTENCY_KEY_REUSED')
    answer.resolve({ number: 1 })
    expect(await first).toEqual({ number: 1 })
    expect(await pay.charge(5)).toEqual({ number: 1 })
  })

  it('keeps the answer of a call whose caller has gone, once there is one', async () => {
    const answer = later<object>()
    let runs = 0
    await using pay = await startPay(() => {
      runs++
      return answer.promise
    })
    const leaving = new AbortController()
    const left = outcome(pay.charge(5, { key: 'k', signal: leaving.signal }))
    await pay.clock.advance(1_100)
    leaving.abort()
    expect(await left).toBe('DEADLINE_EXCEEDED')
    expect(await outcome(pay.charge(6))).toBe('IDEMPOTENCY_KEY_REUSED')
    answer.resolve({ number: 7 })
    await pay.clock.advance(1)
    expect(await pay.charge(5)).toEqual({ number: 7 })
    expect(runs).toBe(1)
  })

  it('keeps errors that are answers, and runs again after those that may pass', async () => {
    const failures: unknown[] = [busy(), busy(), busy(), new Error('a fault'), refused()]
    let runs = 0
    await using pay = await startPay(() => {
      runs++
      throw failures.shift()
    })
    const charging = outcome(pay.charge(5))
    await settle(pay.clock)
    expect([await charging, runs]).toEqual(['BUSY', 3])
    expect(String(await outcome(pay.charge(5)))).toContain('a fault')
    expect(await outcome(pay.charge(5))).toBe('CARD_REFUSED')
    const repeated = await pay.charge(5).catch((error: unknown) => error)
    expect(repeated).toMatchObject({ code: 'CARD_REFUSED', kind: 'conflict', message: 'refused' })
    expect(runs).toBe(5)
  })

  it('lets a key repeat nothing that does not declare it', async () => {
    let runs = 0
    await using pay = await startPay(() => {
      runs++
      throw busy()
    })
    expect(await outcome(pay.refund({ amount: 1 }, createCall({ key: 'k' })))).toBe('BUSY')
    expect(runs).toBe(1)
    expect(await outcome(pay.charge(1, {}))).toBe('BUSY')
    expect(runs).toBe(2)
  })

  it('refuses rather than runs when nobody can say whether it ran, and says so of an answer too large to keep', async () => {
    let runs = 0
    const away = { claim: async () => Promise.reject(new Error('connection refused')) }
    await using pay = await startPay(() => ({ number: ++runs }), away)
    expect(await outcome(pay.charge(5))).toBe('IDEMPOTENCY_STORE_UNREACHABLE')
    expect(runs).toBe(0)

    const Big = defineContract('big', '1.0.0', { make: command({ output: z.string() }, keyed()) })
    const big = defineService(Big, {
      start: () => ({
        make: () => {
          runs++
          return 'x'.repeat(2 ** 21)
        },
      }),
    })
    await using system = await startForTest({ services: [big] })
    const make = () => system.get(Big).make(undefined, createCall({ key: 'k' }))
    expect(await make()).toHaveLength(2 ** 21)
    expect(await outcome(make())).toBe('IDEMPOTENCY_ANSWER_LOST')
    expect(runs).toBe(1)
  })

  it('waits no longer than two seconds for a store that does not answer, and leaves nothing claimed', async () => {
    const store = createInMemoryIdempotencyStore()
    const hanging = later<void>()
    let runs = 0
    await using pay = await startPay(() => ({ number: ++runs }), {
      claim: (claim) => hanging.promise.then(() => store.claim(claim)),
    })
    const book = () => pay.system.get(Pay).book({ amount: 5 }, createCall({ key: 'patient' }))
    const refused = outcome(book())
    await pay.clock.advance(2_100)
    expect([await refused, runs]).toEqual(['IDEMPOTENCY_STORE_UNREACHABLE', 0])
    hanging.resolve()
    await pay.clock.advance(1)
    expect(await book()).toMatchObject({ number: 1 })
  })

  it('is turned off together with the repetition that rests on it', async () => {
    let runs = 0
    await using pay = await startPay(() => {
      runs++
      throw busy()
    })
    await pay.system.configuration.update('policies.services.pay.operations.charge.keyed', false)
    expect(await outcome(pay.charge(5))).toBe('BUSY')
    expect(runs).toBe(1)
  })

  it('holds over REST, where a malformed key is refused', async () => {
    let runs = 0
    await using pay = await startPay(() => ({ number: ++runs }))
    const post = async (key: string) => {
      const response = await fetch(`${pay.system.url}/v1/charges`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: '{"amount":5}',
      })
      const body = (await response.json()) as { number?: number; code?: string }
      return body.number ?? body.code
    }
    expect([await post('k'), await post('k'), await post('l')]).toEqual([1, 1, 2])
    expect(await post('order 42')).toBe('IDEMPOTENCY_KEY_INVALID')
  })
})

describe('commands that a keyed command calls', () => {
  const Order = z.object({ lines: z.array(z.int()) })
  const Shop = defineContract('shop', '1.0.0', {
    order: command({ input: Order, output: z.array(z.int()) }, keyed(), retry({ initial: 1, attempts: 5 })),
  })

  async function startShop(order: 'in turn' | 'named') {
    let charges = 0
    const failures: unknown[] = []
    const pay = defineService(Pay, {
      start: () => ({
        charge: () => ({ number: ++charges }),
        book: () => ({ number: 0 }),
        refund: () => ({ number: 0 }),
      }),
    })
    const shop = defineService(Shop, {
      uses: { pay: Pay },
      start: ({ pay: payments }) => ({
        order: async ({ lines }, call) => {
          const receipts: number[] = []
          const sorted = order === 'named' && failures.length > 0 ? lines.toReversed() : lines
          for (const amount of sorted) {
            const own = order === 'named' ? namedCall(call, `line ${amount}`) : undefined
            receipts.push((await payments.charge({ amount }, own)).number)
          }
          const failure = failures.pop()
          if (failure) throw failure
          return receipts
        },
      }),
    })
    const clock = createFakeClock()
    const system = await startForTest({ services: [pay, shop], clock, random: () => 0 })
    return { system, clock, failures, charges: () => charges, [Symbol.asyncDispose]: () => system.close() }
  }

  it('are as many as they are, and happen once however often it is tried', async () => {
    await using shop = await startShop('in turn')
    shop.failures.push(busy(), busy())
    const ordering = shop.system.get(Shop).order({ lines: [1, 1, 2] }, createCall({ key: 'k' }))
    await settle(shop.clock)
    expect([await ordering, shop.charges()]).toEqual([[1, 2, 3], 3])
    expect(await shop.system.get(Shop).order({ lines: [1, 1, 2] }, createCall({ key: 'k' }))).toEqual([1, 2, 3])
    await shop.system.get(Shop).order({ lines: [1, 1, 2] }, createCall({ key: 'l' }))
    expect(shop.charges()).toBe(6)
  })

  it('happen once in whatever order, where each is named', async () => {
    await using shop = await startShop('named')
    shop.failures.push(busy())
    const ordering = shop.system.get(Shop).order({ lines: [1, 2] }, createCall({ key: 'k' }))
    await settle(shop.clock)
    expect([await ordering, shop.charges()]).toEqual([[2, 1], 2])
  })
})

/** Calls between two systems of ours over HTTP: each side runs what protects it, and each try is a call. */
import { command, createCall, defineContract, query } from '@keelson/kernel'
import { createInMemoryIdempotencyStore, deadline, fallback, IdempotencyStore, keyed, retry } from '@keelson/resilience'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { remoteOverHttp } from '../../src/rest/clients/remote-over-http.ts'
import { http } from '../../src/rest/http.ts'
import { defineService } from '../../src/service/service.ts'
import { startForTest } from '../../src/testing.ts'
import { outcome } from '../facade/backend.ts'
import { busy } from '../facade/busy.ts'

const Charge = z.object({ amount: z.int() })
const Receipt = z.object({ number: z.int() })
const again = () => retry({ initial: 1, attempts: 3, budget: 1 })
const Pay = defineContract('pay', '1.0.0', {
  look: query(
    { output: Receipt },
    http('GET /v1/look'),
    deadline('5s'),
    again(),
    fallback(() => ({ number: -1 })),
  ),
  charge: command({ input: Charge, output: Receipt }, http('POST /v1/charges'), keyed(), again()),
  refund: command({ input: Charge, output: Receipt }, http('POST /v1/refunds'), again()),
})
const Shop = defineContract('shop', '1.0.0', {
  order: command({ input: z.object({ lines: z.array(z.int()) }), output: z.array(Receipt) }),
})

/** Fails as often as `failures` says, each time another try comes. */
async function startBoth(isPeer: boolean) {
  const state = { failures: 0, tries: [] as (string | undefined)[] }
  const answer = (key: string | undefined) => {
    state.tries.push(key)
    if (state.failures-- > 0) throw busy()
    return { number: state.tries.length }
  }
  const pay = defineService(Pay, {
    start: () => ({
      look: () => answer(undefined),
      charge: (_, call) => answer(call.key?.text),
      refund: (_, call) => answer(call.key?.text),
    }),
  })
  const theirs = await startForTest({ services: [pay], listen: true, random: () => 0 })
  theirs.registry.provideValue(IdempotencyStore, createInMemoryIdempotencyStore())
  const shop = defineService(Shop, {
    uses: { pay: Pay },
    start: ({ pay: payments }) => ({
      order: async ({ lines }) => {
        const receipts = []
        for (const amount of lines) receipts.push(await payments.charge({ amount }))
        return receipts
      },
    }),
  })
  const remote = remoteOverHttp(Pay, { url: theirs.url ?? '', isPeer })
  const ours = await startForTest({ services: [shop, remote], random: () => 0 })
  return {
    ...{ state, ours, theirs },
    async [Symbol.asyncDispose]() {
      await ours.close()
      await theirs.close()
    },
  }
}

describe('a call of a peer', () => {
  it('is tried again by its caller alone, who also falls back', async () => {
    await using both = await startBoth(true)
    const { state, ours, theirs } = both
    state.failures = 2
    expect(await ours.get(Pay).look()).toEqual({ number: 3 })
    state.failures = 3
    expect(await ours.get(Pay).look()).toEqual({ number: -1 })
    expect(state.tries).toHaveLength(6)
    // Over a wire each try is a call.
    expect(theirs.get(Pay).metrics()['look']).toMatchObject({ calls: 6, failures: 5 })
  })

  it('is taken for one by a stranger who says nothing', async () => {
    await using both = await startBoth(true)
    both.state.failures = 2
    const response = await fetch(`${both.theirs.url}/v1/look`)
    expect(await response.json()).toEqual({ number: 3 })
    expect(both.state.tries).toHaveLength(3)
  })
})

describe('a key over the wire', () => {
  it('is the same for each try of a call, and another for the next', async () => {
    await using both = await startBoth(true)
    const { state, ours } = both
    state.failures = 2
    const order = () => ours.get(Shop).order({ lines: [1, 1] }, createCall({ key: 'order-1' }))
    expect(await order()).toEqual([{ number: 3 }, { number: 4 }])
    const [first, second, third, other] = state.tries
    expect(first).toMatch(/^[\x21-\x7e]{1,255}$/)
    expect([second, third]).toEqual([first, first])
    expect(other).not.toBe(first)
    // What has been done is answered again, not done.
    expect(await order()).toEqual([{ number: 3 }, { number: 4 }])
    expect(state.tries).toHaveLength(4)
  })

  it('makes nothing repeatable that does not say it is', async () => {
    await using both = await startBoth(true)
    const { state, ours } = both
    for (const [ask, options] of [
      ['charge', {}],
      ['refund', { key: 'k' }],
    ] as const) {
      state.failures = 1
      state.tries = []
      expect(await outcome(ours.get(Pay)[ask]({ amount: 1 }, createCall(options)))).toBe('BUSY')
      expect(state.tries).toHaveLength(1)
    }
  })
})

/** What every RateLimitStore promises, as cases. Rates are slow ones, so that the time a case takes does not matter. */
import assert from 'node:assert/strict'
import type { RateLimitStore } from './rate-limit-store.ts'

export interface RateLimitStoreCase {
  readonly name: string
  readonly run: (store: RateLimitStore) => Promise<void>
}

const hourMs = 3_600_000

export const rateLimitStoreConformance: readonly RateLimitStoreCase[] = [
  {
    name: 'lets a burst through and says then when to come back, which a refusal does not put off',
    run: async (store) => {
      const rate = { intervalMs: hourMs, burst: 3 }
      for (let call = 0; call < 3; call++) assert.equal(await store.take('key', rate), 0)
      for (let call = 0; call < 3; call++) {
        const waitMs = await store.take('key', rate)
        assert.ok(Number.isInteger(waitMs) && waitMs > hourMs - 60_000 && waitMs <= hourMs, `${waitMs}`)
      }
    },
  },
  {
    name: 'counts each key for itself',
    run: async (store) => {
      const rate = { intervalMs: hourMs, burst: 1 }
      for (const key of ['a', 'b', 'operation:ann', 'operation:{"n":1}']) assert.equal(await store.take(key, rate), 0)
      assert.ok((await store.take('a', rate)) > 0)
    },
  },
  {
    name: 'takes exactly the burst of calls that come at once',
    run: async (store) => {
      const rate = { intervalMs: hourMs, burst: 50 }
      const waits = await Promise.all(Array.from({ length: 200 }, async () => store.take('key', rate)))
      assert.equal(waits.filter((waitMs) => waitMs === 0).length, 50)
    },
  },
  {
    name: 'takes up another rate at once',
    run: async (store) => {
      assert.equal(await store.take('key', { intervalMs: hourMs, burst: 1 }), 0)
      assert.ok((await store.take('key', { intervalMs: hourMs, burst: 1 })) > 0)
      assert.equal(await store.take('key', { intervalMs: hourMs, burst: 2 }), 0)
    },
  },
]

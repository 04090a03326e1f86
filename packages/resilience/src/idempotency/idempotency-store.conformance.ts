/** The promises of every IdempotencyStore, as cases. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Claimed, IdempotencyStore, KeyClaim, KeyedRun } from './idempotency-store.ts'

export interface IdempotencyStoreCase {
  readonly name: string
  readonly run: (store: IdempotencyStore) => Promise<void>
}

/** A claim of a key of its own, since the stores of several cases may share a database. */
function newClaim(): KeyClaim {
  return { identity: '', operation: 'pay.charge', key: randomUUID(), fingerprint: 'f', keepMs: 60_000 }
}

export const idempotencyStoreConformance: readonly IdempotencyStoreCase[] = [
  {
    name: 'gives a key to one of many that claim it at once',
    run: async (store) => {
      const charge = newClaim()
      const claims = await Promise.all(Array.from({ length: 20 }, () => store.claim(charge)))
      assert.equal(claims.filter(({ state }) => state === 'new').length, 1)
      for (const claimed of claims.filter(({ state }) => state !== 'new')) {
        assert.ok(claimed.state === 'running')
        assert.ok(claimed.retryAfterMs > 0)
      }
    },
  },
  {
    name: 'gives the outcome back byte for byte once the run is finished',
    run: async (store) => {
      const charge = newClaim()
      const outcomes = ['{}', '{"answer":null}', '{"answer":"ünï \\u0000 🚢"}', `{"answer":"${'x'.repeat(100_000)}"}`]
      for (const [at, outcome] of outcomes.entries()) {
        const claim = { ...charge, key: `${charge.key}-${at}` }
        await newRun(await store.claim(claim)).finish(outcome)
        assert.deepEqual(await store.claim(claim), { state: 'done', outcome })
      }
    },
  },
  {
    name: 'tells another input under the key that it is another, while the first runs and after',
    run: async (store) => {
      const charge = newClaim()
      const run = newRun(await store.claim(charge))
      const other = { ...charge, fingerprint: 'g' }
      assert.deepEqual(await store.claim(other), { state: 'reused' })
      await run.finish('{}')
      assert.deepEqual(await store.claim(other), { state: 'reused' })
    },
  },
  {
    name: 'tells identities, operations and keys apart, whatever characters they have',
    run: async (store) => {
      const charge = newClaim()
      const parts = ['', 'a', 'a","b', '["a"]', 'ü']
      for (const identity of parts)
        for (const operation of parts)
          for (const key of parts)
            newRun(await store.claim({ ...charge, identity, operation, key: `${charge.key}${key}` }))
    },
  },
  {
    name: 'frees a key that is let go, for any input',
    run: async (store) => {
      const charge = newClaim()
      const run = newRun(await store.claim(charge))
      await run.release()
      const again = newRun(await store.claim({ ...charge, fingerprint: 'g' }))
      await run.finish('"late"')
      await run.release()
      await again.finish('"again"')
      assert.deepEqual(await store.claim({ ...charge, fingerprint: 'g' }), { state: 'done', outcome: '"again"' })
    },
  },
  {
    name: 'keeps the first outcome of a run, whatever comes after it',
    run: async (store) => {
      const charge = newClaim()
      const run = newRun(await store.claim(charge))
      await run.finish('1')
      await run.finish('2')
      await run.release()
      assert.deepEqual(await store.claim(charge), { state: 'done', outcome: '1' })
    },
  },
]

function newRun(claimed: Claimed): KeyedRun {
  assert.ok(claimed.state === 'new')
  return claimed.run
}

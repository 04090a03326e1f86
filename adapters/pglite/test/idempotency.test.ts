/** Idempotency keys in a database, with PGlite as the database. */
import { createFakeClock } from '@keelson/kernel/testing'
import { type Claimed, type KeyedRun, openSqlIdempotencyStore } from '@keelson/resilience'
import { idempotencyStoreConformance } from '@keelson/resilience/testing'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { openPgliteDatabase } from '../src/index.ts'

const claim = { identity: '', operation: 'pay.charge', key: 'k', fingerprint: 'f', keepMs: 60_000 }

function newRun(claimed: Claimed): KeyedRun {
  if (claimed.state !== 'new') throw new Error(`the key is ${claimed.state}`)
  return claimed.run
}

describe('openSqlIdempotencyStore()', () => {
  const clock = createFakeClock()
  let database: Awaited<ReturnType<typeof openPgliteDatabase>>
  beforeAll(async () => {
    database = await openPgliteDatabase({ clock })
    await database.query('create table charges (number int)')
  })
  afterAll(() => database.close())

  test.each(idempotencyStoreConformance)('$name', async ({ run }) => {
    const store = await openSqlIdempotencyStore(database, { clock })
    await run(store)
    await store.close()
  })

  it('keeps the outcome in the transaction of the effect, or neither', async () => {
    const store = await openSqlIdempotencyStore(database, { clock })
    const once = { ...claim, key: 'in a transaction' }
    const run = newRun(await store.claim(once))
    const charge = (isFailing: boolean) =>
      database.transaction(async (transaction) => {
        await transaction.query('insert into charges values (1)')
        await run.finish('{"answer":1}', transaction)
        if (isFailing) throw new Error('no')
      })
    await expect(charge(true)).rejects.toThrow('no')
    expect((await store.claim(once)).state).toBe('running')
    await charge(false)
    await store.close()
    // A program that is killed here has not forgotten.
    const next = await openSqlIdempotencyStore(database, { clock })
    expect(await next.claim(once)).toEqual({ state: 'done', outcome: '{"answer":1}' })
    expect((await database.query('select number from charges')).rows).toHaveLength(1)
    await next.close()
  })

  it('frees the key of a program that has died, and believes nothing that it says later', async () => {
    const [dead, alive] = [
      await openSqlIdempotencyStore(database, { clock, leaseMs: 9_000 }),
      await openSqlIdempotencyStore(database, { clock, leaseMs: 9_000 }),
    ]
    const late = newRun(await dead.claim({ ...claim, key: 'dead' }))
    await dead.close()
    await clock.advance(8_000)
    expect(await alive.claim({ ...claim, key: 'dead' })).toEqual({ state: 'running', retryAfterMs: 1_000 })
    await clock.advance(1_001)
    expect((await alive.claim({ ...claim, key: 'dead', fingerprint: 'g' })).state).toBe('reused')
    const run = newRun(await alive.claim({ ...claim, key: 'dead' }))
    await late.finish('"late"')
    await late.release()
    // It is renewed for as long as it runs.
    for (let passed = 0; passed < 30_000; passed += 1_000) {
      await clock.advance(1_000)
      await database.query('select 1')
    }
    expect((await alive.claim({ ...claim, key: 'dead' })).state).toBe('running')
    await run.finish('"alive"')
    expect(await alive.claim({ ...claim, key: 'dead' })).toEqual({ state: 'done', outcome: '"alive"' })
    await alive.close()
  })

  it('forgets what it has kept for its time', async () => {
    const store = await openSqlIdempotencyStore(database, { clock })
    await newRun(await store.claim({ ...claim, key: 'old', keepMs: 1_000 })).finish('1')
    await clock.advance(1_001)
    expect((await store.claim({ ...claim, key: 'old', fingerprint: 'g' })).state).toBe('new')
    await newRun(await store.claim({ ...claim, key: 'older', keepMs: 1_000 })).finish('1')
    await clock.advance(700_000)
    await store.claim({ ...claim, key: 'newest' })
    const { rows } = await database.query(`select key from keelson_idempotency_keys where key = 'older'`)
    expect(rows).toEqual([])
    await store.close()
  })
})

/** Idempotency keys on a server, which processes share. */
import { openSqlIdempotencyStore } from '@keelson/resilience'
import { idempotencyStoreConformance } from '@keelson/resilience/testing'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { connectPostgresDatabase } from '../src/index.ts'
import { isSkipped, PostgresServer } from './postgres-server.ts'

describe.skipIf(isSkipped)('openSqlIdempotencyStore() on a server', () => {
  let server: PostgresServer
  let database: Awaited<ReturnType<typeof connectPostgresDatabase>>
  beforeAll(async () => {
    server = await PostgresServer.start()
    database = await connectPostgresDatabase({ url: server.url })
  }, 120_000)
  afterAll(async () => {
    await database?.close()
    await server?.close()
  }, 60_000)

  test.each(idempotencyStoreConformance)('$name', async ({ run }) => {
    const store = await openSqlIdempotencyStore(database)
    await run(store)
    await store.close()
  })

  it('gives a key that several processes claim at once to one of them', async () => {
    const stores = await Promise.all(Array.from({ length: 4 }, () => openSqlIdempotencyStore(database)))
    for (let round = 0; round < 20; round++) {
      const claim = { identity: '', operation: 'pay.charge', key: `race ${round}`, fingerprint: 'f', keepMs: 60_000 }
      const claimed = await Promise.all(stores.flatMap((store) => [store.claim(claim), store.claim(claim)]))
      expect(claimed.filter(({ state }) => state === 'new')).toHaveLength(1)
    }
    for (const store of stores) await store.close()
  })
})

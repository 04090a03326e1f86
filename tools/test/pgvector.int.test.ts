/**
 * The vector store of pgvector on a PostgreSQL server, through the driver. Debian 12 has no package of the extension: where a server has not
 * got it, these tests are skipped with a word, in CI too.
 */
import type { VectorEntry } from '@keelson/infrastructure'
import { vectorStoreConformance } from '@keelson/infrastructure/testing'
import { createPgvectorStore } from '@keelson/pgvector'
import { connectPostgresDatabase } from '@keelson/postgres'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { hasPostgresExtension, type RealServer, startPostgres } from '../real-servers.ts'

const isSkipped = !hasPostgresExtension('vector')
if (isSkipped) process.stderr.write('not installed: pgvector for PostgreSQL 15 (postgresql-15-pgvector)\n')

/** Directions around a circle, none of them twice. */
function entriesOf(count: number, turn = 0): VectorEntry[] {
  return Array.from({ length: count }, (_, at) => {
    const angle = ((at + turn) * 2 * Math.PI) / count
    return {
      id: `v${String(at).padStart(6, '0')}`,
      vector: Float32Array.from([Math.cos(angle), Math.sin(angle), 0.5]),
      attributes: { turn: String(turn) },
    }
  })
}

describe.skipIf(isSkipped)('createPgvectorStore() on a PostgreSQL server', () => {
  let server: RealServer
  let database: Awaited<ReturnType<typeof connectPostgresDatabase>>
  beforeAll(async () => {
    server = await startPostgres()
    database = await connectPostgresDatabase({ url: server.url })
  }, 120_000)
  afterAll(async () => {
    await database?.close()
    await server?.close()
  }, 60_000)

  for (const { name, run } of vectorStoreConformance)
    test(name, async () => run(await createPgvectorStore(database)), 60_000)

  it('is created over many connections at once, and its collections too', async () => {
    const others = await Promise.all(Array.from({ length: 4 }, () => connectPostgresDatabase({ url: server.url })))
    try {
      const stores = await Promise.all(others.map((one) => createPgvectorStore(one)))
      await Promise.all(stores.map((store) => store.create({ name: 'together', dimension: 3 })))
      await Promise.all(stores.map((store, turn) => store.upsert('together', entriesOf(500, turn))))
      expect(await stores[0]?.count('together')).toBe(500)
    } finally {
      for (const one of others) await one.close()
    }
  }, 60_000)

  it('finds what is nearest through the graph and beside it, in 5,000 entries', async () => {
    const store = await createPgvectorStore(database)
    await store.create({ name: 'many', dimension: 3 })
    const entries = entriesOf(5_000)
    await store.upsert('many', entries)
    const asked = [0, 1_234, 4_999].map((at) => entries[at] ?? { id: '', vector: new Float32Array(3) })
    for (const { id, vector } of asked) {
      const near = await store.search('many', { vector, limit: 10 })
      const all = await store.search('many', { vector, limit: 100 })
      expect(near.hits[0]?.id).toBe(id)
      expect(near.hits[0]?.score).toBeCloseTo(1, 5)
      expect(all.hits).toHaveLength(100)
      expect(new Set(all.hits.map((hit) => hit.id)).size).toBe(100)
    }
  }, 120_000)

  it('finds as much as is asked for when nearly all in the graph was replaced or removed', async () => {
    const store = await createPgvectorStore(database)
    await store.create({ name: 'replaced', dimension: 3 })
    for (const turn of [0, 0.25, 0.5, 0.75]) await store.upsert('replaced', entriesOf(2_000, turn))
    const [asked] = entriesOf(1)
    await store.remove(
      'replaced',
      entriesOf(2_000)
        .slice(0, 500)
        .map(({ id }) => id),
    )
    const { hits } = await store.search('replaced', { vector: asked?.vector ?? new Float32Array(3), limit: 20 })
    expect(hits.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, at) => `v00${1_999 - at}`))
  }, 120_000)

  it('keeps each upsert whole when the server is killed in the middle of one', async () => {
    let confirmed = 0
    for (let kill = 1; kill <= 5; kill++) {
      const store = await createPgvectorStore(database)
      await store.create({ name: 'crashed', dimension: 3 })
      const writing = (async () => {
        for (let turn = confirmed + 1; ; turn++) {
          await store.upsert('crashed', entriesOf(500, turn))
          confirmed = turn
        }
      })()
      writing.catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, 40 + kill * 65))
      await server.crash()
      await expect(writing).rejects.toMatchObject({ code: expect.stringMatching(/^DATABASE_/) })
      await database.close()
      await server.start()
      database = await connectPostgresDatabase({ url: server.url })

      const { rows } = await database.query<{ turn: string; count: number }>(
        `select attributes->>'turn' as turn, count(*)::int as count from keelson_vectors_crashed group by 1`,
      )
      // None, all of the last that was confirmed, or all of the one whose answer was lost.
      expect(rows.map(({ count }) => count)).toEqual(rows.map(() => 500))
      expect(rows).toHaveLength(confirmed > 0 ? 1 : rows.length)
      const turn = Number(rows[0]?.turn ?? 0)
      expect([confirmed, confirmed + 1]).toContain(turn)
      confirmed = turn
      const again = await createPgvectorStore(database)
      const [asked] = entriesOf(1, turn)
      const { hits } = await again.search('crashed', { vector: asked?.vector ?? new Float32Array(3), limit: 20 })
      expect(hits).toHaveLength(turn > 0 ? 20 : 0)
    }
    expect(confirmed).toBeGreaterThan(0)
  }, 120_000)
})

/**
 * Reading a log from its first event to its last, from a PostgreSQL of the benchmark's own: `follow`, the cursor of pg over the same columns with JSON
 * parsed, and COPY as bytes that nobody looks at. `KEELSON_EVENTS` sets how many events there are, 1,000,000 by default.
 */
import { follow, openEventStore, type SqlEventStore } from '@keelson/events'
import { connectPostgresDatabase } from '@keelson/postgres'
import pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import Cursor from 'pg-cursor'
import type { BenchmarkResult } from '../../tools/bench.ts'
import { median } from '../../tools/measure.ts'
import { missingServers, startPostgres } from '../../tools/real-servers.ts'

const total = Number(process.env['KEELSON_EVENTS'] ?? 1_000_000)
const rounds = 3
const columns = 'id, stream, version, position, type, schema_version, data, metadata, tags, recorded_at'

export async function run(): Promise<BenchmarkResult> {
  const missing = missingServers().filter((name) => name.startsWith('PostgreSQL'))
  if (missing.length > 0) throw new Error(`Cannot measure without ${missing.join(' and ')}`)
  const server = await startPostgres(['shared_buffers=2GB', 'synchronous_commit=on', 'fsync=on', 'max_wal_size=8GB'])
  const database = await connectPostgresDatabase({ url: server.url })
  const client = new pg.Client(server.url)
  await client.connect()
  try {
    const store = await openEventStore({ database })
    await fill(store)
    await database.query('vacuum analyze keelson_events')
    const ways = [
      { name: 'follow(), pages of 5,000', read: () => followed(store) },
      { name: 'cursor of pg, 5,000 rows, JSON parsed', read: () => throughCursor(client) },
      { name: 'COPY, bytes only', read: () => copied(client) },
    ]
    const figures = new Map(ways.map(({ name }) => [name, [] as number[]]))
    for (let round = -1; round < rounds; round++)
      for (const { name, read } of ways) {
        globalThis.gc?.()
        const began = performance.now()
        const count = await read()
        if (count !== total) throw new Error(`${name} read ${count} events, not ${total}`)
        if (round >= 0) figures.get(name)?.push((total / (performance.now() - began)) * 1_000)
      }
    await store.close()
    const [ours = 0, cursor = 0, copy = 0] = ways.map(({ name }) => median(figures.get(name) ?? []))
    return {
      rows: ways.map(({ name }) => ({
        subject: name,
        metric: 'throughput',
        value: median(figures.get(name) ?? []),
        unit: 'events/s',
      })),
      targets: [
        { name: 'of the cursor, at least', value: ours / cursor, bound: 0.8, unit: 'x', reached: ours / cursor >= 0.8 },
        { name: 'of COPY, for comparison', value: ours / copy, bound: 0, unit: 'x', reached: true },
      ],
    }
  } finally {
    await client.end()
    await database.close()
    await server.close()
  }
}

async function fill(store: SqlEventStore): Promise<void> {
  const metadata = { actor: 'user-17', request: 'y'.repeat(36), client: 'z'.repeat(40) }
  for (let from = 0; from < total; from += 20_000)
    await Promise.all(
      Array.from({ length: Math.min(1_000, (total - from) / 20) }, (_, at) =>
        store.append(
          `order-${from + at}`,
          Array.from({ length: 20 }, (__, line) => ({
            type: 'LineAdded',
            data: { line, article: `article-${at}`, note: 'x'.repeat(200) },
          })),
          { metadata },
        ),
      ),
    )
}

async function followed(store: SqlEventStore): Promise<number> {
  let count = 0
  for await (const event of follow(store, { limit: 5_000 })) count += event.version > 0 ? 1 : 0
  return count
}

async function throughCursor(client: pg.Client): Promise<number> {
  const cursor = client.query(new Cursor(`select ${columns} from keelson_events where log = 1 order by position`, []))
  let count = 0
  for (let rows = await cursor.read(5_000); rows.length > 0; rows = await cursor.read(5_000)) count += rows.length
  await cursor.close()
  return count
}

async function copied(client: pg.Client): Promise<number> {
  const bytes = client.query(
    copyTo(`copy (select ${columns} from keelson_events where log = 1 order by position) to stdout`),
  )
  for await (const _ of bytes) {
    // Nobody looks at them.
  }
  return bytes.rowCount
}

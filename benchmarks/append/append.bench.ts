/**
 * Appends of one event each by 1 to 128 writers, on a PostgreSQL of the benchmark's own with synchronous commit on: ours, emmett's, and an
 * INSERT per transaction through the same driver, which checks nothing and has no order. PGlite beside. Subjects take turns; the figures are medians.
 */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql'
import { openEventStore } from '@keelson/events'
import { openPgliteDatabase } from '@keelson/pglite'
import { connectPostgresDatabase } from '@keelson/postgres'
import pg from 'pg'
import type { BenchmarkResult, BenchmarkRow } from '../../tools/bench.ts'
import { median } from '../../tools/measure.ts'
import { missingServers, startPostgres } from '../../tools/real-servers.ts'

const writers = [1, 8, 32, 128]
const rounds = 5
const roundMs = 1_000

const data = {
  customer: 'customer-12345',
  lines: [1, 2, 3].map((n) => ({ article: `article-${n}`, price: 9.99 * n })),
  note: 'x'.repeat(120),
}
const metadata = { actor: 'user-17', request: 'y'.repeat(36), client: 'z'.repeat(40) }
const dataText = JSON.stringify(data)
const metadataText = JSON.stringify(metadata)

/** Appends one event for a writer. */
interface Subject {
  readonly name: string
  append(writer: number, turn: number): Promise<unknown>
}

interface Round {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  /** Of this process and the server's, in microseconds per event. */
  readonly cpu: number
}

export async function run(): Promise<BenchmarkResult> {
  const missing = missingServers().filter((name) => name.startsWith('PostgreSQL'))
  if (missing.length > 0) throw new Error(`Cannot measure without ${missing.join(' and ')}`)
  const server = await startPostgres(['shared_buffers=1GB', 'synchronous_commit=on', 'fsync=on', 'max_wal_size=4GB'])
  const database = await connectPostgresDatabase({ url: server.url })
  const pool = new pg.Pool({ connectionString: server.url, max: 10 })
  const emmett = getPostgreSQLEventStore(server.url)
  const embedded = await openPgliteDatabase()
  try {
    const store = await openEventStore({ database })
    const inProcess = await openEventStore({ database: embedded })
    await pool.query(`create table raw_events (stream text, version bigint, id uuid, type text, data jsonb, metadata jsonb,
      position bigint generated always as identity primary key, unique (stream, version), unique (id))`)
    const run = randomUUID()
    const subjects: Subject[] = [
      {
        name: 'keelson',
        append: (writer, turn) =>
          store.append(`${run}-${writer}-${turn >> 5}`, [{ type: 'OrderPlaced', data, metadata }]),
      },
      {
        name: 'emmett',
        append: (writer, turn) =>
          emmett.appendToStream(`${run}-${writer}-${turn >> 5}`, [{ type: 'OrderPlaced', data, metadata }]),
      },
      {
        name: 'INSERT per transaction',
        append: (writer, turn) =>
          pool.query(
            'insert into raw_events (stream, version, id, type, data, metadata) values ($1, $2, $3, $4, $5, $6)',
            [...[`${run}-${writer}`, turn, randomUUID(), 'OrderPlaced', dataText, metadataText]],
          ),
      },
      {
        name: 'keelson on PGlite',
        append: (writer, turn) => inProcess.append(`${writer}-${turn >> 5}`, [{ type: 'OrderPlaced', data, metadata }]),
      },
    ]
    const turns = new Map<string, number>()
    const rows: BenchmarkRow[] = []
    const figures = new Map<string, Round>()
    for (const count of writers) {
      const taken = new Map(subjects.map(({ name }) => [name, [] as Round[]]))
      for (let round = -1; round < rounds; round++)
        for (const subject of subjects) {
          const result = await measure(subject, count, turns, Number.POSITIVE_INFINITY)
          if (round >= 0) taken.get(subject.name)?.push(result)
        }
      for (const [name, all] of taken) {
        const figure = medianOf(all)
        figures.set(`${name} ${count}`, figure)
        rows.push(...rowsOf(`${name}, ${count} writers`, figure))
      }
    }
    const [ours] = subjects
    const paced = ours && (await measure(ours, 64, turns, 10_000))
    if (paced) rows.push(...rowsOf('keelson, 64 writers at 10,000 events/s', paced))
    await store.close()
    await inProcess.close()
    const ratio = (ours: string, peer: string, of: (round: Round) => number) => {
      const [a, b] = [figures.get(ours), figures.get(peer)]
      return a && b ? of(a) / of(b) : Number.NaN
    }
    const speed = ({ perSecond }: Round) => perSecond
    const target = (name: string, value: number, bound: number, unit: string, isMost = false) => ({
      ...{ name, value, bound, unit },
      reached: isMost ? value <= bound : value >= bound,
    })
    return {
      rows,
      targets: [
        target('of emmett, 32 writers, at least', ratio('keelson 32', 'emmett 32', speed), 4, 'x'),
        target('of INSERT, 32 writers, at least', ratio('keelson 32', 'INSERT per transaction 32', speed), 1.4, 'x'),
        target('of INSERT, 128 writers, at least', ratio('keelson 128', 'INSERT per transaction 128', speed), 2, 'x'),
        target(
          'latency of INSERT, 1 writer, at most',
          ratio('keelson 1', 'INSERT per transaction 1', ({ p50 }) => p50),
          1.3,
          'x',
          true,
        ),
        target('p99 at 10,000 events/s, at most', paced?.p99 ?? Number.NaN, 50, 'ms', true),
      ],
    }
  } finally {
    await emmett.close()
    await pool.end()
    await database.close()
    await embedded.close()
    await server.close()
  }
}

/** `count` writers, each with one append at a time; slower than they could at `perSecond`. */
async function measure(subject: Subject, count: number, turns: Map<string, number>, perSecond: number): Promise<Round> {
  globalThis.gc?.()
  const latencies: number[] = []
  const cpuBefore = cpuOfAll()
  const began = performance.now()
  const until = began + roundMs
  await Promise.all(
    Array.from({ length: count }, async (_, writer) => {
      const key = `${subject.name} ${writer}`
      for (let step = 0; ; step++) {
        const dueMs = Number.isFinite(perSecond) ? began + ((step * count + writer) / perSecond) * 1_000 : 0
        const waitMs = dueMs - performance.now()
        if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
        if (performance.now() >= until) return
        const turn = turns.get(key) ?? 0
        turns.set(key, turn + 1)
        const at = performance.now()
        await subject.append(writer, turn)
        latencies.push(performance.now() - at)
      }
    }),
  )
  const tookMs = performance.now() - began
  latencies.sort((a, b) => a - b)
  const quantile = (share: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? Number.NaN
  return {
    perSecond: (latencies.length / tookMs) * 1_000,
    p50: quantile(0.5),
    p99: quantile(0.99),
    cpu: ((cpuOfAll() - cpuBefore) * 1_000_000) / latencies.length,
  }
}

/** Seconds of processor time that all programs have used, this machine's own: the benchmark is alone on it. */
function cpuOfAll(): number {
  const [, user = 0, nice = 0, system = 0] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '')
    .split(/\s+/)
    .map(Number)
  return (user + nice + system) / 100
}

function medianOf(all: readonly Round[]): Round {
  const of = (read: (round: Round) => number) => median(all.map(read))
  return {
    perSecond: of(({ perSecond }) => perSecond),
    p50: of(({ p50 }) => p50),
    p99: of(({ p99 }) => p99),
    cpu: of(({ cpu }) => cpu),
  }
}

function rowsOf(subject: string, { perSecond, p50, p99, cpu }: Round): BenchmarkRow[] {
  return [
    { subject, metric: 'throughput', value: perSecond, unit: 'events/s' },
    { subject, metric: 'p50', value: p50, unit: 'ms' },
    { subject, metric: 'p99', value: p99, unit: 'ms' },
    { subject, metric: 'CPU', value: cpu, unit: 'µs/event' },
  ]
}

/**
 * Read models on a PostgreSQL of the benchmark's own, with synchronous commit on: how late a change is in the table at a sustained 5,000 appends a
 * second, how late a subscriber hears of an append, in this process and as in another, and how fast a new read model catches up, in
 * memory and into a table. `KEELSON_EVENTS` sets how many events it catches up with, 100,000 by default.
 */
import {
  defineEvents,
  defineProjection,
  event,
  follow,
  openEventStore,
  type SqlEventStore,
  startProjections,
} from '@keelson/events'
import { connectPostgresDatabase } from '@keelson/postgres'
import * as z from 'zod'
import type { BenchmarkResult, BenchmarkRow } from '../../tools/bench.ts'
import { median } from '../../tools/measure.ts'
import { missingServers, startPostgres } from '../../tools/real-servers.ts'

const total = Number(process.env['KEELSON_EVENTS'] ?? 100_000)
const perSecond = 5_000
const sustainedMs = 6_000
const writers = 64
const catchUps = 3

const Orders = defineEvents({
  OrderPlaced: event(z.object({ customer: z.string(), total: z.number(), note: z.string() })),
})
const note = 'x'.repeat(180)
const placed = (n: number) => ({
  type: 'OrderPlaced',
  data: { customer: `customer-${n % 1_000}`, total: n % 97, note },
})

export async function run(): Promise<BenchmarkResult> {
  const missing = missingServers().filter((name) => name.startsWith('PostgreSQL'))
  if (missing.length > 0) throw new Error(`Cannot measure without ${missing.join(' and ')}`)
  const server = await startPostgres(['shared_buffers=1GB', 'synchronous_commit=on', 'fsync=on', 'max_wal_size=4GB'])
  const database = await connectPostgresDatabase({ url: server.url })
  try {
    const store = await openEventStore({ database })
    const elsewhere = await openEventStore({ database })
    const here = await subscriberDelays(store, store)
    const there = await subscriberDelays(store, elsewhere)
    const lag = await sustainedLag(store)
    await fill(store)
    await database.query('vacuum analyze keelson_events')
    const folded = await repeated(() => catchUpInMemory(store))
    const intoTable = await repeated((turn) => catchUpIntoTable(store, turn))
    await elsewhere.close()
    await store.close()
    return resultOf({ lag, here, there, folded, intoTable })
  } finally {
    await database.close()
    await server.close()
  }
}

interface Lag {
  readonly perSecond: number
  readonly delays: readonly number[]
}

/** From the time that an event was recorded, before its commit, until its change is committed in the table. */
async function sustainedLag(store: SqlEventStore): Promise<Lag> {
  const delays: number[] = []
  const projections = await startProjections({
    store,
    projections: [customers('sustained', ({ recordedAt }) => void delays.push(Date.now() - recordedAt.getTime()))],
  })
  await projections.waitFor('sustained', (await store.head()).position, { timeoutMs: 60_000 })
  delays.length = 0
  const began = performance.now()
  let last = 0
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let step = 0; ; step++) {
        const dueMs = began + ((step * writers + writer) / perSecond) * 1_000
        if (dueMs > began + sustainedMs) return
        const waitMs = dueMs - performance.now()
        if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
        const { position } = await store.append(`sustained-${writer}-${step >> 5}`, [placed(step)])
        last = Math.max(last, position)
      }
    }),
  )
  const tookMs = performance.now() - began
  await projections.waitFor('sustained', last, { timeoutMs: 60_000 })
  await projections.close()
  return { perSecond: (delays.length / tookMs) * 1_000, delays: delays.sort((a, b) => a - b) }
}

/** From the call of an append until a subscriber has the event, one at a time. */
async function subscriberDelays(store: SqlEventStore, heardFrom: SqlEventStore): Promise<readonly number[]> {
  const stop = new AbortController()
  const after = await store.head()
  let began = 0
  let heard = () => {}
  const delays: number[] = []
  const reading = (async () => {
    for await (const _ of follow(heardFrom, { after, isLive: true, signal: stop.signal })) {
      delays.push(performance.now() - began)
      heard()
    }
  })()
  for (let turn = 0; turn < 600; turn++) {
    const next = new Promise<void>((resolve) => {
      heard = resolve
    })
    began = performance.now()
    await Promise.all([store.append(`heard-${turn >> 5}`, [placed(turn)]), next])
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  stop.abort()
  await reading
  return delays.slice(100).sort((a, b) => a - b)
}

async function fill(store: SqlEventStore): Promise<void> {
  const missing = total - (await store.head()).position
  for (let from = 0; from < missing; from += 10_000)
    await Promise.all(
      Array.from({ length: 1_000 }, (_, at) =>
        store.append(
          `order-${from / 10_000}-${at}`,
          Array.from({ length: 10 }, (__, n) => placed(from + at + n)),
        ),
      ),
    )
}

async function catchUpInMemory(store: SqlEventStore): Promise<number> {
  const totals = new Map<string, number>()
  const began = performance.now()
  let count = 0
  for await (const stored of follow(store, { types: Orders.names, limit: 5_000 })) {
    const { data } = Orders.decode(stored)
    totals.set(data.customer, (totals.get(data.customer) ?? 0) + data.total)
    count += 1
  }
  return (count / (performance.now() - began)) * 1_000
}

async function catchUpIntoTable(store: SqlEventStore, turn: number): Promise<number> {
  const { position } = await store.head()
  const began = performance.now()
  const projections = await startProjections({ store, projections: [customers(`caught_up_${turn}`)] })
  await projections.waitFor(`caught_up_${turn}`, position, { timeoutMs: 300_000 })
  const tookMs = performance.now() - began
  await projections.close()
  return (position / tookMs) * 1_000
}

function customers(name: string, effect: (event: { readonly recordedAt: Date }) => void = () => {}) {
  return defineProjection({
    name,
    version: 1,
    events: Orders,
    tables: {
      [name]: (table) => [
        `create table ${table} (customer text primary key, orders int not null, total float8 not null)`,
      ],
    },
    project: ({ data }, table) => ({
      sql: `insert into ${table(name)} as t values ($1, 1, $2::float8)
        on conflict (customer) do update set orders = t.orders + 1, total = t.total + $2::float8`,
      parameters: [data.customer, data.total],
    }),
    effect,
  })
}

async function repeated(work: (turn: number) => Promise<number>): Promise<number> {
  const figures: number[] = []
  for (let turn = 0; turn < catchUps; turn++) figures.push(await work(turn))
  return median(figures)
}

interface Figures {
  readonly lag: Lag
  readonly here: readonly number[]
  readonly there: readonly number[]
  readonly folded: number
  readonly intoTable: number
}

function resultOf({ lag, here, there, folded, intoTable }: Figures): BenchmarkResult {
  const quantile = (sorted: readonly number[], share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
  const both = (subject: string, sorted: readonly number[]): BenchmarkRow[] =>
    [0.5, 0.99].map((share) => ({ subject, metric: `p${share * 100}`, value: quantile(sorted, share), unit: 'ms' }))
  const most = (name: string, value: number, bound: number, unit: string) => ({
    name,
    value,
    bound,
    unit,
    reached: value <= bound,
  })
  const least = (name: string, value: number, bound: number, unit: string) => ({
    name,
    value,
    bound,
    unit,
    reached: value >= bound,
  })
  return {
    rows: [
      { subject: 'sustained', metric: 'throughput', value: lag.perSecond, unit: 'events/s' },
      ...both('sustained, recorded until committed in the table', lag.delays),
      ...both('append() until a subscriber of this process has it', here),
      ...both('append() until a subscriber of another has it', there),
      { subject: 'catching up, folded in memory', metric: 'throughput', value: folded, unit: 'events/s' },
      { subject: 'catching up, into a table', metric: 'throughput', value: intoTable, unit: 'events/s' },
    ],
    targets: [
      most('lag at 5,000 events/s, p99, at most', quantile(lag.delays, 0.99), 100, 'ms'),
      most('append to subscriber, p50, at most', quantile(here, 0.5), 2, 'ms'),
      most('append to subscriber elsewhere, p50, at most', quantile(there, 0.5), 2, 'ms'),
      least('catching up in memory, at least', folded, 50_000, 'events/s'),
      least('catching up into a table, at least', intoTable, 10_000, 'events/s'),
    ],
  }
}

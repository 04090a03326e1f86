/**
 * From a log in PostgreSQL to Redis Streams: the outbox end to end, beside a pipelined XADD of the same entries, by two clients, that have
 * them in memory already; then what groups take. PostgreSQL and Redis are the benchmark's own, PostgreSQL with synchronous commit on.
 * `KEELSON_EVENTS` sets how many events there are, 50,000 by default.
 */
import {
  consume,
  consumeInto,
  eventIn,
  type FeedPosition,
  feedStart,
  type Message,
  type MessageStreams,
  messageIdOf,
  openEventStore,
  type RecordedEvent,
  type SqlEventStore,
  startOutbox,
} from '@keelson/events'
import { connectPostgresDatabase } from '@keelson/postgres'
import { connectRedisMessageStreams } from '@keelson/redis'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import type { BenchmarkResult, BenchmarkRow } from '../../tools/bench.ts'
import { median } from '../../tools/measure.ts'
import { missingServers, startPostgres, startRedis } from '../../tools/real-servers.ts'

const count = Number(process.env['KEELSON_EVENTS'] ?? 50_000)
const rounds = 5
const never = new AbortController().signal

type Database = Awaited<ReturnType<typeof connectPostgresDatabase>>

interface Servers {
  readonly database: Database
  readonly store: SqlEventStore
  readonly redisUrl: string
}

/** One way to do it: `run` gives back after how many milliseconds all entries were there. */
interface Way {
  readonly name: string
  run(servers: Servers, prefix: string): Promise<number>
}

export async function run(): Promise<BenchmarkResult> {
  const missing = missingServers()
  if (missing.length > 0) throw new Error(`Cannot measure without ${missing.join(' and ')}`)
  const postgres = await startPostgres(['shared_buffers=512MB', 'synchronous_commit=on'])
  const redis = await startRedis(['--appendonly', 'yes', '--appendfsync', 'everysec'])
  const database = await connectPostgresDatabase({ url: postgres.url })
  try {
    const store = await openEventStore({ database })
    const servers = { database, store, redisUrl: redis.url }
    await fill(store)
    await database.query('vacuum analyze keelson_events')
    const lag = await publishLag(servers)
    const entries = (await everything(store)).map(
      (event) => [messageIdOf({ ...event, epoch: 1 }), fieldsOf(event)] as const,
    )
    const ways: Way[] = [
      { name: 'outbox: PostgreSQL feed to Redis Streams', run: outbox },
      { name: 'outbox, 10 topics', run: (given, prefix) => outbox(given, prefix, 10) },
      {
        name: 'ioredis, XADD pipelined by 500, entries in memory',
        run: (given, prefix) => ioredis(given, prefix, entries),
      },
      {
        name: 'node-redis, XADD pipelined by 500, entries in memory',
        run: (given, prefix) => nodeRedis(given, prefix, entries),
      },
      { name: 'reading the feed of PostgreSQL alone, pages of 500', run: feedAlone },
      { name: 'consume(): group, 100 in hand, acknowledged', run: consumed },
      { name: 'consumeInto(): one row each and the position, committed by 100', run: consumedInto },
      { name: 'ioredis, XREADGROUP 100 and XACK 100', run: readGroup },
    ]
    const figures = new Map(ways.map(({ name }) => [name, [] as number[]]))
    for (let round = -1; round < rounds; round++)
      for (const [at, { name, run: take }] of ways.entries()) {
        globalThis.gc?.()
        const ms = await take(servers, `bench:${round}:${at}:`)
        if (round >= 0) figures.get(name)?.push((count / ms) * 1_000)
      }
    await store.close()
    return resultOf(figures, lag)
  } finally {
    await database.close()
    await redis.close()
    await postgres.close()
  }
}

/** Events of 250 bytes of data, from 1,000 streams. */
async function fill(store: SqlEventStore): Promise<void> {
  const text = 'x'.repeat(200)
  const metadata = { actor: 'somebody', reason: 'y'.repeat(60) }
  for (let from = 0; from < count; from += 10_000) {
    const appends = Array.from({ length: Math.min(1_000, (count - from) / 10) }, (_, at) =>
      store.append(
        `order-${at}`,
        Array.from({ length: 10 }, (__, line) => ({ type: 'LineAdded', data: { line, article: from + at, text } })),
        { metadata },
      ),
    )
    await Promise.all(appends)
  }
}

async function everything(store: SqlEventStore): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = []
  for (let next = feedStart; next.position < count; ) {
    const page = await store.readFeed(next, { limit: 5_000 })
    events.push(...page.events)
    next = page.next
  }
  return events
}

/** As the outbox writes them. */
function fieldsOf({ stream, type, recordedAt, id, version, schemaVersion, data, metadata, tags }: RecordedEvent) {
  const body = JSON.stringify({ id, version, schemaVersion, data, metadata, tags })
  return { key: stream, type, at: String(recordedAt.getTime()), body }
}

async function outbox({ store, redisUrl }: Servers, prefix: string, topics = 1): Promise<number> {
  const streams = connectRedisMessageStreams({ url: redisUrl, prefix })
  await streams.cursor('main')
  const began = performance.now()
  const publisher = startOutbox({ store, streams, topic: ({ position }) => `topic-${position % topics}` })
  await publisher.waitPublished(count, never)
  const took = performance.now() - began
  await publisher.close()
  await requireAll(streams, topics)
  await streams.close()
  return took
}

/** Every position, once and in order. */
async function requireAll(streams: MessageStreams, topics: number): Promise<void> {
  let found = 0
  for (let topic = 0; topic < topics; topic++) {
    for (let after: FeedPosition = feedStart; ; ) {
      const page = await streams.read(`topic-${topic}`, after, { limit: 5_000 })
      for (const { position } of page) {
        const expected: number = after.position === 0 ? topic || topics : after.position + topics
        if (position !== expected) throw new Error(`${position} where ${expected} should be`)
        after = { position, epoch: 1 }
        found += 1
      }
      if (page.length === 0) break
    }
  }
  if (found !== count) throw new Error(`${found} messages of ${count} events`)
}

type Entry = readonly [id: string, fields: Readonly<Record<string, string>>]

async function ioredis({ redisUrl }: Servers, prefix: string, entries: readonly Entry[]): Promise<number> {
  const redis = new Redis(redisUrl)
  await redis.ping()
  const began = performance.now()
  for (let from = 0; from < entries.length; from += 500) {
    const pipeline = redis.pipeline()
    for (const [id, { key, type, at, body }] of entries.slice(from, from + 500))
      pipeline.xadd(`${prefix}all`, id, 'key', `${key}`, 'type', `${type}`, 'at', `${at}`, 'body', `${body}`)
    await pipeline.exec()
  }
  const took = performance.now() - began
  await redis.del(`${prefix}all`)
  redis.disconnect()
  return took
}

async function nodeRedis({ redisUrl }: Servers, prefix: string, entries: readonly Entry[]): Promise<number> {
  const client = createClient({ url: redisUrl })
  await client.connect()
  const began = performance.now()
  for (let from = 0; from < entries.length; from += 500) {
    const pipeline = client.multi()
    for (const [id, fields] of entries.slice(from, from + 500)) pipeline.xAdd(`${prefix}all`, id, fields)
    await pipeline.execAsPipeline()
  }
  const took = performance.now() - began
  await client.close()
  return took
}

async function feedAlone({ store }: Servers): Promise<number> {
  const began = performance.now()
  for (let next = feedStart; next.position < count; ) next = (await store.readFeed(next, { limit: 500 })).next
  return performance.now() - began
}

/** Takes from a topic that an outbox has filled before the time starts. */
async function filledTopic({ store, redisUrl }: Servers, prefix: string) {
  const streams = connectRedisMessageStreams({ url: redisUrl, prefix })
  const publisher = startOutbox({ store, streams, topic: () => 'all' })
  await publisher.waitPublished(count, never)
  await publisher.close()
  return streams
}

async function consumed(servers: Servers, prefix: string): Promise<number> {
  const streams = await filledTopic(servers, prefix)
  const began = performance.now()
  let sum = 0
  let handled = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  const handle = (message: Message) => {
    sum += eventIn(message).version
    handled += 1
    if (handled === count) resolve()
  }
  const consumer = consume({ streams, topic: 'all', group: 'g', concurrency: 25, handle })
  await promise
  await consumer.close()
  const took = performance.now() - began
  const [state] = await streams.groups('all')
  if (state?.held !== 0 || state.finished.position !== count || sum === 0) throw new Error('not all was acknowledged')
  await streams.close()
  return took
}

async function consumedInto(servers: Servers, prefix: string): Promise<number> {
  const { database } = servers
  const streams = await filledTopic(servers, prefix)
  await database.query('drop table if exists effects')
  await database.query('create table effects (position bigint primary key, version int)')
  const began = performance.now()
  const { promise, resolve } = Promise.withResolvers<void>()
  const consumer = await consumeInto({
    ...{ streams, database, topics: ['all'], group: prefix.replaceAll(':', '-') },
    handle: async (transaction, message) => {
      const values = [message.position, eventIn(message).version]
      await transaction.query('insert into effects (position, version) values ($1, $2)', values)
      if (message.position === count) resolve()
    },
  })
  await promise
  await consumer.close()
  const took = performance.now() - began
  const { rows } = await database.query<{ count: number }>('select count(*)::int as count from effects')
  if (rows[0]?.count !== count) throw new Error(`${rows[0]?.count} effects of ${count} messages`)
  await streams.close()
  return took
}

async function readGroup(servers: Servers, prefix: string): Promise<number> {
  const streams = await filledTopic(servers, prefix)
  await streams.createGroup('all', 'g', feedStart)
  const redis = new Redis(servers.redisUrl)
  await redis.ping()
  const key = `${prefix}messages:topic:all`
  const began = performance.now()
  let sum = 0
  for (let taken = 0; taken < count; ) {
    // The shape that Redis documents for XREADGROUP.
    const answer = (await redis.xreadgroup('GROUP', 'g', 'c', 'COUNT', 100, 'STREAMS', key, '>')) as
      | [string, [string, string[]][]][]
      | null
    const entries = answer?.[0]?.[1] ?? []
    for (const [, fields] of entries) sum += JSON.parse(fields[7] ?? 'null').version
    await redis.xack(key, 'g', ...entries.map(([id]) => id))
    taken += entries.length
  }
  const took = performance.now() - began
  redis.disconnect()
  await streams.close()
  if (sum === 0) throw new Error('nothing was read')
  return took
}

/** From the end of an append to a consumer in the same process, through PostgreSQL and Redis; one event at a time. */
async function publishLag({ database, redisUrl }: Servers): Promise<number[]> {
  const store = await openEventStore({ database, log: 'lag' })
  const streams = connectRedisMessageStreams({ url: redisUrl, prefix: 'lag:' })
  const publisher = startOutbox({ store, streams, topic: () => 'all' })
  let arrived = () => {}
  const consumer = consume({ streams, topic: 'all', group: 'g', handle: () => arrived() })
  const samples: number[] = []
  for (let at = 0; at < 300; at++) {
    const { promise, resolve } = Promise.withResolvers<void>()
    arrived = resolve
    const began = performance.now()
    await store.append('lag', [{ type: 'Ping' }])
    await promise
    samples.push(performance.now() - began)
  }
  await consumer.close()
  await publisher.close()
  await streams.close()
  await store.close()
  return samples.slice(50).sort((a, b) => a - b)
}

function resultOf(figures: ReadonlyMap<string, readonly number[]>, lag: readonly number[]): BenchmarkResult {
  const of = (name: string) => median(figures.get(name) ?? [])
  const rows: BenchmarkRow[] = [...figures.keys()].map((subject) => ({
    ...{ subject, metric: 'throughput', value: of(subject), unit: 'entries/s' },
  }))
  const quantile = (share: number) => lag[Math.floor((lag.length - 1) * share)] ?? Number.NaN
  const subject = 'append() until a consumer has it, one at a time'
  rows.push({ subject, metric: 'p50', value: quantile(0.5), unit: 'ms' })
  rows.push({ subject, metric: 'p99', value: quantile(0.99), unit: 'ms' })
  const published = of('outbox: PostgreSQL feed to Redis Streams')
  const pipelined = of('ioredis, XADD pipelined by 500, entries in memory')
  return {
    rows,
    targets: [
      target('outbox, entries a second, at least', published, 20_000, 'entries/s'),
      target('outbox of ioredis, XADD pipelined, at least', published / pipelined, 0.25, 'x'),
    ],
  }
}

function target(name: string, value: number, bound: number, unit: string) {
  return { name, value, bound, unit, reached: value >= bound }
}

/** What happens to Redis, and what outbox and consumers make of it. */
import {
  type ConsumeOptions,
  type Consumer,
  comparePositions,
  consume,
  createInMemoryEventStore,
  type EventStore,
  type FeedPosition,
  feedStart,
  type Message,
  type MessageStreams,
  type Outbox,
  type OutboxOptions,
  startOutbox,
} from '@keelson/events'
import { isError } from '@keelson/kernel'
import { Redis } from 'ioredis'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { connectRedisMessageStreams, type RedisStreams } from '../src/index.ts'
import { Address } from './address.ts'
import { isSkipped, RedisServer } from './redis-server.ts'

const topic = 'orders'
const patient = { timeout: 60_000, interval: 20 }

interface Closing {
  close(): unknown
}

describe.skipIf(isSkipped)('Redis of an outbox and its consumers', () => {
  const opened: Closing[] = []
  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.close()
  }, 60_000)

  const own = <T extends Closing>(one: T): T => {
    opened.push(one)
    return one
  }
  const server = async (...settings: string[]) => own(await RedisServer.start(settings))
  const connect = (url: string, timeoutMs = 2_000): RedisStreams => own(connectRedisMessageStreams({ url, timeoutMs }))
  const outbox = (store: EventStore, streams: MessageStreams, options: Partial<OutboxOptions> = {}): Outbox =>
    own(startOutbox({ store, streams, topic: () => topic, backoff: { firstMs: 10, mostMs: 100 }, ...options }))
  const consumer = (streams: MessageStreams, handle: ConsumeOptions['handle'], options: Partial<ConsumeOptions> = {}) =>
    own<Consumer>(consume({ streams, topic, group: 'mail', handle, retry: { firstMs: 1, mostMs: 5 }, ...options }))
  const append = (store: EventStore, count: number) =>
    store.append(
      'counter',
      Array.from({ length: count }, (_, at) => ({ type: 'Counted', data: { at } })),
    )
  const command = async (url: string, ...words: [string, ...string[]]) => {
    const redis = new Redis(url)
    try {
      return await redis.call(...words)
    } finally {
      redis.disconnect()
    }
  }
  const positions = async (streams: MessageStreams) => {
    const found: number[] = []
    for (let after: FeedPosition = feedStart; ; ) {
      const page = await streams.read(topic, after, { limit: 1_000 })
      found.push(...page.map(({ position }) => position))
      const last = page.at(-1)
      if (!last) return found
      after = last
    }
  }
  const numbers = (count: number) => Array.from({ length: count }, (_, at) => at + 1)
  /** Once the outbox has published all of the log again and again, each position is there once. */
  const whole = (streams: MessageStreams, count: number) =>
    vi.waitFor(async () => expect(await positions(streams)).toEqual(numbers(count)), patient)

  /** An effect and how far it is, kept together: a repeat is dropped by comparing one number. */
  const effects = () => {
    let place = feedStart
    const made: string[] = []
    const make = (message: Message) => {
      if (comparePositions(message, place) <= 0) return
      place = message
      made.push(message.id)
    }
    return { make, made }
  }

  it('that is killed and comes back empty is filled again, and a consumer drops what it has had', async () => {
    const redis = await server()
    const [store, streams] = [createInMemoryEventStore(), connect(redis.url)]
    await append(store, 300)
    outbox(store, streams)
    const { make, made } = effects()
    consumer(streams, make, { key: () => 'one', claimAfterMs: 1_000 })
    await vi.waitFor(() => expect(made).toHaveLength(300), patient)
    await redis.kill()
    await append(store, 100)
    await redis.start()
    await whole(streams, 400)
    await vi.waitFor(() => expect(made).toHaveLength(400), patient)
    expect(made).toEqual(numbers(400).map((position) => `1-${position}`))
  })

  it('that is killed again and again while it writes to disk has each position once', async () => {
    const redis = await server('--appendonly', 'yes', '--appendfsync', 'everysec')
    const [store, streams] = [createInMemoryEventStore(), connect(redis.url)]
    for (const batch of [7, 50]) outbox(store, streams, { batch })
    const { make, made } = effects()
    consumer(streams, make, { key: () => 'one', claimAfterMs: 500, concurrency: 50 })
    for (let round = 1; round <= 6; round++) {
      for (let step = 0; step < 20; step++) await append(store, 10)
      await redis.kill()
      await append(store, 10)
      await redis.start()
    }
    await whole(streams, 6 * 210)
    await vi.waitFor(() => expect(made).toHaveLength(6 * 210), patient)
    expect(made).toEqual(numbers(6 * 210).map((position) => `1-${position}`))
  })

  it('that hangs makes the outbox wait with a named error, and is used again when it answers', async () => {
    const redis = await server()
    const [store, streams] = [createInMemoryEventStore(), connect(redis.url, 300)]
    const codes = new Set<string>()
    const onFailure = (error: unknown) => codes.add(isError(error) ? error.code : String(error))
    const publisher = outbox(store, streams, { hooks: { onFailure } })
    const handled: number[] = []
    consumer(streams, ({ position }) => void handled.push(position), { hooks: { onFailure } })
    await append(store, 10)
    await vi.waitFor(() => expect(handled).toHaveLength(10), patient)
    redis.pause()
    await append(store, 10)
    await vi.waitFor(() => expect(publisher.health().status).toBe('degraded'), patient)
    redis.resume()
    await whole(streams, 20)
    await vi.waitFor(() => expect(new Set(handled)).toEqual(new Set(numbers(20))), patient)
    await vi.waitFor(() => expect(publisher.health().status).toBe('ok'), patient)
    expect([...codes]).toEqual(['MESSAGES_UNAVAILABLE'])
  })

  it('whose replica is promoted without the last entries gets them again, under the same ids', async () => {
    const primary = await server()
    const link = own(await Address.open(primary.port))
    const replica = await server('--replicaof', '127.0.0.1', String(link.port))
    const address = own(await Address.open(primary.port))
    const [store, streams] = [createInMemoryEventStore(), connect(address.url)]
    const moves: FeedPosition[] = []
    const publisher = outbox(store, streams, { hooks: { onMoved: ({ to }) => moves.push(to) } })
    const { make, made } = effects()
    consumer(streams, make, { key: () => 'one', claimAfterMs: 500 })
    await append(store, 100)
    await vi.waitFor(() => expect(made).toHaveLength(100), patient)
    const copy = connect(replica.url)
    await vi.waitFor(async () => expect(await positions(copy)).toHaveLength(100), patient)
    link.lead(undefined)
    await append(store, 50)
    await vi.waitFor(() => expect(made).toHaveLength(150), patient)
    expect(await positions(copy)).toHaveLength(100)

    await primary.kill()
    await command(replica.url, 'REPLICAOF', 'NO', 'ONE')
    address.lead(replica.port)
    await append(store, 10)
    await whole(streams, 160)
    await vi.waitFor(() => expect(made).toHaveLength(160), patient)
    expect(made).toEqual(numbers(160).map((position) => `1-${position}`))
    expect(moves.some(({ position }) => position === 100) || publisher.lag === 0).toBe(true)
  })

  it('that has become a replica is refused by name, and left for the one that serves', async () => {
    const [first, second] = [await server(), await server()]
    const address = own(await Address.open(first.port))
    const [store, streams] = [createInMemoryEventStore(), connect(address.url)]
    const reasons = new Set<string>()
    const onFailure = (error: unknown) => reasons.add(isError(error, 'MESSAGES_UNAVAILABLE') ? 'away' : String(error))
    const publisher = outbox(store, streams, { hooks: { onFailure } })
    await append(store, 5)
    await whole(streams, 5)
    await command(first.url, 'REPLICAOF', '127.0.0.1', String(second.port))
    await append(store, 5)
    await vi.waitFor(() => expect(publisher.health().status).toBe('degraded'), patient)
    address.lead(second.port)
    await whole(streams, 10)
    expect([...reasons]).toEqual(['away'])
  })

  it('that is full makes the outbox wait with a named error, and loses nothing', async () => {
    const redis = await server('--maxmemory-policy', 'noeviction')
    const [store, streams] = [createInMemoryEventStore(), connect(redis.url)]
    const codes = new Set<string>()
    const onFailure = (error: unknown) => codes.add(isError(error) ? error.code : String(error))
    const handled: number[] = []
    consumer(streams, ({ position }) => void handled.push(position))
    const publisher = outbox(store, streams, { hooks: { onFailure } })
    await append(store, 10)
    await vi.waitFor(() => expect(handled).toHaveLength(10), patient)
    await command(redis.url, 'CONFIG', 'SET', 'maxmemory', '1mb')
    await append(store, 500)
    await vi.waitFor(() => expect(publisher.health().message).toContain('no memory left'), patient)
    expect(codes).toContain('MESSAGES_FULL')
    await command(redis.url, 'CONFIG', 'SET', 'maxmemory', '0')
    await whole(streams, 510)
    await vi.waitFor(() => expect(new Set(handled).size).toBe(510), patient)
  })

  it('that was never there is waited for, and is used when it comes', async () => {
    const redis = await server()
    await redis.kill()
    const [store, streams] = [createInMemoryEventStore(), connect(redis.url)]
    await append(store, 20)
    const publisher = outbox(store, streams)
    const handled: number[] = []
    consumer(streams, ({ position }) => void handled.push(position))
    await vi.waitFor(() => expect(publisher.health().status).toBe('degraded'), patient)
    await expect(streams.last(topic)).rejects.toMatchObject({ code: 'MESSAGES_UNAVAILABLE', retryable: true })
    await redis.start()
    await whole(streams, 20)
    await vi.waitFor(() => expect(handled).toHaveLength(20), patient)
  })

  it('that loses a group has it made again from the last place that all had finished', async () => {
    const redis = await server()
    const [store, streams] = [createInMemoryEventStore(), connect(redis.url)]
    outbox(store, streams)
    const handled: number[] = []
    const created: unknown[] = []
    consumer(streams, ({ position }) => void handled.push(position), {
      claimAfterMs: 150,
      hooks: { onGroupCreated: (group) => created.push(group) },
    })
    await append(store, 30)
    await vi.waitFor(() => expect(handled).toHaveLength(30), patient)
    // It looks every 50 ms how far the group is.
    await vi.waitFor(async () => {
      expect(await streams.groups(topic)).toMatchObject([{ finished: { position: 30 } }])
    }, patient)
    await new Promise((resolve) => setTimeout(resolve, 300))
    await streams.dropGroup(topic, 'mail')
    await append(store, 5)
    await vi.waitFor(() => expect(handled).toHaveLength(35), patient)
    expect(handled.toSorted((a, b) => a - b)).toEqual(numbers(35))
    expect(created.at(-1)).toEqual({ after: { position: 30, epoch: 1 }, isLost: true })
  })

  it('that holds entries of somebody else gives them as dead letters, and holds nothing up', async () => {
    const redis = await server()
    const [store, streams] = [createInMemoryEventStore(), connect(redis.url)]
    await append(store, 3)
    const publisher = outbox(store, streams)
    await whole(streams, 3)
    await publisher.close()
    await command(redis.url, 'XADD', 'keelson:messages:topic:orders', '1-4', 'hello', 'world')
    await command(
      ...([
        redis.url,
        'XADD',
        'keelson:messages:topic:orders',
        '1-5',
        'key',
        'k',
        'type',
        'T',
        'at',
        '1',
        'body',
        '{',
      ] as const),
    )
    const handled: number[] = []
    consumer(streams, ({ position }) => void handled.push(position))
    await vi.waitFor(async () => expect(await streams.deadLetters(topic, 'mail')).toHaveLength(2), patient)
    expect(handled).toEqual([1, 2, 3])
    expect(await streams.deadLetters(topic, 'mail')).toMatchObject([
      { reason: 'it was not written by an outbox: a field is missing', message: { id: '1-4' } },
      { reason: 'its body is no JSON', message: { id: '1-5' } },
    ])
    await command(redis.url, 'SET', 'keelson:messages:topic:other', 'text')
    await expect(streams.read('other', feedStart)).rejects.toMatchObject({ code: 'MESSAGES_FAILED' })
  })
})

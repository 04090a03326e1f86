import {
  type ConsumeIntoOptions,
  consumeInto,
  createInMemoryMessageStreams,
  eventsErrors,
  type IntoConsumer,
  type MessageStreams,
  type NewMessage,
} from '@keelson/events'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { openPgliteDatabase } from '../src/index.ts'

type Handle = ConsumeIntoOptions['handle']

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at + 1)

async function publish(streams: MessageStreams, topic: string, count: number, epoch = 1): Promise<void> {
  const after = await streams.cursor(topic)
  const messages: NewMessage[] = numbers(count).map((number) => {
    const position = after.position + number
    return { topic, epoch, position, key: 'k', type: 'Placed', at: 0, body: { position } }
  })
  await streams.publish({ source: topic, after, next: { position: after.position + count, epoch }, messages })
}

describe('consumeInto() on PGlite', () => {
  let database: Awaited<ReturnType<typeof openPgliteDatabase>>
  let topics = 0
  let topic = ''
  const opened: IntoConsumer[] = []
  beforeAll(async () => {
    database = await openPgliteDatabase()
    await database.query('create table effects (number int generated always as identity, topic text, id text)')
  })
  afterAll(async () => database?.close())
  beforeEach(() => {
    topic = `orders-${++topics}`
  })
  afterEach(async () => {
    for (const consumer of opened.splice(0)) await consumer.close()
  })

  const effect: Handle = async (transaction, message) => {
    await transaction.query('insert into effects (topic, id) values ($1, $2)', [message.topic, message.id])
  }
  const effects = async (of = topic) => {
    const { rows } = await database.query<{ id: string }>('select id from effects where topic = $1 order by number', [
      of,
    ])
    return rows.map(({ id }) => id)
  }
  const all = (count: number) => numbers(count).map((number) => `1-${number}`)
  const open = async (streams: MessageStreams, options: Partial<ConsumeIntoOptions> = {}) => {
    const common = { streams, database, topics: [topic], group: 'mail', retry: { firstMs: 1, mostMs: 2 } }
    const consumer = await consumeInto({ ...common, handle: effect, ...options })
    opened.push(consumer)
    return consumer
  }
  const reached = (consumer: IntoConsumer, position: number) =>
    vi.waitFor(() => expect(consumer.position(topic)?.position).toBe(position), 20_000)

  it('makes each effect once and in order, and goes on where another consumer stopped', async () => {
    const streams = createInMemoryMessageStreams()
    await publish(streams, topic, 250)
    const first = await open(streams)
    await reached(first, 250)
    await publish(streams, topic, 10)
    await reached(first, 260)
    await first.close()
    await publish(streams, topic, 5)
    await reached(await open(streams), 265)
    expect(await effects()).toEqual(all(265))
    expect(await streams.groups(topic)).toMatchObject([{ group: 'mail' }])
  })

  it('drops what streams that lost their end, or all, give again', async () => {
    const streams = createInMemoryMessageStreams()
    const empty = streams.remember()
    await publish(streams, topic, 10)
    const promote = streams.remember()
    await publish(streams, topic, 10)
    const consumer = await open(streams)
    await reached(consumer, 20)
    promote()
    await publish(streams, topic, 12)
    await reached(consumer, 22)
    empty()
    await publish(streams, topic, 24)
    await reached(consumer, 24)
    expect(await effects()).toEqual(all(24))
  })

  it('takes a position that the log lost and took again for another, by its epoch', async () => {
    const streams = createInMemoryMessageStreams()
    await publish(streams, topic, 3)
    await streams.publish({
      ...{ source: topic, after: { position: 3, epoch: 1 }, next: { position: 3, epoch: 2 } },
      messages: [{ topic, epoch: 2, position: 3, key: 'k', type: 'Placed', at: 0, body: {} }],
    })
    await vi.waitFor(async () => {
      if (opened.length === 0) await open(streams)
      expect(await effects()).toEqual(['1-1', '1-2', '1-3', '2-3'])
    }, 20_000)
  })

  it('leaves nothing of a message that fails, buries it in the end, and replays it', async () => {
    const streams = createInMemoryMessageStreams()
    await publish(streams, topic, 20)
    let isBroken = true
    const onBuried = vi.fn()
    const handle: Handle = async (transaction, message, given) => {
      await effect(transaction, message, given)
      if (isBroken && message.position % 8 === 0) throw new Error(`order ${message.position} is bad`)
    }
    const consumer = await open(streams, { handle, maxDeliveries: 3, hooks: { onBuried } })
    await reached(consumer, 20)
    expect(await effects()).toEqual(all(20).filter((id) => id !== '1-8' && id !== '1-16'))
    expect(await consumer.deadLetters(topic)).toMatchObject([
      { id: '1-8', message: { position: 8, topic }, reason: 'order 8 is bad', deliveries: 3 },
      { id: '1-16', message: { position: 16, topic }, reason: 'order 16 is bad', deliveries: 3 },
    ])
    expect(onBuried).toHaveBeenCalledTimes(2)
    expect(await consumer.replayDeadLetters(topic)).toEqual({ handled: 0, failed: 2 })
    expect(await consumer.deadLetters(topic)).toMatchObject([{ deliveries: 4 }, { deliveries: 4 }])
    isBroken = false
    expect(await consumer.replayDeadLetters(topic, ({ message }) => message.position > 8)).toEqual({
      handled: 1,
      failed: 0,
    })
    expect(await consumer.replayDeadLetters(topic)).toEqual({ handled: 1, failed: 0 })
    expect(await consumer.deadLetters(topic)).toEqual([])
    expect((await effects()).slice(-2)).toEqual(['1-16', '1-8'])
  })

  it('makes each effect once when several processes of the group run, and go', async () => {
    const streams = createInMemoryMessageStreams()
    for (let round = 1; round <= 3; round++) {
      const consumers = await Promise.all([1, 2, 3].map((batch) => open(streams, { batch, leaseMs: 300 })))
      await publish(streams, topic, 20)
      await vi.waitFor(async () => expect((await effects()).length).toBeGreaterThan(20 * round - 10), 20_000)
      for (const consumer of consumers) await consumer.close()
    }
    await reached(await open(streams), 60)
    expect(await effects()).toEqual(all(60))
  })

  it('takes a topic over from a process that says nothing more, and not before', async () => {
    const streams = createInMemoryMessageStreams()
    await publish(streams, topic, 10)
    const first = await open(streams)
    await reached(first, 10)
    await first.close()
    const lease = (until: string) =>
      database.query(
        `update keelson_message_checkpoints set owner = 'other', leased_until = clock_timestamp() + $2::interval where topic = $1`,
        [topic, until],
      )
    await lease('1 hour')
    await publish(streams, topic, 5)
    const onTopic = vi.fn()
    const second = await open(streams, { leaseMs: 60, hooks: { onTopic } })
    const acquiring = vi.spyOn(database, 'query')
    await vi.waitFor(() => expect(acquiring.mock.calls.length).toBeGreaterThan(4), 20_000)
    acquiring.mockRestore()
    expect(second.position(topic)).toBeUndefined()
    await lease('0')
    await reached(second, 15)
    const place = { position: 10, epoch: 1 }
    expect(onTopic).toHaveBeenCalledExactlyOnceWith({ topic, place, isInherited: true })
    expect(await effects()).toEqual(all(15))
  })

  it('commits nothing of a process that lost its topic in the middle', async () => {
    const streams = createInMemoryMessageStreams()
    await publish(streams, topic, 1)
    const onFailure = vi.fn()
    let isFirst = true
    const read = streams.read.bind(streams)
    vi.spyOn(streams, 'read').mockImplementation(async (...given) => {
      const messages = await read(...given)
      if (isFirst && messages.length > 0) {
        isFirst = false
        // Another process has had it meanwhile, made the effect, and gone.
        await database.query(`insert into effects (topic, id) values ($1, '1-1')`, [topic])
        await database.query(
          `update keelson_message_checkpoints set owner = null, fence = fence + 1, epoch = 1, position = 1 where topic = $1`,
          [topic],
        )
      }
      return messages
    })
    const consumer = await open(streams, { hooks: { onFailure } })
    await reached(consumer, 1)
    expect(onFailure.mock.calls[0]?.[0]).toMatchObject({ code: 'MESSAGES_LEASE_LOST' })
    expect(await effects()).toEqual(['1-1'])
  })

  it('knows a message that killed each process that handled it, and buries it', async () => {
    const streams = createInMemoryMessageStreams()
    await publish(streams, topic, 3)
    const first = await open(streams)
    await reached(first, 3)
    await first.close()
    await publish(streams, topic, 3)
    // As processes leave it that died of message 5.
    await database.query(
      `update keelson_message_checkpoints set owner = 'dead', position = 4, attempted = '1-5', attempts = 3 where topic = $1`,
      [topic],
    )
    await database.query(`update keelson_message_checkpoints set leased_until = clock_timestamp() where topic = $1`, [
      topic,
    ])
    const onTopic = vi.fn()
    const consumer = await open(streams, { maxDeliveries: 3, hooks: { onTopic } })
    await reached(consumer, 6)
    expect(onTopic).toHaveBeenCalledWith({ topic, place: { position: 4, epoch: 1 }, isInherited: true })
    expect(await consumer.deadLetters(topic)).toMatchObject([
      { id: '1-5', reason: 'the processes that handled it died or hung', deliveries: 3 },
    ])
    expect(await effects()).toEqual(['1-1', '1-2', '1-3', '1-6'])
  })

  it('goes on when the streams fail, says so, and closes all the same', async () => {
    const streams = createInMemoryMessageStreams()
    await publish(streams, topic, 5)
    const away = eventsErrors.MESSAGES_UNAVAILABLE({ attempt: 'ask', reason: 'away' })
    vi.spyOn(streams, 'finish').mockRejectedValueOnce(away)
    const reading = vi.spyOn(streams, 'read').mockRejectedValueOnce(away)
    const onFailure = vi.fn()
    const consumer = await open(streams, { hooks: { onFailure } })
    await reached(consumer, 5)
    expect(onFailure.mock.calls.map(([error]) => error)).toEqual([away, away])
    expect(consumer.health().status).toBe('ok')
    reading.mockRejectedValue(away)
    await vi.waitFor(() => expect(consumer.health().status).toBe('degraded'), 20_000)
    await consumer.close()
    expect(await effects()).toEqual(all(5))
  })

  it('refuses bad options', async () => {
    const streams = createInMemoryMessageStreams()
    for (const bad of [{ topics: [] }, { topics: ['a', 'a'] }, { topics: ['a b'] }, { group: '' }, { batch: 0 }])
      await expect(open(streams, bad)).rejects.toMatchObject({ code: 'MESSAGES_INVALID' })
  })
})

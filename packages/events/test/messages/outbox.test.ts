import { isError } from '@keelson/kernel'
import { createFakeClock } from '@keelson/kernel/testing'
import { createMetrics, prometheusText } from '@keelson/telemetry'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  createInMemoryEventStore,
  createInMemoryMessageStreams,
  type EventStore,
  eventIn,
  eventsErrors,
  type FeedPosition,
  type MessageStreams,
  type Outbox,
  type OutboxOptions,
  startOutbox,
} from '../../src/index.ts'

const start: FeedPosition = { position: 0, epoch: 0 }
const never = new AbortController().signal
const opened: Outbox[] = []
afterEach(async () => {
  for (const outbox of opened.splice(0)) await outbox.close()
})

function open(options: Partial<OutboxOptions> & Pick<OutboxOptions, 'store' | 'streams'>): Outbox {
  const outbox = startOutbox({ topic: () => 'all', backoff: { firstMs: 1, mostMs: 5 }, ...options })
  opened.push(outbox)
  return outbox
}

async function append(store: EventStore, count: number, type = 'Counted'): Promise<void> {
  await store.append(
    'counter',
    Array.from({ length: count }, (_, at) => ({ type, data: { at } })),
  )
}

async function idsOf(streams: MessageStreams, topic = 'all'): Promise<string[]> {
  return (await streams.read(topic, start, { limit: 10_000 })).map(({ id }) => id)
}

const expected = (count: number, epoch = 1) => Array.from({ length: count }, (_, at) => `${epoch}-${at + 1}`)

/** A log that was failed over: what was appended up to `at` is of epoch 1, and what it lost is gone. */
function failedOver(store: EventStore, { lost, at }: { lost: EventStore; at: number }): EventStore {
  return {
    ...bound(store),
    head: async () => ({ ...(await store.head()), epoch: 2 }),
    readFeed: async (after, options) => {
      const head = await store.head()
      if (after.epoch === 1 && after.position > at)
        throw eventsErrors.EVENTS_POSITION_AHEAD({ log: lost.log, ...after, lastGood: Math.min(at, head.position) })
      const page = await store.readFeed(after, options)
      return { ...page, next: { ...page.next, epoch: 2 } }
    },
  }
}

function bound(store: EventStore): EventStore {
  return {
    log: store.log,
    append: store.append.bind(store),
    appendAll: store.appendAll.bind(store),
    readStream: store.readStream.bind(store),
    noteReader: store.noteReader.bind(store),
    findEvent: store.findEvent.bind(store),
    readFeed: store.readFeed.bind(store),
    head: store.head.bind(store),
    waitBeyond: store.waitBeyond.bind(store),
    streams: store.streams.bind(store),
    archive: store.archive.bind(store),
    truncate: store.truncate.bind(store),
    tombstone: store.tombstone.bind(store),
    readSnapshot: store.readSnapshot.bind(store),
    writeSnapshot: store.writeSnapshot.bind(store),
  }
}

describe('startOutbox()', () => {
  it('publishes what is there and what comes, in order, as events', async () => {
    const [store, streams] = [createInMemoryEventStore(), createInMemoryMessageStreams()]
    await append(store, 25)
    const outbox = open({ store, streams, batch: 7 })
    await outbox.waitPublished(25, never)
    await append(store, 5)
    await outbox.waitPublished(30, never)
    expect(await idsOf(streams)).toEqual(expected(30))
    const { events } = await store.readStream('counter')
    expect((await streams.read('all', start)).map(eventIn)).toEqual(events)
    expect([outbox.lag, outbox.health().status]).toEqual([0, 'ok'])
  })

  it('publishes each position once when several run at once, and when they are closed in between', async () => {
    const [store, streams] = [createInMemoryEventStore(), createInMemoryMessageStreams()]
    for (let round = 1; round <= 5; round++) {
      const outboxes = [1, 2, 3].map((batch) => open({ store, streams, batch }))
      await append(store, 40)
      await outboxes[1]?.waitPublished(round * 40, never)
      for (const outbox of outboxes) await outbox.close()
    }
    expect(await idsOf(streams)).toEqual(expected(200))
  })

  it('goes over what is not published, and publishes what a route says in its place', async () => {
    const [store, streams] = [createInMemoryEventStore(), createInMemoryMessageStreams()]
    await append(store, 3, 'Kept')
    await append(store, 2, 'OrderPlaced')
    await append(store, 4, 'Kept')
    const topic: OutboxOptions['topic'] = ({ type, position }) =>
      type === 'OrderPlaced'
        ? { topic: 'orders', key: `order-${position}`, type: 'Placed', body: { position } }
        : undefined
    await open({ store, streams, topic, batch: 2 }).waitPublished(9, never)
    expect(await streams.cursor('main')).toEqual({ position: 9, epoch: 1 })
    expect((await streams.read('orders', start)).map(({ id, key, type, body }) => [id, key, type, body])).toEqual([
      ['1-4', 'order-4', 'Placed', { position: 4 }],
      ['1-5', 'order-5', 'Placed', { position: 5 }],
    ])
  })

  it('publishes events whose stream was archived before it came to them, and none that were erased', async () => {
    const [store, streams] = [createInMemoryEventStore(), createInMemoryMessageStreams()]
    await append(store, 2)
    await store.append('other', [{ type: 'A' }, { type: 'B' }])
    await store.archive('counter')
    await store.truncate('other', 2)
    await open({ store, streams }).waitPublished(4, never)
    expect(await idsOf(streams)).toEqual(['1-1', '1-2', '1-4'])
  })

  it('begins with what comes when it is told so and the streams know nothing of it', async () => {
    const [store, streams] = [createInMemoryEventStore(), createInMemoryMessageStreams()]
    await append(store, 10)
    const first = open({ store, streams, startAt: 'next' })
    await first.waitPublished(10, never)
    await append(store, 2)
    await first.waitPublished(12, never)
    await first.close()
    await append(store, 1)
    await open({ store, streams, startAt: 'next' }).waitPublished(13, never)
    expect(await idsOf(streams)).toEqual(['1-11', '1-12', '1-13'])
  })

  it('goes on from what survived when the streams lose their end, also when nothing is appended', async () => {
    const clock = createFakeClock()
    const [store, streams] = [createInMemoryEventStore(), createInMemoryMessageStreams()]
    await append(store, 10)
    const onMoved = vi.fn()
    const outbox = open({ store, streams, clock, hooks: { onMoved } })
    await outbox.waitPublished(10, never)
    const promote = streams.remember()
    await append(store, 10)
    await outbox.waitPublished(20, never)
    promote()
    expect(await idsOf(streams)).toEqual(expected(10))
    await clock.advance(1)
    await clock.advance(1_500)
    expect(await idsOf(streams)).toEqual(expected(20))
    expect(onMoved).toHaveBeenCalledExactlyOnceWith({
      from: { position: 20, epoch: 1 },
      to: { position: 10, epoch: 1 },
    })
    promote()
    await append(store, 1)
    await outbox.waitPublished(21, never)
    expect(await idsOf(streams)).toEqual(expected(21))
  })

  it('waits while the streams are away or full, says so, and goes on', async () => {
    const [store, streams] = [createInMemoryEventStore(), createInMemoryMessageStreams()]
    await append(store, 100)
    const failures = [
      eventsErrors.MESSAGES_UNAVAILABLE({ attempt: 'publish', reason: 'it is away' }),
      eventsErrors.MESSAGES_FULL({ attempt: 'publish' }),
      new Error('unheard of'),
    ]
    const publish = streams.publish.bind(streams)
    const tried: number[] = []
    const metrics = createMetrics()
    vi.spyOn(streams, 'publish').mockImplementation(async (publication) => {
      tried.push(publication.messages.length)
      const failure = failures.shift()
      if (failure) throw failure
      return publish(publication)
    })
    const seen: unknown[] = []
    const outbox = open({ store, streams, metrics, batch: 64, hooks: { onFailure: (error) => seen.push(error) } })
    await outbox.waitPublished(100, never)
    expect(seen.map((error) => (isError(error) ? error.code : 'other'))).toEqual([
      'MESSAGES_UNAVAILABLE',
      'MESSAGES_FULL',
      'other',
    ])
    expect(tried.slice(0, 5)).toEqual([64, 32, 16, 8, 8])
    expect(await idsOf(streams)).toEqual(expected(100))
    const text = prometheusText(metrics)
    expect(text).toContain('keelson_outbox_published_total{outbox="main"} 100')
    expect(text).toContain('keelson_outbox_failures_total{outbox="main",code="MESSAGES_FULL"} 1')
    expect(text).toContain('keelson_outbox_lag{outbox="main"} 0')
  })

  it('is degraded while it fails, and closes all the same', async () => {
    const clock = createFakeClock()
    const [store, streams] = [createInMemoryEventStore(), createInMemoryMessageStreams()]
    vi.spyOn(streams, 'cursor').mockRejectedValue(
      eventsErrors.MESSAGES_UNAVAILABLE({ attempt: 'look', reason: 'away' }),
    )
    const outbox = open({ store, streams, clock })
    await clock.advance(50)
    expect(outbox.health()).toEqual({
      status: 'degraded',
      message: expect.stringContaining('Cannot look: away'),
    })
    const waiting = outbox.waitPublished(1, never)
    waiting.catch(() => {})
    await outbox.close()
    await expect(waiting).rejects.toMatchObject({ code: 'OUTBOX_CLOSED' })
    await outbox.close()
  })

  it('gives positions that the log lost and took again the next epoch, and old ones their own', async () => {
    const [first, second, streams] = [
      createInMemoryEventStore(),
      createInMemoryEventStore(),
      createInMemoryMessageStreams(),
    ]
    await append(first, 6)
    const before = open({ store: first, streams })
    await before.waitPublished(6, never)
    await before.close()
    await append(second, 4)
    await append(second, 3, 'After')
    const onLogCut = vi.fn()
    const store = failedOver(second, { lost: first, at: 4 })
    await open({ store, streams, hooks: { onLogCut } }).waitPublished(7, never)
    expect(await idsOf(streams)).toEqual(['1-1', '1-2', '1-3', '1-4', '1-5', '1-6', '2-5', '2-6', '2-7'])
    expect(onLogCut).toHaveBeenCalledExactlyOnceWith({ published: { position: 6, epoch: 1 }, lastGood: 4 })

    const anew = createInMemoryMessageStreams()
    await open({ store, streams: anew, batch: 3 }).waitPublished(7, never)
    expect(await idsOf(anew)).toEqual(['1-1', '1-2', '1-3', '1-4', '2-5', '2-6', '2-7'])
  })

  it('publishes nothing of another log of the same name, and says so', async () => {
    const clock = createFakeClock()
    const [first, second, streams] = [
      createInMemoryEventStore(),
      createInMemoryEventStore(),
      createInMemoryMessageStreams(),
    ]
    await append(first, 6)
    const before = open({ store: first, streams })
    await before.waitPublished(6, never)
    await before.close()
    await append(second, 3)
    const onFailure = vi.fn()
    open({ store: second, streams, clock, hooks: { onFailure } })
    await clock.advance(1)
    expect(onFailure.mock.calls[0]?.[0]).toMatchObject({ code: 'OUTBOX_LOG_REPLACED' })
    expect(await idsOf(streams)).toEqual(expected(6))
  })

  it('refuses a log that is read from a server of an earlier epoch than what is published', async () => {
    const clock = createFakeClock()
    const [store, streams] = [createInMemoryEventStore(), createInMemoryMessageStreams()]
    await append(store, 9)
    await streams.publish({ source: 'main', after: start, next: { position: 5, epoch: 2 }, messages: [] })
    const onFailure = vi.fn()
    open({ store, streams, clock, hooks: { onFailure } })
    await clock.advance(1)
    expect(onFailure.mock.calls[0]?.[0]).toMatchObject({ code: 'OUTBOX_FEED_BEHIND' })
    expect(await idsOf(streams)).toEqual([])
  })

  it('trims what all groups have finished, and says who holds the rest', async () => {
    const clock = createFakeClock()
    const [store, streams] = [createInMemoryEventStore({ clock }), createInMemoryMessageStreams({ clock })]
    await append(store, 10)
    await streams.createGroup('all', 'slow', { position: 3, epoch: 1 })
    const onHeld = vi.fn()
    const outbox = open({ store, streams, clock, keep: { entries: 2, ageMs: 5_000 }, hooks: { onHeld } })
    await outbox.waitPublished(10, never)
    await clock.advance(1)
    await clock.advance(12_000)
    expect((await idsOf(streams))[0]).toBe('1-4')
    expect(onHeld).toHaveBeenCalledWith({ topic: 'all', group: 'slow' })
    await streams.finish('all', 'slow', { position: 10, epoch: 1 })
    await clock.advance(12_000)
    expect(await idsOf(streams)).toEqual([])
  })

  it('refuses bad options', () => {
    const [store, streams] = [createInMemoryEventStore(), createInMemoryMessageStreams()]
    for (const bad of [{ batch: 0 }, { batch: 1.5 }, { batch: 20_000 }, { name: 'a b' }, { name: '' }])
      expect(() => startOutbox({ store, streams, topic: () => 'all', ...bad })).toThrow(/Cannot/)
  })
})

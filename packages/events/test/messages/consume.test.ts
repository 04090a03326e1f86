import { createFakeClock } from '@keelson/kernel/testing'
import { createMetrics, prometheusText } from '@keelson/telemetry'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  type ConsumeOptions,
  type Consumer,
  consume,
  createInMemoryMessageStreams,
  eventsErrors,
  type FeedPosition,
  type MessageStreams,
  type NewMessage,
  replayDeadLetters,
} from '../../src/index.ts'

const start: FeedPosition = { position: 0, epoch: 0 }
const opened: Consumer[] = []
afterEach(async () => {
  for (const consumer of opened.splice(0)) await consumer.close()
})

function open(options: Partial<ConsumeOptions> & Pick<ConsumeOptions, 'streams' | 'handle'>): Consumer {
  const consumer = consume({ topic: 'orders', group: 'mail', retry: { firstMs: 1, mostMs: 2 }, ...options })
  opened.push(consumer)
  return consumer
}

async function publish(streams: MessageStreams, count: number, keys = 3): Promise<void> {
  const after = await streams.cursor('main')
  const messages: NewMessage[] = Array.from({ length: count }, (_, at) => {
    const position = after.position + at + 1
    return {
      topic: 'orders',
      epoch: 1,
      position,
      key: `k${position % keys}`,
      type: 'Placed',
      at: 0,
      body: { position },
    }
  })
  const next = { position: after.position + count, epoch: 1 }
  await streams.publish({ source: 'main', after, next, messages })
}

async function state(streams: MessageStreams) {
  const [found] = await streams.groups('orders')
  if (!found) throw new Error('no group')
  return found
}

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at + 1)
const settled = async (streams: MessageStreams, position: number) =>
  vi.waitFor(async () => expect((await state(streams)).finished.position).toBe(position), 10_000)

describe('consume()', () => {
  it('handles each message once among several consumers of a group, and acknowledges it', async () => {
    const streams = createInMemoryMessageStreams()
    await publish(streams, 300)
    const handled: number[] = []
    const metrics = createMetrics()
    for (const concurrency of [1, 5, 50])
      open({ streams, metrics, concurrency, handle: ({ position }) => void handled.push(position) })
    await publish(streams, 200)
    await settled(streams, 500)
    expect(handled.toSorted((a, b) => a - b)).toEqual(numbers(500))
    expect(await state(streams)).toMatchObject({ held: 0, waiting: 0, deadLetters: 0 })
    expect(prometheusText(metrics)).toContain('keelson_messages_handled_total{topic="orders",group="mail"} 500')
  })

  it('keeps the order of each key, also over failures, and handles different keys beside each other', async () => {
    const streams = createInMemoryMessageStreams()
    await publish(streams, 60, 4)
    const byKey = new Map<string, number[]>()
    let busy = 0
    let most = 0
    const handle: ConsumeOptions['handle'] = async ({ key, position }, { deliveries }) => {
      busy += 1
      most = Math.max(most, busy)
      await new Promise((resolve) => setImmediate(resolve))
      busy -= 1
      if (position % 7 === 0 && deliveries < 3) throw new Error('not yet')
      byKey.set(key, [...(byKey.get(key) ?? []), position])
    }
    open({ streams, handle, concurrency: 3 })
    await settled(streams, 60)
    expect(most).toBe(3)
    for (const [key, positions] of byKey)
      expect(positions).toEqual(numbers(60).filter((position) => `k${position % 4}` === key))
  })

  it('makes a dead letter of what keeps failing, and handles it when it is replayed', async () => {
    const streams = createInMemoryMessageStreams()
    await publish(streams, 10)
    let isBroken = true
    const seen: [number, number][] = []
    const onBuried = vi.fn()
    const onRetry = vi.fn()
    const handle: ConsumeOptions['handle'] = ({ position }, { deliveries }) => {
      seen.push([position, deliveries])
      if (isBroken && position % 5 === 0) throw new Error(`order ${position} is bad`)
    }
    open({ streams, handle, maxDeliveries: 3, hooks: { onBuried, onRetry } })
    await settled(streams, 10)
    expect(seen.filter(([position]) => position === 5)).toEqual([
      [5, 1],
      [5, 2],
      [5, 3],
    ])
    const letters = await streams.deadLetters('orders', 'mail')
    expect(letters.map(({ message, reason, deliveries }) => [message.position, reason, deliveries]).sort()).toEqual([
      [10, 'order 10 is bad', 3],
      [5, 'order 5 is bad', 3],
    ])
    expect([onBuried.mock.calls.length, onRetry.mock.calls.length]).toEqual([2, 4])
    isBroken = false
    expect(await replayDeadLetters(streams, 'orders', 'mail', ({ message }) => message.position === 5)).toBe(1)
    await vi.waitFor(async () => expect((await state(streams)).held).toBe(0))
    await vi.waitFor(() => expect(seen.filter(([position]) => position === 5)).toHaveLength(4))
    expect(await replayDeadLetters(streams, 'orders', 'mail')).toBe(1)
    await vi.waitFor(() => expect(seen.filter(([position]) => position === 10)).toHaveLength(4))
    expect(await replayDeadLetters(streams, 'orders', 'mail')).toBe(0)
  })

  it('claims what a dead consumer held, and buries what killed all that took it', async () => {
    const clock = createFakeClock()
    const streams = createInMemoryMessageStreams({ clock })
    await publish(streams, 3)
    await streams.createGroup('orders', 'mail', start)
    await streams.take('orders', 'mail', 'dead', { limit: 2 })
    for (let death = 1; death < 3; death++)
      await streams.extend({ topic: 'orders', group: 'mail', consumer: 'dead' }, ['1-1'], { isRetry: true })
    const handled: [number, number][] = []
    const onClaimed = vi.fn()
    open({
      ...{ streams, clock, claimAfterMs: 9_000, maxDeliveries: 3, hooks: { onClaimed } },
      handle: ({ position }, { deliveries }) => void handled.push([position, deliveries]),
    })
    await clock.advance(1)
    expect(handled).toEqual([[3, 1]])
    await clock.advance(10_000)
    expect(handled).toEqual([
      [3, 1],
      [2, 2],
    ])
    expect(onClaimed).toHaveBeenCalledOnce()
    expect(await streams.deadLetters('orders', 'mail')).toMatchObject([
      { message: { position: 1 }, reason: 'the consumers that took it died or hung', deliveries: 3 },
    ])
    expect(await state(streams)).toMatchObject({ held: 0 })
  })

  it('keeps what it is at longer than others would wait, and what waits in its hand', async () => {
    const clock = createFakeClock()
    const streams = createInMemoryMessageStreams({ clock })
    await publish(streams, 4, 1)
    const { promise, resolve } = Promise.withResolvers<void>()
    const handled: string[] = []
    const slow = (name: string) => async () => {
      await promise
      handled.push(name)
    }
    open({ streams, clock, claimAfterMs: 3_000, handle: slow('first') })
    await clock.advance(1)
    open({ streams, clock, claimAfterMs: 3_000, handle: slow('second') })
    await clock.advance(30_000)
    resolve()
    await clock.advance(1)
    expect(handled).toEqual(['first', 'first', 'first', 'first'])
    expect(await state(streams)).toMatchObject({ held: 0, finished: { position: 4 } })
  })

  it('tells a handler whose message another has claimed, and leaves that to the other', async () => {
    const clock = createFakeClock()
    const streams = createInMemoryMessageStreams({ clock })
    await publish(streams, 1)
    const signals: AbortSignal[] = []
    const handle: ConsumeOptions['handle'] = async (_, { signal }) => {
      signals.push(signal)
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }
    open({ streams, clock, claimAfterMs: 3_000, handle })
    await clock.advance(1)
    await streams.claim('orders', 'mail', 'thief', { idleMs: 0 })
    await clock.advance(1_500)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    expect(await streams.extend({ topic: 'orders', group: 'mail', consumer: 'thief' }, ['1-1'])).toEqual(['1-1'])
    await opened[0]?.close()
    expect(await streams.deadLetters('orders', 'mail')).toEqual([])
  })

  it('does not wait for ever for a handler that never settles', async () => {
    const clock = createFakeClock()
    const streams = createInMemoryMessageStreams({ clock })
    await publish(streams, 1)
    open({ streams, clock, timeoutMs: 100, maxDeliveries: 2, handle: () => new Promise<void>(() => {}) })
    await clock.advance(1)
    await clock.advance(1_000)
    expect(await streams.deadLetters('orders', 'mail')).toMatchObject([
      { reason: 'not handled within 100 ms', deliveries: 2 },
    ])
  })

  it('goes on when the streams fail, handles nothing twice for a lost acknowledgement, and says so', async () => {
    const streams = createInMemoryMessageStreams()
    await publish(streams, 50)
    const away = eventsErrors.MESSAGES_UNAVAILABLE({ attempt: 'ask', reason: 'away' })
    const acknowledge = streams.acknowledge.bind(streams)
    let asked = 0
    vi.spyOn(streams, 'take').mockRejectedValueOnce(away)
    vi.spyOn(streams, 'acknowledge').mockImplementation(async (...given) => {
      asked += 1
      if (asked % 2 === 1) throw away
      return acknowledge(...given)
    })
    const handled: number[] = []
    const onFailure = vi.fn()
    open({ streams, handle: ({ position }) => void handled.push(position), hooks: { onFailure } })
    await settled(streams, 50)
    expect(handled.toSorted((a, b) => a - b)).toEqual(numbers(50))
    expect(onFailure).toHaveBeenCalled()
  })

  it('makes a group that was lost again, from the last place that all had finished', async () => {
    const clock = createFakeClock()
    const streams = createInMemoryMessageStreams({ clock })
    await publish(streams, 10)
    const handled: number[] = []
    const created: unknown[] = []
    open({
      ...{ streams, clock, claimAfterMs: 3_000, handle: ({ position }) => void handled.push(position) },
      hooks: { onGroupCreated: (group) => created.push(group) },
    })
    await clock.advance(1)
    await clock.advance(2_000)
    await streams.dropGroup('orders', 'mail')
    await publish(streams, 5)
    await clock.advance(3_000)
    expect(handled).toEqual(numbers(15))
    expect(created).toEqual([
      { after: start, isLost: false },
      { after: { position: 10, epoch: 1 }, isLost: true },
    ])
  })

  it('handles what it holds before it closes, and takes no more', async () => {
    const streams = createInMemoryMessageStreams()
    await publish(streams, 100)
    const handled: number[] = []
    const { promise: isBusy, resolve } = Promise.withResolvers<void>()
    const handle: ConsumeOptions['handle'] = async ({ position }) => {
      await new Promise((next) => setImmediate(next))
      handled.push(position)
      resolve()
    }
    const consumer = open({ streams, handle, concurrency: 2 })
    await isBusy
    await consumer.close()
    const count = handled.length
    expect(await state(streams)).toMatchObject({ held: 0, finished: { position: count } })
    expect(count).toBeLessThan(100)
    await consumer.close()
  })

  it('begins where it is told', async () => {
    const streams = createInMemoryMessageStreams()
    await publish(streams, 10)
    const handled: Record<string, number[]> = {}
    const begin = (group: string, startAt: NonNullable<ConsumeOptions['startAt']>) => {
      const positions: number[] = []
      handled[group] = positions
      open({ streams, group, startAt, handle: ({ position }) => void positions.push(position) })
    }
    begin('a', 'oldest')
    begin('b', 'next')
    begin('c', { position: 8, epoch: 1 })
    await vi.waitFor(async () => expect(await streams.groups('orders')).toHaveLength(3))
    await publish(streams, 1)
    await vi.waitFor(() => expect(handled).toEqual({ a: numbers(11), b: [11], c: [9, 10, 11] }))
  })

  it('refuses bad options', () => {
    const streams = createInMemoryMessageStreams()
    for (const bad of [{ concurrency: 0 }, { maxDeliveries: 1.5 }, { topic: '' }, { group: 'a b' }, { consumer: '' }])
      expect(() => consume({ streams, topic: 'orders', group: 'mail', handle: () => {}, ...bad })).toThrow(/Cannot/)
  })
})

import { createFakeClock } from '@keelson/kernel/testing'
import { describe, expect, it } from 'vitest'
import { createInMemoryEventStore, type FollowOptions, follow, followStream } from '../../src/index.ts'

async function storeOf(count: number, clock = createFakeClock()) {
  const store = createInMemoryEventStore({ clock })
  for (let n = 1; n <= count; n++) {
    await store.append('s', [{ type: n % 2 ? 'Odd' : 'Even', data: n }])
    await clock.advance(1_000)
  }
  return { store, clock }
}

async function read(store: Parameters<typeof follow>[0], options?: FollowOptions): Promise<unknown[]> {
  const read: unknown[] = []
  for await (const { data } of follow(store, options)) read.push(data)
  return read
}

describe('follow()', () => {
  it('reads from any place to a position, a time or the end, by types, in pages of any size', async () => {
    const { store, clock } = await storeOf(10)
    expect(await read(store)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    for (const limit of [1, 3, 10]) {
      expect(await read(store, { after: { position: 7, epoch: 0 }, limit })).toEqual([8, 9, 10])
      expect(await read(store, { upTo: 4, limit })).toEqual([1, 2, 3, 4])
      expect(await read(store, { types: ['Even'], limit })).toEqual([2, 4, 6, 8, 10])
    }
    expect(await read(store, { until: new Date(clock.now() - 8_000) })).toEqual([1, 2, 3])
    expect(await read(store, { after: { position: 10, epoch: 0 } })).toEqual([])
  })

  it('keeps the pace it is given', async () => {
    const { store, clock } = await storeOf(5)
    const seen: unknown[] = []
    const reading = (async () => {
      for await (const { data } of follow(store, { eventsPerSecond: 2, clock })) seen.push(data)
    })()
    await clock.advance(0)
    expect(seen).toEqual([1])
    await clock.advance(1_000)
    expect(seen).toEqual([1, 2, 3])
    await clock.advance(1_000)
    await reading
    expect(seen).toEqual([1, 2, 3, 4, 5])
  })

  it('goes on with what comes, until its signal aborts', async () => {
    const { store } = await storeOf(2)
    const stop = new AbortController()
    const seen: unknown[] = []
    const reading = (async () => {
      for await (const { data } of follow(store, { isLive: true, signal: stop.signal })) {
        seen.push(data)
        if (data === 2) void store.append('s', [{ type: 'Odd', data: 3 }])
        if (data === 3) stop.abort()
      }
    })()
    await reading
    expect(seen).toEqual([1, 2, 3])
  })

  it('refuses a position that the log does not have', async () => {
    const { store } = await storeOf(1)
    await expect(read(store, { after: { position: 5, epoch: 1 } })).rejects.toMatchObject({
      code: 'EVENTS_POSITION_AHEAD',
    })
  })
})

describe('followStream()', () => {
  it('gives the events of one stream and what comes, until the stream is closed', async () => {
    const store = createInMemoryEventStore()
    const append = (stream: string) => store.append(stream, [{ type: 'A' }])
    await append('one')
    await append('other')
    const versions: number[] = []
    const reading = (async () => {
      for await (const { version } of followStream(store, 'one', { isLive: true })) {
        versions.push(version)
        if (version === 1) await append('one').then(() => append('other'))
        if (version === 2) await append('one').then(() => store.archive('one'))
      }
    })()
    await reading
    expect(versions).toEqual([1, 2, 3])
  })
})

describe('follow() live', () => {
  it('gives what came after it began though its stream was archived at once', async () => {
    const store = createInMemoryEventStore()
    await store.append('old', [{ type: 'A' }])
    await store.archive('old')
    const stop = new AbortController()
    const streams: string[] = []
    const reading = (async () => {
      for await (const { stream } of follow(store, { isLive: true, signal: stop.signal })) {
        streams.push(stream)
        if (stream === 'new') stop.abort()
        else await store.append('new', [{ type: 'A' }]).then(() => store.archive('new'))
      }
    })()
    await Promise.resolve()
    await store.append('first', [{ type: 'A' }])
    await reading
    expect(streams).toEqual(['first', 'new'])
  })
})

import { EventEmitter } from 'node:events'
import { currentCall, defineContract, deriveCall, query, rootCall, subscription } from '@keelson/kernel'
import { createFakeClock } from '@keelson/kernel/testing'
import { createInMemoryLog, Tracer } from '@keelson/telemetry'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { http } from '../../src/rest/http.ts'
import { defineService } from '../../src/service/service.ts'
import { startForTest } from '../../src/testing.ts'

const Item = z.object({ n: z.int() })
const Ticks = defineContract('ticks', '1.0.0', {
  on: subscription({ output: Item }, http('GET /v1/ticks')),
  bounded: subscription({ output: Item }, http('GET /v1/bounded')),
  broken: subscription({ output: Item }, http('GET /v1/broken')),
  empty: subscription({}, http('GET /v1/empty')),
  maybe: subscription({ output: Item.optional() }, http('GET /v1/maybe')),
  open: query({ output: z.object({ count: z.int() }) }, http('GET /v1/open')),
})

/** A service whose sources listen to a bus, which stands for whatever a subscription holds on to. */
function ticking() {
  const bus = new EventEmitter()
  async function* items(_: void, { signal }: { readonly signal: AbortSignal }) {
    const waiting: number[] = []
    let wake = () => {}
    const on = (n: number) => {
      waiting.push(n)
      wake()
    }
    const stop = () => wake()
    bus.on('tick', on)
    signal.addEventListener('abort', stop)
    try {
      while (!signal.aborted) {
        const n = waiting.shift()
        if (n === undefined) await new Promise<void>((resolve) => (wake = resolve))
        else yield { n }
      }
    } finally {
      bus.off('tick', on)
    }
  }
  const service = defineService(Ticks, {
    start: () => ({
      on: items,
      bounded: items,
      async *broken() {
        yield { n: 1 }
        throw new Error('the disk is on fire')
      },
      async *empty() {
        yield
        yield
      },
      async *maybe() {
        yield undefined
        yield { n: 1 }
      },
      open: () => ({ count: bus.listenerCount('tick') }),
    }),
  })
  const listening = async (count: number) => {
    while (bus.listenerCount('tick') !== count) await new Promise(setImmediate)
  }
  return { bus, service, listening }
}

describe('a subscription', () => {
  it('is left at once by a reader over HTTP, before its first item and after', async () => {
    const { bus, service, listening } = ticking()
    await using system = await startForTest({ services: [service], listen: true })
    for (const hasItem of [false, true]) {
      const leave = new AbortController()
      const answer = fetch(`${system.url}/v1/ticks`, { signal: leave.signal })
      await listening(1)
      if (hasItem) {
        bus.emit('tick', 1)
        const first = await (await answer).body?.getReader().read()
        expect(new TextDecoder().decode(first?.value)).toBe('data: {"n":1}\n\n')
      }
      leave.abort()
      await Promise.allSettled([answer])
      await listening(0)
    }
  })

  it('begins nothing for HEAD', async () => {
    const { service } = ticking()
    await using system = await startForTest({ services: [service], listen: true })
    const answer = await fetch(`${system.url}/v1/ticks`, { method: 'HEAD' })
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
    expect(await system.get(Ticks).open()).toEqual({ count: 0 })
  })

  it('sends an item without a value as null, which clients take for one', async () => {
    const { service } = ticking()
    await using system = await startForTest({ services: [service], listen: true })
    const text = await (await fetch(`${system.url}/v1/empty`)).text()
    expect(text).toBe('data: null\n\ndata: null\n\nevent: end\ndata: {}\n\n')
    expect(await (await fetch(`${system.url}/v1/maybe`)).text()).toContain('data: null\n\ndata: {"n":1}\n\n')
  })

  it('that fails on the way is logged under its correlation id, counted and traced', async () => {
    const { service } = ticking()
    const log = createInMemoryLog()
    const config = { telemetry: { sampling: 1 } }
    await using system = await startForTest({ services: [service], listen: true, log, config })
    const headers = { 'x-correlation-id': 'order-7' }
    const text = await (await fetch(`${system.url}/v1/broken`, { headers })).text()
    expect(text).toMatch(/event: error\ndata: \{.*"code":"OPERATION_FAILED".*"correlationId":"order-7"/)
    expect(text).not.toContain('disk')
    const found = log.records.filter(({ fields }) => JSON.stringify(fields).includes('the disk is on fire'))
    expect(found).toMatchObject([{ level: 'error', fields: { correlationId: 'order-7' } }])
    expect(system.get(Ticks).metrics()['broken']).toEqual({ calls: 1, failures: 1 })
    const { traces } = system.tracer
    while (traces.list({ failedOnly: true }).length === 0) await new Promise(setImmediate)
    const [trace] = traces.list({ failedOnly: true })
    const spans = traces.get(trace?.traceId ?? '') ?? []
    expect(spans.map(({ name, status }) => [name, status]).toSorted()).toEqual([
      ['GET /v1/broken', 'error'],
      ['ticks.broken', 'error'],
    ])
  })

  it('gives its source the place of its span, for each item', async () => {
    const Where = defineContract('where', '1.0.0', { am: subscription({ output: z.string() }) })
    const where = defineService(Where, {
      start: () => ({
        async *am() {
          for (;;) yield `${currentCall().trace?.spanId}`
        },
      }),
    })
    await using system = await startForTest({ services: [where], config: { telemetry: { sampling: 1 } } })
    const trace = new Tracer({ share: 1 }).begin('outer', 'internal', undefined)
    const places: string[] = []
    for await (const place of system.get(Where).am(undefined, deriveCall(rootCall, { trace })))
      if (places.push(place) === 2) break
    expect(places[1]).toBe(places[0])
    expect(places).not.toContain(trace?.spanId)
  })

  it('must give its first item within its deadline, or that of its caller; later ones when they come', async () => {
    const { bus, service, listening } = ticking()
    const clock = createFakeClock()
    const policies = { services: { ticks: { operations: { bounded: { deadline: '2s' } } } } }
    await using system = await startForTest({ services: [service], clock, config: { policies } })
    const isLate = (items: AsyncIterable<unknown>) =>
      expect(items[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
    const late = isLate(system.get(Ticks).bounded())
    await listening(1)
    await clock.advance(2_000)
    await late
    await listening(0)
    const inTime = system.get(Ticks).bounded()[Symbol.asyncIterator]()
    const first = inTime.next()
    await listening(1)
    bus.emit('tick', 1)
    expect(await first).toEqual({ done: false, value: { n: 1 } })
    const second = inTime.next()
    await clock.advance(10_000)
    bus.emit('tick', 2)
    expect(await second).toEqual({ done: false, value: { n: 2 } })
    await inTime.return?.()
    const hurried = deriveCall(rootCall, { deadlineAt: clock.monotonic() + 100 })
    const short = isLate(system.get(Ticks).on(undefined, hurried))
    await listening(1)
    await clock.advance(100)
    await short
  })

  it('is sent away by a service that closes, which waits until its source has let go', async () => {
    const { bus, service, listening } = ticking()
    await using system = await startForTest({ services: [service], listen: true })
    const local = system.get(Ticks).on()[Symbol.asyncIterator]().next()
    const remote = fetch(`${system.url}/v1/ticks`)
    await listening(2)
    bus.emit('tick', 1)
    await local
    const text = (await remote).text()
    await system.get(Ticks).cleanup()
    expect(bus.listenerCount('tick')).toBe(0)
    expect(await text).toMatch(/retry: 1000\nevent: error\ndata: \{.*"code":"SERVICE_NOT_RUNNING".*"retryable":true/)
  })
})

import assert from 'node:assert/strict'
import { defineErrors } from '@keelson/kernel'
import { createFakeClock } from '@keelson/kernel/testing'
import { describe, test } from 'vitest'
import { parseTraceContext, traceparentOf } from '../../src/tracing/trace-context.ts'
import { Tracer, type TracerOptions } from '../../src/tracing/tracer.ts'

const startedAt = Date.UTC(2026, 0, 1)
const incoming = parseTraceContext('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', 'vendor=1')
const unsampled = parseTraceContext('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00')

function tracerWith(options: TracerOptions = {}) {
  const clock = createFakeClock({ now: startedAt })
  return { clock, tracer: new Tracer({ clock, random: seeded(7), share: 1, ...options }) }
}

describe('a decision', () => {
  test('is inherited from the caller, whatever the share', () => {
    const { tracer } = tracerWith({ share: 0 })
    assert.equal(tracer.decide(incoming), incoming)
    assert.ok(tracer.begin('call', 'server', incoming))
    tracer.configure({ share: 1 })
    assert.equal(tracer.begin('call', 'server', unsampled), undefined)
  })

  test('falls on the share of traces that begin here', () => {
    const { tracer } = tracerWith({ share: 0.05 })
    const count = (choose: () => boolean) => Array.from({ length: 40_000 }, choose).filter(Boolean).length
    const begun = count(() => tracer.begin('call', 'internal', undefined) !== undefined)
    const decided = count(() => tracer.decide().isSampled)
    for (const chosen of [begun, decided]) assert.ok(chosen > 1_800 && chosen < 2_200, `${chosen} of 40,000`)
  })

  test.each([
    [0, 0],
    [1, 1_000],
    [-3, 0],
    [7, 1_000],
    [Number.NaN, 0],
  ])('with a share of %d chooses %d of 1,000', (share, wanted) => {
    const { tracer } = tracerWith({ share })
    let chosen = 0
    for (let index = 0; index < 1_000; index++) if (tracer.begin('call', 'internal', undefined)) chosen++
    assert.equal(chosen, wanted)
  })

  test('at an edge has ids of its own, also when the trace is not recorded', () => {
    const { tracer } = tracerWith({ share: 0 })
    const [one, other] = [tracer.decide(), tracer.decide()]
    assert.deepEqual(parseTraceContext(traceparentOf(one)), { ...one })
    assert.notEqual(one.traceId, other.traceId)
    assert.equal(tracer.begin('call', 'server', one), undefined)
  })

  test('that begins a trace leaves its first span without a parent', () => {
    const { tracer } = tracerWith()
    const decision = tracer.decide()
    const root = tracer.begin('GET /orders', 'server', decision)
    assert.equal(root?.traceId, decision.traceId)
    assert.equal(root?.parentSpanId, '')
  })
})

describe('a span', () => {
  test('is the context of what happens inside it', () => {
    const { tracer } = tracerWith()
    const server = tracer.begin('orders.place', 'server', incoming)
    const inner = tracer.begin('stock.reserve', 'internal', server)
    const client = tracer.begin('POST', 'client', inner)
    assert.deepEqual(
      [server, inner, client].map((span) => [span?.traceId, span?.parentSpanId, span?.traceState]),
      [incoming?.spanId, server?.spanId, inner?.spanId].map((parent) => [incoming?.traceId, parent, 'vendor=1']),
    )
    assert.equal(new Set([incoming?.spanId, server?.spanId, inner?.spanId, client?.spanId]).size, 4)
  })

  test('notes name, kind, time, attributes, events, links and status', async () => {
    const { tracer, clock } = tracerWith()
    await clock.advance(10.5)
    const span = tracer.begin('draft', 'consumer', undefined)
    assert.ok(span && incoming)
    span.rename('reports.draft')
    span.set('messaging.batch.message_count', 2)
    span.set('tags', ['a', 'b'])
    span.set('tags', ['c'])
    span.link(incoming, { first: true })
    await clock.advance(5)
    span.event('cache miss', { key: 'k' })
    await clock.advance(2.25)
    span.status('ok')
    span.end()
    assert.deepEqual(tracer.traces.get(span.traceId), [
      {
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: '',
        traceState: '',
        name: 'reports.draft',
        kind: 'consumer',
        startMs: startedAt + 10.5,
        durationMs: 7.25,
        status: 'ok',
        statusMessage: '',
        attributes: { 'messaging.batch.message_count': 2, tags: ['c'] },
        events: [{ name: 'cache miss', timeMs: startedAt + 15.5, attributes: { key: 'k' } }],
        links: [{ traceId: incoming.traceId, spanId: incoming.spanId, attributes: { first: true } }],
        dropped: 0,
      },
    ])
  })

  test('takes the times that its caller has read already', async () => {
    const { tracer, clock } = tracerWith()
    await clock.advance(100)
    const span = tracer.begin('call', 'internal', undefined, 40)
    span?.end(undefined, 90)
    const [record] = tracer.traces.get(span?.traceId ?? '') ?? []
    assert.deepEqual([record?.startMs, record?.durationMs], [startedAt + 40, 50])
  })

  test('that ends with an error has failed, with type, message and stack', () => {
    const { tracer } = tracerWith()
    const errors = defineErrors({
      STOCK_GONE: { kind: 'conflict', when: 'Never.', message: (d: { url: string }) => `No stock at ${d.url}` },
    })
    const span = tracer.begin('call', 'internal', undefined)
    span?.end(errors.STOCK_GONE({ url: 'postgres://admin:s3cr3t@db/stock' }))
    const [record] = tracer.traces.get(span?.traceId ?? '') ?? []
    assert.equal(record?.status, 'error')
    assert.equal(record?.statusMessage, 'No stock at postgres://admin:[redacted]@db/stock')
    assert.equal(record?.attributes['error.type'], 'STOCK_GONE')
    assert.equal(record?.events[0]?.attributes['exception.type'], 'STOCK_GONE')
    assert.match(String(record?.events[0]?.attributes['exception.stacktrace']), /\n\s+at /)
    assert.ok(!JSON.stringify(record).includes('s3cr3t'))
  })

  test.each([
    ['a text', 'no', 'string'],
    ['null', null, 'object'],
    ['an error whose message throws', throwing(), 'unreadable'],
    ['a TypeError', new TypeError('x'), 'TypeError'],
  ])('fails with whatever was thrown: %s', (_, thrown, type) => {
    const { tracer } = tracerWith()
    const span = tracer.begin('call', 'internal', undefined)
    span?.end(thrown)
    assert.equal(tracer.traces.get(span?.traceId ?? '')?.[0]?.attributes['error.type'], type)
  })

  test('ends once, and nothing changes it afterwards', async () => {
    const { tracer, clock } = tracerWith()
    const span = tracer.begin('call', 'internal', undefined)
    assert.ok(span && incoming)
    span.end()
    const before = JSON.stringify(span.record())
    await clock.advance(10)
    span.end(new Error('late'))
    span.set('a', 1)
    span.event('b')
    span.link(incoming)
    span.status('error', 'c')
    span.rename('d')
    assert.equal(JSON.stringify(span.record()), before)
    assert.equal(tracer.counts.ended, 1)
  })

  test('keeps an `ok` that somebody has given it', () => {
    const { tracer } = tracerWith()
    const span = tracer.begin('call', 'internal', undefined)
    span?.status('ok')
    span?.end(new Error('seen and dealt with'))
    assert.equal(span?.record().status, 'ok')
  })

  test('is bounded in attributes, events, links and text', () => {
    const { tracer } = tracerWith()
    const span = tracer.begin('call', 'internal', undefined)
    assert.ok(span && incoming)
    for (let index = 0; index < 1_000; index++) {
      span.set(`key${index}`, 'x'.repeat(10_000))
      span.event('e', { big: 'y'.repeat(10_000) })
      span.link(incoming)
    }
    span.set('list', Array(10_000).fill('z'))
    const { attributes, events, links, dropped } = span.record()
    assert.deepEqual([Object.keys(attributes).length, events.length, links.length], [128, 128, 128])
    assert.equal(dropped, 872 * 3 + 1)
    assert.equal(String(attributes['key0']).length, 4_096)
  })

  test('takes `__proto__` for a key like any other', () => {
    const { tracer } = tracerWith()
    const span = tracer.begin('call', 'internal', undefined)
    span?.set('__proto__', 'x')
    assert.deepEqual(Object.entries(span?.record().attributes ?? {}), [['__proto__', 'x']])
  })
})

describe('a trace', () => {
  test('is complete when its last span has ended, in whatever order', () => {
    const { tracer } = tracerWith()
    const completed: number[] = []
    tracer.onCompleted((segment) => completed.push(segment.spans.length))
    const root = tracer.begin('root', 'server', undefined)
    const first = tracer.begin('first', 'internal', root)
    const second = tracer.begin('second', 'internal', first)
    second?.end()
    root?.end()
    assert.deepEqual(completed, [])
    assert.equal(tracer.traces.get(root?.traceId ?? ''), undefined)
    first?.end()
    assert.deepEqual(completed, [3])
    assert.equal(tracer.traces.get(root?.traceId ?? '')?.length, 3)
  })

  test('takes up what begins after that under the same id', async () => {
    const { tracer, clock } = tracerWith()
    const root = tracer.begin('root', 'server', undefined)
    root?.end()
    await clock.advance(1)
    tracer.begin('afterwards', 'internal', root)?.end()
    const spans = tracer.traces.get(root?.traceId ?? '')
    assert.deepEqual(
      spans?.map(({ name }) => name),
      ['root', 'afterwards'],
    )
    assert.equal(spans?.[1]?.parentSpanId, root?.spanId)
  })

  test('of ten thousand spans keeps a thousand, its root among them, and counts the rest', () => {
    const { tracer } = tracerWith()
    const root = tracer.begin('root', 'server', undefined)
    for (let index = 0; index < 10_000; index++) tracer.begin('step', 'internal', root)?.end()
    root?.end()
    const spans = tracer.traces.get(root?.traceId ?? '')
    assert.equal(spans?.length, 1_001)
    assert.ok(spans?.some(({ name }) => name === 'root'))
    assert.equal(tracer.counts.dropped, 9_000)
  })

  test('has one time line, also when the wall clock is set while it runs', () => {
    let wall = startedAt
    let elapsed = 0
    const clock = { now: () => wall, monotonic: () => elapsed, sleep: async () => {} }
    const tracer = new Tracer({ clock, share: 1 })
    const root = tracer.begin('root', 'server', undefined)
    elapsed = 5
    wall -= 3_600_000
    const inner = tracer.begin('inner', 'internal', root)
    elapsed = 6
    inner?.end()
    root?.end()
    const [first, second] = tracer.traces.get(root?.traceId ?? '') ?? []
    assert.deepEqual([first?.startMs, second?.startMs, second?.durationMs], [startedAt, startedAt + 5, 1])
    const next = tracer.begin('next', 'server', undefined)
    next?.end()
    assert.equal(next?.record().startMs, wall)
  })
})

describe('what failed or was slow', () => {
  test('is recorded at its end when its trace is not, in the same trace', async () => {
    const { tracer, clock } = tracerWith({ share: 0 })
    await clock.advance(50)
    const trace = tracer.decide()
    assert.equal(tracer.late('orders.get', 'server', trace, 10, 50), undefined)
    tracer.late('orders.place', 'server', trace, 20, 50, new Error('no stock'))
    tracer.late('stock.reserve', 'client', unsampled, 20, 40, new Error('gone'))
    const [span] = tracer.traces.get(trace.traceId) ?? []
    assert.deepEqual(
      [span?.name, span?.durationMs, span?.status, span?.parentSpanId, span?.attributes['keelson.sampling']],
      ['orders.place', 30, 'error', '', 'late'],
    )
    assert.equal(tracer.traces.get(unsampled?.traceId ?? '')?.[0]?.parentSpanId, unsampled?.spanId)
  })

  test('includes what took as long as is slow, and without any context at all', () => {
    const { tracer } = tracerWith({ share: 0, slowMs: 250 })
    assert.equal(tracer.late('fast', 'internal', undefined, 0, 249), undefined)
    const span = tracer.late('slow', 'internal', undefined, 0, 250)
    assert.equal(tracer.traces.get(span?.traceId ?? '')?.[0]?.durationMs, 250)
  })

  test('is bounded per second, and what found no room is counted', () => {
    const { tracer } = tracerWith({ share: 0, latePerSecond: 10 })
    const error = new Error('all down')
    for (let index = 0; index < 1_000; index++) tracer.late('call', 'internal', undefined, 0, 1, error)
    assert.deepEqual(tracer.counts, { ended: 10, late: 10, dropped: 990 })
    tracer.late('call', 'internal', undefined, 1_000, 1_001, error)
    assert.equal(tracer.counts.late, 11)
  })

  test('is not pushed out by ordinary traces', () => {
    const { tracer } = tracerWith({ traces: 20 })
    const failed = tracer.begin('failed', 'internal', undefined)
    failed?.end(new Error('x'))
    const slow = tracer.begin('slow', 'internal', undefined, 0)
    slow?.end(undefined, 5_000)
    const first = tracer.begin('first', 'internal', undefined)
    first?.end()
    for (let index = 0; index < 1_000; index++) tracer.begin('ordinary', 'internal', undefined)?.end()
    assert.ok(tracer.traces.get(failed?.traceId ?? ''))
    assert.ok(tracer.traces.get(slow?.traceId ?? ''))
    assert.equal(tracer.traces.get(first?.traceId ?? ''), undefined)
    assert.equal(tracer.traces.list({ limit: 1_000 }).length, 22)
    assert.deepEqual(
      tracer.traces.list({ failedOnly: true }).map(({ name, hasFailed }) => [name, hasFailed]),
      [['failed', true]],
    )
    assert.deepEqual(
      tracer.traces.list({ atLeastMs: 5_000 }).map(({ name, durationMs }) => [name, durationMs]),
      [['slow', 5_000]],
    )
  })
})

describe('TraceBuffer', () => {
  test('is bounded in spans too, and keeps the newest', () => {
    const { tracer } = tracerWith({ traces: 1_000, spans: 50 })
    let last = ''
    for (let index = 0; index < 100; index++) {
      const root = tracer.begin('root', 'internal', undefined)
      for (let inner = 0; inner < 9; inner++) tracer.begin('inner', 'internal', root)?.end()
      root?.end()
      last = root?.traceId ?? ''
    }
    assert.equal(tracer.traces.list().length, 5)
    assert.equal(tracer.traces.get(last)?.length, 10)
  })

  test('lists the newest first, each by its first span', async () => {
    const { tracer, clock } = tracerWith()
    for (const name of ['a', 'b', 'c']) {
      const root = tracer.begin(name, 'server', undefined)
      const inner = tracer.begin('inner', 'internal', root)
      await clock.advance(10)
      inner?.end()
      root?.end()
    }
    assert.deepEqual(
      tracer.traces
        .list({ limit: 2 })
        .map(({ name, startMs, durationMs, spans }) => [name, startMs, durationMs, spans]),
      [
        ['c', startedAt + 20, 10, 2],
        ['b', startedAt + 10, 10, 2],
      ],
    )
  })
})

/** Park and Miller's minimal generator: the same numbers each time. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

function throwing(): Error {
  return Object.defineProperty(new Error(), 'message', {
    get() {
      throw new Error('unreadable')
    },
  })
}

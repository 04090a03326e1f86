import assert from 'node:assert/strict'
import { createFakeClock } from '@keelson/kernel/testing'
import { describe, test } from 'vitest'
import { createMetrics, startOtlpExporter, Tracer } from '../../src/index.ts'

type Answer = (url: string, init: RequestInit) => Promise<Response>

function exporterTo(answer: Answer, options: { queued?: number; batch?: number; attempts?: number } = {}) {
  const clock = createFakeClock()
  const [tracer, metrics] = [new Tracer({ clock, share: 1 }), createMetrics()]
  const requests: { url: string; body: Record<string, unknown> }[] = []
  const exporter = startOtlpExporter({
    endpoint: 'http://collector/',
    resource: { 'service.name': 'orders' },
    tracer,
    metrics,
    clock,
    random: () => 1,
    send: (url, init = {}) => {
      requests.push({ url: String(url), body: JSON.parse(String(init.body)) })
      return answer(String(url), init)
    },
    ...options,
  })
  const span = (name = 'work') => tracer.begin(name, 'internal', undefined)?.end()
  const traces = () => requests.filter(({ url }) => url.endsWith('/v1/traces'))
  /** Closing waits for the collector, in the time of the test. */
  const close = async () => {
    const closed = exporter.close()
    await clock.advance(10_000)
    await closed
  }
  return { close, clock, tracer, metrics, exporter, requests, span, traces }
}

const taken: Answer = async () => new Response('{}')
const status =
  (code: number, headers = {}): Answer =>
  async () =>
    new Response('', { status: code, headers })

/** Answers only when the request is given up. */
const hanging: Answer = (_, { signal }) =>
  new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))

describe('startOtlpExporter()', () => {
  test.each(['', 'collector:4318', 'file:///tmp/x', 'http://'])('refuses the address %j by name', (endpoint) => {
    assert.throws(() => startOtlpExporter({ endpoint, resource: {} }), { code: 'TELEMETRY_ENDPOINT_INVALID' })
  })

  test('sends what gathers within a second as one request', async () => {
    const { clock, exporter, span, traces } = exporterTo(taken)
    for (let index = 0; index < 3; index++) span()
    assert.equal(traces().length, 0)
    await clock.advance(1_000)
    assert.equal(traces().length, 1)
    assert.equal(exporter.counts.sent, 3)
    await exporter.close()
  })

  test('sends at once when a batch is full, and never more than a batch', async () => {
    const { clock, exporter, span, traces } = exporterTo(taken, { batch: 10 })
    for (let index = 0; index < 25; index++) span()
    await clock.advance(0)
    assert.deepEqual(
      traces().map(({ body }) => spansIn(body)),
      [10, 10, 5],
    )
    await exporter.close()
  })

  test('sends metrics every minute, and log records', async () => {
    const { clock, exporter, requests, metrics } = exporterTo(taken)
    metrics.counter({ name: 'calls_total', help: 'Calls' }).cell().add(2)
    exporter.log({ time: 1, level: 'warn', message: 'm', fields: {} })
    await clock.advance(60_000)
    assert.deepEqual(requests.map(({ url }) => url).sort(), ['http://collector/v1/logs', 'http://collector/v1/metrics'])
    await exporter.close()
  })

  test('repeats what may pass, with growing pauses, and gives up in the end', async () => {
    const { close, clock, exporter, span, traces } = exporterTo(status(503))
    span()
    const at: number[] = []
    for (let ms = 0; ms < 10_000; ms += 100) {
      const before = traces().length
      await clock.advance(100)
      if (traces().length > before) at.push(ms + 100)
    }
    assert.deepEqual(at, [1_000, 1_500, 2_500, 4_500, 8_500])
    assert.deepEqual(exporter.counts, { sent: 0, dropped: 1, failedRequests: 5 })
    await close()
  })

  test('waits as long as the collector asks', async () => {
    const { close, clock, span, traces } = exporterTo(status(429, { 'retry-after': '7' }), { attempts: 2 })
    span()
    await clock.advance(7_900)
    assert.equal(traces().length, 1)
    await clock.advance(100)
    assert.equal(traces().length, 2)
    await close()
  })

  test('does not repeat what is refused for good', async () => {
    const { close, clock, exporter, span, traces } = exporterTo(status(400))
    span()
    await clock.advance(60_000)
    assert.equal(traces().length, 1)
    assert.deepEqual(exporter.counts, { sent: 0, dropped: 2, failedRequests: 2 }, 'the metrics too')
    await close()
  })

  test('survives an endpoint that hangs: nothing waits for it, and what finds no room is counted', async () => {
    const { close, clock, exporter, span, traces, tracer } = exporterTo(hanging, { queued: 100, batch: 10 })
    for (let index = 0; index < 10_000; index++) span()
    await clock.advance(1_000)
    assert.equal(traces().length, 1, 'one request at a time')
    assert.equal(tracer.counts.ended, 10_000)
    assert.ok(exporter.counts.dropped >= 9_860, String(exporter.counts.dropped))
    await clock.advance(10_500)
    assert.equal(traces().length, 2, 'given up after its time, and repeated')
    await close()
    assert.equal(exporter.counts.sent + exporter.counts.dropped, 10_001)
  })

  test('sends what is left when it closes, and nothing afterwards', async () => {
    const { exporter, span, traces, clock } = exporterTo(taken)
    span()
    await exporter.close()
    await exporter.close()
    span()
    exporter.log({ time: 1, level: 'warn', message: 'm', fields: {} })
    await clock.advance(60_000)
    assert.equal(traces().length, 1)
    assert.equal(clock.sleeping, 0)
  })
})

function spansIn(body: Record<string, unknown>): number {
  // The shape that tracesRequest gives.
  const { resourceSpans } = body as { resourceSpans: { scopeSpans: { spans: unknown[] }[] }[] }
  return resourceSpans[0]?.scopeSpans[0]?.spans.length ?? 0
}

import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { currentCall, deriveCall, rootCall, runInCall } from '@keelson/kernel'
import { Tracer } from '@keelson/telemetry'
import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, test } from 'vitest'
import { bridgeOpenTelemetry } from '../src/index.ts'

let tracer: Tracer
let unbridge: () => void
beforeEach(() => {
  tracer = new Tracer({ share: 1 })
  unbridge = bridgeOpenTelemetry(tracer)
})
afterEach(() => unbridge())

describe('@opentelemetry/api, bridged', () => {
  test('sees the span of the call it runs in, and its spans stand under it', async () => {
    const call = tracer.begin('orders.place', 'server', undefined)
    await runInCall(deriveCall(rootCall, { trace: call }), async () => {
      assert.equal(trace.getActiveSpan()?.spanContext().spanId, call?.spanId)
      assert.equal(trace.getActiveSpan(), trace.getActiveSpan())
      await setImmediate()
      const query = trace
        .getTracer('pg')
        .startSpan('SELECT', { kind: SpanKind.CLIENT, attributes: { 'db.system.name': 'postgresql' } })
      query
        .setAttributes({ rows: 3, gone: undefined })
        .addEvent('row', { n: 1 })
        .setStatus({ code: SpanStatusCode.ERROR, message: 'no' })
      query.recordException(new TypeError('x'))
      query.end()
      assert.equal(query.isRecording(), false)
    })
    call?.end()
    const [, query] = tracer.traces.get(call?.traceId ?? '') ?? []
    assert.deepEqual(
      [query?.name, query?.kind, query?.parentSpanId, query?.attributes, query?.statusMessage, query?.events.length],
      ['SELECT', 'client', call?.spanId, { 'db.system.name': 'postgresql', rows: 3 }, 'no', 2],
    )
  })

  test('lets Keelson see the spans that it makes active', async () => {
    const seen = await trace.getTracer('lib').startActiveSpan('outer', async (outer) => {
      await setImmediate()
      const inner = tracer.begin('inner', 'internal', currentCall().trace)
      inner?.end()
      outer.end()
      return { outer: outer.spanContext(), inner }
    })
    assert.equal(seen.inner?.parentSpanId, seen.outer.spanId)
    assert.equal(tracer.traces.get(seen.outer.traceId)?.length, 2)
    assert.equal(trace.getActiveSpan(), undefined)
  })

  test('follows the decision about sampling', () => {
    const unsampled = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), isSampled: false, traceState: '' }
    runInCall(deriveCall(rootCall, { trace: unsampled }), () => {
      const span = trace.getTracer('lib').startSpan('quiet')
      assert.equal(span.isRecording(), false)
      assert.equal(span.spanContext().traceId, unsampled.traceId)
    })
    const root = trace.getTracer('lib').startSpan('root', { root: true, startTime: new Date(Date.now() - 500) })
    root.end()
    const [record] = tracer.traces.get(root.spanContext().traceId) ?? []
    assert.equal(record?.parentSpanId, '')
    assert.ok((record?.durationMs ?? 0) >= 400)
  })

  test('keeps what else is in a context, and binds functions to it', () => {
    const baggage = propagation.createBaggage({ user: { value: '7' } })
    const bound = context.bind(propagation.setBaggage(ROOT_CONTEXT, baggage), function (this: unknown, add: number) {
      return [this, add, propagation.getActiveBaggage()?.getEntry('user')?.value]
    })
    const self = {}
    assert.deepEqual(bound.call(self, 2), [self, 2, '7'])
    assert.equal(propagation.getActiveBaggage(), undefined)
  })

  test('has one bridge at a time', () => {
    assert.throws(() => bridgeOpenTelemetry(tracer), /another context manager/)
    unbridge()
    unbridge = bridgeOpenTelemetry(tracer)
  })
})

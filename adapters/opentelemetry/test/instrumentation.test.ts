/** What people install to see more: an instrumentation of the OpenTelemetry project, as it is, on the bridge. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { deriveCall, rootCall, runInCall } from '@keelson/kernel'
import { Tracer, traceHeaders } from '@keelson/telemetry'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import { test } from 'vitest'
import { bridgeOpenTelemetry } from '../src/index.ts'

test('the instrumentation of fetch makes its spans under the call that fetches, and sends them on', async () => {
  const tracer = new Tracer({ share: 1 })
  const unbridge = bridgeOpenTelemetry(tracer)
  // What a client of Keelson's sends has its trace already; two would be as good as none.
  const instrumentation = new UndiciInstrumentation({
    ignoreRequestHook: ({ headers }) => String(headers).includes('traceparent'),
  })
  instrumentation.enable()
  const sent: (string | undefined)[] = []
  const server = createServer((request, response) => {
    const { traceparent } = request.headers
    sent.push(typeof traceparent === 'string' ? traceparent : undefined)
    response.end('ok')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A server that listens on TCP has an address of this form.
  const { port } = server.address() as AddressInfo
  try {
    const call = tracer.begin('orders.ship', 'internal', undefined)
    await runInCall(deriveCall(rootCall, { trace: call }), async () => {
      const url = `http://127.0.0.1:${port}/parcels`
      await (await fetch(url)).text()
      await (await fetch(url, { headers: traceHeaders(call) })).text()
    })
    call?.end()
    const spans = tracer.traces.get(call?.traceId ?? '') ?? []
    const request = spans.find(({ name }) => name !== 'orders.ship')
    assert.deepEqual([request?.name, request?.kind, request?.parentSpanId], ['GET', 'client', call?.spanId])
    assert.equal(request?.attributes['http.response.status_code'], 200)
    assert.equal(spans.length, 2)
    assert.deepEqual(
      sent,
      [request, call].map((span) => `00-${call?.traceId}-${span?.spanId}-01`),
    )
  } finally {
    instrumentation.disable()
    unbridge()
    server.close()
  }
})

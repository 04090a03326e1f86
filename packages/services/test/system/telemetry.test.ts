/** What a running system tells of itself: traces, metrics and logs over its loopback routes. */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { command, currentCall, defineContract, deriveCall, query, rootCall, runInCall } from '@keelson/kernel'
import { createFakeClock } from '@keelson/kernel/testing'
import { createInMemoryLog, openMetricsContentType, Telemetry, Tracer } from '@keelson/telemetry'
import { afterEach, describe, test } from 'vitest'
import * as z from 'zod'
import { createClient, createRpcClient, defineService, http } from '../../src/index.ts'
import { startForTest } from '../../src/testing.ts'

const Orders = defineContract('orders', '1.0.0', {
  get: query(
    { input: z.object({ id: z.string() }), output: z.object({ traceId: z.string() }) },
    http('GET /v1/orders/{id}'),
  ),
  place: command({}, http('POST /v1/orders')),
})
const orders = defineService(Orders, {
  start: ({ log }) => ({
    get: ({ id }) => {
      log.debug('looked up', { id })
      return { traceId: currentCall().trace?.traceId ?? '' }
    },
    place: () => {
      throw new Error('no stock')
    },
  }),
})
const incoming = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'

async function start(telemetry: Record<string, unknown> = {}, environment: Record<string, string> = {}) {
  const system = await startForTest({ services: [orders], listen: true, config: { telemetry }, environment })
  const url = system.url ?? assert.fail('it does not listen')
  return Object.assign(system, { url, client: createRpcClient(url) })
}

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
  }
})

describe('a request', () => {
  test('continues the trace of its caller and is found under its id', async () => {
    await using system = await start({ sampling: 0 })
    const response = await fetch(`${system.url}/v1/orders/7`, { headers: { traceparent: incoming } })
    assert.deepEqual(await response.json(), { traceId })
    const { spans } = await eventually(async () =>
      JSON.parse(await system.client.readText(`/system/traces/${traceId}`)),
    )
    assert.deepEqual(
      [spans[0].name, spans[0].kind, spans[0].parentSpanId, spans[0].attributes],
      [
        'GET /v1/orders/{id}',
        'server',
        '00f067aa0ba902b7',
        { 'http.request.method': 'GET', 'http.route': '/v1/orders/{id}', 'http.response.status_code': 200 },
      ],
    )
  })

  test('that a client of ours makes carries the trace of the call it is made in, across processes', async () => {
    await using system = await start({ sampling: 0 })
    const tracer = new Tracer({ share: 1 })
    const outer = tracer.begin('caller', 'client', undefined)
    const client = createClient(Orders, system.url)
    const answer = await runInCall(deriveCall(rootCall, { trace: outer }), () => client.get({ id: '7' }))
    assert.equal(answer.traceId, outer?.traceId)
    const { spans } = await eventually(async () =>
      JSON.parse(await system.client.readText(`/system/traces/${answer.traceId}`)),
    )
    assert.equal(spans[0].parentSpanId, outer?.spanId)
  })

  test('that fails is kept although its trace is not sampled; a mistake of its caller is not', async () => {
    await using system = await start({ sampling: 0 })
    await fetch(`${system.url}/v1/nothing`)
    await fetch(`${system.url}/v1/orders`, { method: 'POST' })
    const { traces } = await eventually(async () => {
      const answer = await system.client.read('/system/traces?failedOnly=true')
      const list = answer as { traces: { name: string }[] }
      assert.ok(list.traces.length > 0)
      return list
    })
    assert.ok(traces.every(({ name }) => !name.includes('nothing')))
    assert.ok(traces.some(({ name }) => name === 'POST /v1/orders'))
  })

  test('with a traceparent that is none gets a trace of its own', async () => {
    await using system = await start()
    const answer = await fetch(`${system.url}/v1/orders/7`, {
      headers: { traceparent: '00-xyz', tracestate: '\u00e9' },
    })
    assert.match(((await answer.json()) as { traceId: string }).traceId, /^[0-9a-f]{32}$/)
  })
})

describe('the routes of telemetry', () => {
  test('/metrics speaks the format that is asked for', async () => {
    await using system = await start()
    const open = await fetch(`${system.url}/metrics`, { headers: { accept: openMetricsContentType } })
    assert.equal(open.headers.get('content-type'), openMetricsContentType)
    assert.ok((await open.text()).endsWith('# EOF\n'))
    const plain = await fetch(`${system.url}/metrics`)
    assert.match(plain.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
  })

  test('/system/metrics gives JSON and CSV, and refuses others by name', async () => {
    await using system = await start()
    system.telemetry.record({ name: 'jobs', value: 3 })
    const json = JSON.parse(await system.client.readText('/system/metrics?format=json')) as { name: string }[]
    assert.ok(json.some(({ name }) => name === 'jobs'))
    assert.match(await system.client.readText('/system/metrics?format=csv'), /\r\njobs,gauge,,\{\},value,3\r\n/)
    await assert.rejects(system.client.readText('/system/metrics?format=xml'), { code: 'TELEMETRY_FORMAT_UNKNOWN' })
    await assert.rejects(system.client.readText('/system/traces?limit=many'), { code: 'REQUEST_MALFORMED' })
    await assert.rejects(system.client.readText('/system/traces/nothing'), { code: 'TRACE_UNKNOWN' })
  })

  test('/system/logs follows the log, and levels follow the configuration while it runs', async () => {
    await using system = await start({ levels: { orders: 'error' } })
    const get = () => fetch(`${system.url}/v1/orders/7`, { headers: { traceparent: incoming } })
    const items = system.client.follow('/system/logs?follow=true')[Symbol.asyncIterator]()
    const next = items.next()
    await get()
    await system.configuration.update('telemetry.levels', { orders: 'debug' })
    await system.configuration.update('telemetry.slowMs', 77)
    assert.equal(system.tracer.slowMs, 77)
    await get()
    let found: unknown = (await next).value
    while ((found as { message: string }).message !== 'looked up') found = (await items.next()).value
    const { fields } = found as { fields: Record<string, unknown> }
    assert.equal(fields['traceId'], traceId)
    await items.return?.()
    const { records } = (await system.client.read('/system/logs')) as { records: { message: string }[] }
    assert.equal(records.filter(({ message }) => message === 'looked up').length, 1)
  })
})

test('a service measures what it likes through the port `telemetry`', async () => {
  const measuring = defineService(Orders, {
    uses: { telemetry: Telemetry },
    start: ({ telemetry }) => {
      const served = telemetry.metrics.counter({ name: 'orders_served_total', help: 'Orders served' }).cell()
      return {
        get: () => telemetry.track('look up', () => ({ traceId: currentCall().trace?.traceId ?? '' })),
        place: () => served.add(),
      }
    },
  })
  await using system = await startForTest({ services: [measuring], config: { telemetry: { sampling: 1 } } })
  await system.get(Orders).place()
  const { traceId } = await system.get(Orders).get({ id: '7' })
  assert.match(system.telemetry.export('prometheus'), /^orders_served_total 1$/m)
  const spans = system.tracer.traces.get(traceId) ?? []
  assert.ok(spans.some(({ name }) => name === 'look up'))
})

describe('what is slow', () => {
  test.each([
    ['development', ['import']],
    ['production', []],
  ])('is warned of in %s: %j, once', async (environment, wanted) => {
    const log = createInMemoryLog()
    const clock = createFakeClock()
    await using system = await startForTest({
      services: [orders],
      config: { telemetry: { slowMs: 200 } },
      environment: { KEELSON_ENV: environment },
      log,
      clock,
    })
    await system.telemetry.track('quick', () => clock.advance(199))
    await system.telemetry.track('import', () => clock.advance(200))
    await system.telemetry.track('import', () => clock.advance(200))
    const warnings = log.records.filter(({ message }) => message === 'An operation was slow')
    assert.deepEqual(
      warnings.map(({ fields }) => fields['operation']),
      wanted,
    )
  })
})

describe('a collector', () => {
  test('has keys that the configuration does not show, and an address that is checked', async () => {
    await using system = await start({
      otlp: { endpoint: 'http://127.0.0.1:9', headers: { authorization: 'hunter2-key' } },
    })
    assert.ok(!JSON.stringify(system.configuration.origins('telemetry')).includes('hunter2'))
    const started = start({}, { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' })
    await assert.rejects(started, { code: 'TELEMETRY_ENDPOINT_INVALID' })
  })

  test('that hangs delays neither requests nor, by more than its time, the close', async () => {
    const server = createServer(() => {})
    servers.push(server)
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    const { port } = server.address() as AddressInfo
    const system = await start({ sampling: 1 }, { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` })
    for (let index = 0; index < 50; index++) assert.equal((await fetch(`${system.url}/v1/orders/7`)).status, 200)
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
    servers.pop()
    await system.close()
  })
})

/** A request's span ends when its answer has left, which the caller may see a moment earlier. */
async function eventually<T>(look: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await look()
    } catch (error) {
      if (attempt >= 200) throw error
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

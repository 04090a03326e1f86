/** An independent collector, which reads with the published definitions and refuses what they do not know, judges what we send. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, test } from 'vitest'
import { createInMemoryLog, createMetrics, startOtlpExporter, Tracer } from '../../src/index.ts'

const root = resolve(import.meta.dirname, '../../../..')
const shared = resolve(root, process.env['KEELSON_SHARED'] ?? '../shared')
const sink = join(shared, 'validators/otlp-sink.mjs')
const isSkipped = !existsSync(sink)
if (isSkipped) process.stderr.write(`The collector for tests is not at ${sink}\n`)

describe.skipIf(isSkipped && process.env['KEELSON_REQUIRE_SERVERS'] !== '1')('a collector', () => {
  test('takes traces, metrics and logs without a problem', async () => {
    await using collector = await startCollector()
    const [tracer, metrics, log] = [new Tracer({ share: 1 }), createMetrics(), createInMemoryLog()]
    const exporter = startOtlpExporter({
      endpoint: collector.url,
      resource: { 'service.name': 'orders', 'service.version': '1.2.3' },
      tracer,
      metrics,
    })
    const server = tracer.begin('orders.place', 'server', undefined)
    server?.set('rpc.method', 'place')
    server?.set('counts', [1, 2.5])
    server?.set('flags', [true])
    server?.set('huge', Number.MAX_VALUE)
    const client = tracer.begin('stock.reserve', 'client', server)
    client?.event('retry', { attempt: 2 })
    if (server) client?.link(server, { why: 'test' })
    client?.end(new Error('no stock'))
    server?.end()
    tracer.late('slow', 'internal', undefined, 0, 5_000)
    metrics
      .counter({ name: 'calls_total', help: 'Calls', labels: ['to'] })
      .cell({ to: 'é"\n' })
      .add(3)
    metrics.gauge({ name: 'jobs', help: 'Jobs' }).cell().set(Number.POSITIVE_INFINITY)
    const cell = metrics.histogram({ name: 'wait_seconds', help: 'Wait', unit: 'seconds' }).cell()
    for (const value of [0.00001, 0.3, 100]) cell.record(value, server)
    log.fatal('it ended\n', {
      error: new Error('x'),
      nested: { list: [1, null, 'a'], '': 1 },
      traceId: server?.traceId,
    })
    for (const record of log.records) exporter.log(record)
    await exporter.close()
    const summary = await collector.summary()
    assert.deepEqual(summary['problems'], {})
    assert.deepEqual([summary['spans'], summary['logs'], summary['traces'], summary['orphans']], [3, 1, 2, 0])
    assert.ok(Number(summary['points']) >= 3)
    assert.equal(exporter.counts.dropped, 0)
  })
})

async function startCollector() {
  const folder = mkdtempSync(join(tmpdir(), 'keelson-otlp-'))
  cpSync(sink, join(folder, 'otlp-sink.mjs'))
  // It finds its one dependency by walking up.
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const child = spawn(
    process.execPath,
    ['otlp-sink.mjs', '--proto', join(shared, 'otlp-proto'), '--port', '0', '--out', join(folder, 'out.jsonl')],
    { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let port = ''
  for await (const line of createInterface(child.stdout)) {
    port = /on (\d+)/.exec(line)?.[1] ?? ''
    if (port) break
  }
  if (!port) throw new Error('The collector for tests did not start')
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    summary: async () => (await (await fetch(`${url}/summary`)).json()) as Record<string, unknown>,
    [Symbol.asyncDispose]: async () => {
      child.kill()
      await new Promise((ended) => (child.exitCode === null ? child.once('exit', ended) : ended(undefined)))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

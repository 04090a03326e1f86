/** A real Prometheus scrapes a running system: what it stores is what the system counted, exemplars included. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { currentCall, defineContract, query } from '@keelson/kernel'
import { afterEach, describe, test } from 'vitest'
import * as z from 'zod'
import { defineService } from '../../src/index.ts'
import { startForTest } from '../../src/testing.ts'

const hasPrometheus = spawnSync('prometheus', ['--version']).status === 0
if (!hasPrometheus) process.stderr.write('prometheus is not installed (Debian: prometheus)\n')
const isSkipped = !hasPrometheus && process.env['KEELSON_REQUIRE_SERVERS'] !== '1'

const Adder = defineContract('adder', '1.0.0', { add: query({ input: z.number(), output: z.number() }) })
const adder = defineService(Adder, { start: () => ({ add: (value: number) => value + 1 }) })

const children: ChildProcess[] = []
const folders: string[] = []
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

describe.skipIf(isSkipped)('Prometheus', () => {
  test('scrapes a running system', async () => {
    await using system = await startForTest({ services: [adder], listen: true, config: { telemetry: { sampling: 1 } } })
    for (let index = 0; index < 5; index++) await system.get(Adder).add(index)
    system.telemetry.record({ name: 'orders_total', type: 'counter', value: 12, labels: { from: 'a"b\\c\nd' } })
    const slow = { name: 'import_seconds', type: 'histogram', unit: 'seconds', value: 0.3 } as const
    system.telemetry.record(slow)
    const traceId = system.telemetry.track('import', () => currentCall().trace?.traceId)
    const prometheus = await startPrometheus(system.url ?? '')

    const calls = await prometheus.value('keelson_operation_duration_seconds_count{operation="add",outcome="answered"}')
    assert.deepEqual(calls.value, '5')
    const orders = await prometheus.value('orders_total')
    assert.deepEqual([orders.value, orders.metric['from']], ['12', 'a"b\\c\nd'])
    assert.equal((await prometheus.value('histogram_quantile(0.5, import_seconds_bucket)')).value, '0.375')
    assert.equal((await prometheus.value('up')).value, '1')
    assert.deepEqual(await prometheus.exemplars('app_operation_duration_seconds_bucket'), [traceId])
    assert.equal(await prometheus.lastError(), '')
  })
})

async function startPrometheus(target: string) {
  const folder = mkdtempSync(join(tmpdir(), 'keelson-prometheus-'))
  folders.push(folder)
  const port = await freePort()
  writeFileSync(
    join(folder, 'prometheus.yml'),
    `global: { scrape_interval: 200ms }
scrape_configs:
  - job_name: keelson
    static_configs: [{ targets: ['${new URL(target).host}'] }]
`,
  )
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--enable-feature=exemplar-storage',
    ],
    { stdio: 'ignore' },
  )
  children.push(child)
  const get = async (path: string, query: Record<string, string> = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}?${new URLSearchParams(query)}`)
    // Its HTTP API (prometheus.io/docs/prometheus/latest/querying/api) answers with these.
    return ((await response.json()) as { data: Answers }).data
  }
  const value = async (expression: string) => {
    // It starts, scrapes and stores in its own time; the test's timeout is the bound.
    for (;;) {
      const answer = await get('/api/v1/query', { query: expression }).catch(() => undefined)
      const [first] = answer?.result ?? []
      if (first) return { metric: first.metric, value: first.value[1] }
      if (child.exitCode !== null) throw new Error('Prometheus has ended')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  const exemplars = async (query: string) => {
    const [start, end] = [Date.now() / 1_000 - 600, Date.now() / 1_000 + 600].map(String)
    const found: unknown = await get('/api/v1/query_exemplars', { query, start: start ?? '', end: end ?? '' })
    // This one answers with a list.
    return (found as { exemplars: { labels: { trace_id: string } }[] }[]).flatMap((series) =>
      series.exemplars.map(({ labels }) => labels.trace_id),
    )
  }
  const lastError = async () => (await get('/api/v1/targets')).activeTargets[0]?.lastError
  return { value, exemplars, lastError }
}

interface Answers {
  readonly result: readonly { readonly metric: Readonly<Record<string, string>>; readonly value: [number, string] }[]
  readonly activeTargets: readonly { readonly lastError: string }[]
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : assert.fail('no port')
}

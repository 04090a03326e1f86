import assert from 'node:assert/strict'
import { currentCall } from '@keelson/kernel'
import { createFakeClock } from '@keelson/kernel/testing'
import { describe, test } from 'vitest'
import { createMetrics, createTelemetry, openMetricsText, Tracer } from '../src/index.ts'

function telemetryWith({ share = 1 } = {}) {
  const clock = createFakeClock()
  const [metrics, tracer] = [createMetrics(), new Tracer({ clock, share })]
  return { clock, metrics, tracer, telemetry: createTelemetry({ metrics, tracer, clock }) }
}

describe('track()', () => {
  test('times what it runs, as a span that what happens inside belongs to', async () => {
    const { telemetry, tracer, clock, metrics } = telemetryWith()
    let traceId = ''
    const answer = await telemetry.track('import', async () => {
      traceId = currentCall().trace?.traceId ?? ''
      await telemetry.track('parse', () => clock.advance(5))
      return 42
    })
    assert.equal(answer, 42)
    assert.deepEqual(
      tracer.traces.get(traceId)?.map(({ name, durationMs, status }) => [name, durationMs, status]),
      [
        ['import', 5, 'unset'],
        ['parse', 5, 'unset'],
      ],
    )
    assert.match(openMetricsText(metrics), new RegExp(`operation="parse".* # \\{trace_id="${traceId}"`))
    assert.deepEqual(currentCall().trace, undefined)
  })

  test('stays synchronous, and hands errors through', async () => {
    const { telemetry, tracer } = telemetryWith({ share: 0 })
    const error = new Error('no')
    assert.equal(
      telemetry.track('add', () => 3),
      3,
    )
    assert.throws(
      () =>
        telemetry.track('fail', () => {
          throw error
        }),
      error,
    )
    await assert.rejects(
      telemetry.track('reject', () => Promise.reject(error)),
      error,
    )
    // Thrown things need not be errors.
    await telemetry.track('odd', () => Promise.reject(undefined)).catch(() => {})
    assert.deepEqual(
      tracer.traces
        .list()
        .map(({ name, hasFailed }) => [name, hasFailed])
        .sort(),
      [
        ['fail', true],
        ['odd', true],
        ['reject', true],
      ],
    )
    const outcomes = telemetry
      .aggregate(1_000)
      .series.map(({ labels }) => `${labels['operation']} ${labels['outcome']}`)
    assert.deepEqual(outcomes, ['add ok', 'fail failed', 'reject failed', 'odd failed'])
  })
})

describe('record()', () => {
  test('writes counters, gauges and histograms by name', () => {
    const { telemetry } = telemetryWith()
    telemetry.record({ name: 'orders_total', type: 'counter', value: 2, labels: { from: 'web' } })
    telemetry.record({ name: 'orders_total', type: 'counter', value: 3, labels: { from: 'web' } })
    telemetry.record({ name: 'queue_jobs', value: 7 })
    telemetry.record({ name: 'wait_seconds', type: 'histogram', unit: 'seconds', value: 0.2 })
    const lines = telemetry.export('prometheus').split('\n')
    for (const line of ['orders_total{from="web"} 5', 'queue_jobs 7', 'wait_seconds_count 1'])
      assert.ok(lines.includes(line), line)
  })

  test.each([
    ['a bad name', { name: 'no good', value: 1 }, 'TELEMETRY_METRIC_INVALID'],
    ['a text for a value', { name: 'a', value: '1' as never }, 'TELEMETRY_METRIC_INVALID'],
    ['NaN', { name: 'a', value: Number.NaN }, 'TELEMETRY_METRIC_INVALID'],
    ['an unknown type', { name: 'a', value: 1, type: 'summary' as never }, 'TELEMETRY_METRIC_INVALID'],
    [
      'another type',
      { name: 'known', value: 1, type: 'histogram' as const, unit: '', buckets: [1] },
      'TELEMETRY_METRIC_CONFLICT',
    ],
    ['other labels', { name: 'known', value: 1, labels: { b: '1' } }, 'TELEMETRY_METRIC_CONFLICT'],
  ])('refuses %s', (_, metric, code) => {
    const { telemetry } = telemetryWith()
    telemetry.record({ name: 'known', value: 1, labels: { a: '1' } })
    assert.throws(() => telemetry.record(metric), { code })
  })

  test('of 100,000 label sets keeps 1,000 and counts the rest', () => {
    const { telemetry } = telemetryWith()
    for (let user = 0; user < 100_000; user++)
      telemetry.record({ name: 'visits_total', type: 'counter', value: 1, labels: { user: String(user) } })
    const lines = telemetry.export('prometheus').split('\n')
    assert.equal(lines.filter((line) => line.startsWith('visits_total{')).length, 1_000)
    assert.ok(lines.includes('keelson_metric_label_sets_dropped_total{metric="visits_total"} 99000'))
    assert.equal(telemetry.aggregate(1).dropped, 90_000)
  })

  test('of names without end refuses those after the first 1,000', () => {
    const { telemetry } = telemetryWith()
    for (let index = 0; index < 1_000; index++) telemetry.record({ name: `m${index}`, value: 1 })
    assert.throws(() => telemetry.record({ name: 'm1000', value: 1 }), { code: 'TELEMETRY_METRIC_INVALID' })
    telemetry.record({ name: 'm0', value: 2 })
  })
})

describe('aggregate()', () => {
  test('sums up each series over the window', async () => {
    const { telemetry, clock } = telemetryWith()
    telemetry.record({ name: 'wait_seconds', type: 'histogram', unit: 'seconds', value: 1_000 })
    await clock.advance(60_000)
    for (let value = 100; value > 0; value--)
      telemetry.record({ name: 'wait_seconds', type: 'histogram', unit: 'seconds', value })
    const [series, ...others] = telemetry.aggregate(10_000).series
    assert.deepEqual(others, [])
    assert.deepEqual(series, {
      name: 'wait_seconds',
      labels: {},
      count: 100,
      perSecond: 10,
      sum: 5_050,
      mean: 50.5,
      min: 1,
      max: 100,
      last: 1,
      p50: 50,
      p95: 95,
      p99: 99,
    })
  })

  test('says when the window is longer than what is kept', async () => {
    const { telemetry, clock } = telemetryWith()
    for (let index = 0; index < 70_000; index++) telemetry.record({ name: 'a', value: index })
    assert.deepEqual([telemetry.aggregate(1).isWhole, telemetry.aggregate(1).series[0]?.count], [false, 65_536])
    await clock.advance(10)
    assert.deepEqual([telemetry.aggregate(1).isWhole, telemetry.aggregate(1).series.length], [true, 0])
  })
})

describe('export()', () => {
  test('gives JSON and CSV that say what the cells say', () => {
    const { telemetry } = telemetryWith()
    telemetry.record({ name: 'jobs', value: 7, labels: { queue: 'a,"b"\n' } })
    telemetry.record({ name: 'limit', value: Number.POSITIVE_INFINITY })
    telemetry.record({ name: 'size_bytes', type: 'histogram', unit: 'bytes', buckets: [1, 2], value: 2 })
    const json = JSON.parse(telemetry.export('json')) as { name: string; samples: unknown }[]
    assert.deepEqual(json.find(({ name }) => name === 'jobs')?.samples, [{ labels: { queue: 'a,"b"\n' }, value: 7 }])
    assert.deepEqual(json.find(({ name }) => name === 'limit')?.samples, [{ labels: {}, value: 'Infinity' }])
    const csv = telemetry.export('csv').split('\r\n')
    assert.equal(csv[0], 'name,type,unit,labels,field,value')
    assert.ok(csv.includes('jobs,gauge,,"{""queue"":""a,\\""b\\""\\n""}",value,7'))
    for (const line of ['le 1,0', 'le 2,1', 'le +Inf,0', 'count,1', 'sum,2'])
      assert.ok(csv.includes(`size_bytes,histogram,bytes,{},${line}`), line)
  })

  test('refuses another format by name', () => {
    assert.throws(() => telemetryWith().telemetry.export('xml' as never), { code: 'TELEMETRY_FORMAT_UNKNOWN' })
  })
})

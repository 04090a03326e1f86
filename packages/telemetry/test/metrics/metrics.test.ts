import { describe, expect, test } from 'vitest'
import { createMetrics, type MetricSnapshot, type Metrics, prometheusText } from '../../src/index.ts'

const samplesOf = (metrics: Metrics, name: string): MetricSnapshot['samples'] =>
  metrics.collect().find((metric) => metric.name === name)?.samples ?? []

describe('createMetrics()', () => {
  test('gives the same cell for the same label values, whatever the order they are named in', () => {
    const calls = createMetrics().counter({ name: 'calls_total', help: 'Calls', labels: ['service', 'operation'] })
    expect(calls.cell({ service: 'a', operation: 'b' })).toBe(calls.cell({ operation: 'b', service: 'a' }))
    expect(calls.cell({ service: 'a', operation: 'b' })).not.toBe(calls.cell({ service: 'b', operation: 'a' }))
  })

  test('keeps label values apart however they are made up', () => {
    const metrics = createMetrics()
    const calls = metrics.counter({ name: 'calls_total', help: 'Calls', labels: ['a', 'b'] })
    const values = [
      ['x,y', 'z'],
      ['x', 'y,z'],
      ['"x', '"'],
      ['', '\u0000'],
      ['\u0000', ''],
    ] as const
    for (const [a, b] of values) calls.cell({ a, b }).add()
    expect(samplesOf(metrics, 'calls_total')).toEqual(values.map(([a, b]) => ({ labels: { a, b }, value: 1 })))
  })

  test('takes label values that are the same in UTF-8 for one', () => {
    const metrics = createMetrics()
    const calls = metrics.counter({ name: 'calls_total', help: 'Calls', labels: ['path'] })
    calls.cell({ path: 'a\ud800' }).add()
    calls.cell({ path: 'a\ud801' }).add()
    expect(samplesOf(metrics, 'calls_total')).toEqual([{ labels: { path: 'a\ufffd' }, value: 2 }])
  })

  test('refuses other label names than the metric has', () => {
    const calls = createMetrics().counter<string>({
      name: 'calls_total',
      help: 'Calls',
      labels: ['service', 'operation'],
    })
    const message = 'Cannot bind a cell of "calls_total": its labels are [service, operation], given [service]'
    expect(() => calls.cell({ service: 'a' })).toThrow(message)
    expect(() => calls.cell({ service: 'a', operation: 'b', extra: 'c' })).toThrow('given [service, operation, extra]')
  })

  test('shows a metric without labels as 0 from the start, and one with labels once it is bound', () => {
    const metrics = createMetrics()
    metrics.counter({ name: 'starts_total', help: 'Starts' })
    metrics.counter({ name: 'calls_total', help: 'Calls', labels: ['service'] })
    expect(samplesOf(metrics, 'starts_total')).toEqual([{ labels: {}, value: 0 }])
    expect(samplesOf(metrics, 'calls_total')).toEqual([])
  })

  test('gives the metric that is there when it is defined again', () => {
    const metrics = createMetrics()
    const define = () =>
      metrics.histogram({ name: 'wait_seconds', help: 'Waiting', unit: 'seconds', labels: ['queue'] })
    define().cell({ queue: 'a' }).record(1)
    expect(define().cell({ queue: 'a' }).count).toBe(1)
    expect(metrics.counter({ name: 'b_total', help: 'One', labels: ['x', 'y'] }).cell({ x: '1', y: '2' })).toBe(
      metrics.counter({ name: 'b_total', help: 'Other words', labels: ['y', 'x'] }).cell({ x: '1', y: '2' }),
    )
  })

  test('refuses a metric that is known in another shape', () => {
    const metrics = createMetrics()
    const conflict = expect.objectContaining({ code: 'TELEMETRY_METRIC_CONFLICT' })
    metrics.gauge({ name: 'jobs', help: 'Jobs', labels: ['queue'] })
    metrics.histogram({ name: 'wait_seconds', help: 'Waiting', unit: 'seconds' })
    expect(() => metrics.gauge({ name: 'jobs', help: 'Jobs' })).toThrow(conflict)
    expect(() => metrics.histogram({ name: 'jobs', help: 'Jobs', buckets: [1], labels: ['queue'] })).toThrow(
      'Cannot define the metric "jobs" as a histogram labelled [queue] with buckets 1: it is known as a gauge labelled [queue]',
    )
    expect(() => metrics.histogram({ name: 'wait_seconds', help: 'Waiting', unit: 'seconds', buckets: [1] })).toThrow(
      conflict,
    )
    expect(() => metrics.histogram({ name: 'wait_seconds', help: 'Waiting', buckets: [1] })).toThrow(conflict)
  })

  test.each([
    ['9_total', {}],
    ['calls-total', {}],
    ['calls', {}],
    ['', {}],
    ['calls_total', { help: '' }],
    ['calls_total', { labels: ['a', 'a'] }],
    ['calls_total', { labels: ['a-b'] }],
    ['calls_total', { labels: ['__a'] }],
  ] as const)('refuses the counter %j with %j', (name, rest) => {
    const invalid = expect.objectContaining({
      code: 'TELEMETRY_METRIC_INVALID',
      details: expect.objectContaining({ metric: name }),
    })
    expect(() => createMetrics().counter({ name, help: 'Calls', ...rest })).toThrow(invalid)
  })

  test.each([
    ['a_total', { buckets: [1] }],
    ['a_bucket', { buckets: [1] }],
    ['a', { unit: 'seconds' }],
    ['a', {}],
    ['a', { buckets: [] }],
    ['a', { buckets: [1, 1] }],
    ['a', { buckets: [2, 1] }],
    ['a', { buckets: [1, Number.POSITIVE_INFINITY] }],
    ['a', { buckets: Array.from({ length: 101 }, (_, index) => index) }],
    ['a', { buckets: [1], labels: ['le'] }],
  ] as const)('refuses the histogram %j with %j', (name, rest) => {
    const invalid = expect.objectContaining({ code: 'TELEMETRY_METRIC_INVALID' })
    expect(() => createMetrics().histogram({ name, help: 'A', ...rest })).toThrow(invalid)
  })

  test('takes no more than 1,000 label sets, counts the rest and makes room when one is removed', () => {
    const metrics = createMetrics()
    const calls = metrics.counter({ name: 'calls_total', help: 'Calls', labels: ['user'] })
    for (let user = 0; user < 1_003; user++) calls.cell({ user: `${user}` }).add()
    calls.cell({ user: '7' }).add()
    expect(samplesOf(metrics, 'calls_total')).toHaveLength(1_000)
    const dropped = () => samplesOf(metrics, 'keelson_metric_label_sets_dropped_total')
    expect(dropped()).toEqual([{ labels: { metric: 'calls_total' }, value: 3 }])

    expect(calls.remove({ user: '7' })).toBe(true)
    expect(calls.remove({ user: '7' })).toBe(false)
    calls.cell({ user: 'new' }).add()
    expect(samplesOf(metrics, 'calls_total').at(-1)).toEqual({ labels: { user: 'new' }, value: 1 })
    expect(dropped()).toEqual([{ labels: { metric: 'calls_total' }, value: 3 }])
  })

  test('counts dropped label sets of more metrics than it has room for', () => {
    const metrics = createMetrics()
    for (let index = 0; index < 1_002; index++) {
      const metric = metrics.counter({ name: `m${index}_total`, help: 'M', labels: ['a'] })
      if (index < 1_000) continue
      for (let value = 0; value < 1_001; value++) metric.cell({ a: `${value}` })
    }
    expect(samplesOf(metrics, 'keelson_metric_label_sets_dropped_total')).toHaveLength(2)
  })

  test('leaves out a source that throws and keeps the others', () => {
    const metrics = createMetrics()
    const depth = metrics.gauge({ name: 'queue_jobs', help: 'Jobs waiting', labels: ['queue'] })
    depth.cell({ queue: 'broken' }).readFrom(() => {
      throw new Error('gone')
    })
    depth.cell({ queue: 'fine' }).readFrom(() => 3)
    expect(samplesOf(metrics, 'queue_jobs')).toEqual([{ labels: { queue: 'fine' }, value: 3 }])
  })
})

test('a label value of a megabyte is cut', () => {
  const metrics = createMetrics()
  metrics
    .counter({ name: 'a_total', help: 'A', labels: ['path'] })
    .cell({ path: 'x'.repeat(1_000_000) })
    .add()
  expect(prometheusText(metrics).length).toBeLessThan(2_000)
})

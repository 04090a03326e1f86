import { describe, expect, test } from 'vitest'
import { createMetrics, type Metrics, prometheusText } from '../../src/index.ts'
import { parsePrometheusText } from './parse-prometheus-text.ts'

const awkward = [
  '',
  ' ',
  '"',
  '\\',
  '\\n',
  '\n',
  '\r\n',
  '\\"',
  '}',
  '{a="b"}',
  ', le="1"} 5\n# TYPE forged counter\nforged 1',
  '漢字 👩‍🚀',
  '\u0000\u001b[2K\u2028',
]

describe('prometheusText()', () => {
  test('writes counters and gauges as the format says', () => {
    const metrics = createMetrics()
    const calls = metrics.counter({
      name: 'calls_total',
      help: 'Calls, by\nservice \\ "operation"',
      labels: ['service'],
    })
    calls.cell({ service: 'a"b\\c\nd' }).add(3)
    metrics.gauge({ name: 'jobs', help: 'Jobs' }).cell().set(-1.5)
    expect(prometheusText(metrics)).toBe(
      [
        '# HELP calls_total Calls, by\\nservice \\\\ "operation"',
        '# TYPE calls_total counter',
        'calls_total{service="a\\"b\\\\c\\nd"} 3',
        '# HELP jobs Jobs',
        '# TYPE jobs gauge',
        'jobs -1.5',
        '',
      ].join('\n'),
    )
  })

  test('writes a histogram as cumulative buckets, sum and count', () => {
    const metrics = createMetrics()
    const wait = metrics.histogram({
      name: 'wait_seconds',
      help: 'Waiting',
      unit: 'seconds',
      buckets: [0.1, 1],
      labels: ['queue'],
    })
    const cell = wait.cell({ queue: 'mail' })
    for (const seconds of [0.05, 0.1, 0.5, 3]) cell.record(seconds)
    expect(prometheusText(metrics)).toBe(
      [
        '# HELP wait_seconds Waiting',
        '# TYPE wait_seconds histogram',
        'wait_seconds_bucket{queue="mail",le="0.1"} 2',
        'wait_seconds_bucket{queue="mail",le="1"} 3',
        'wait_seconds_bucket{queue="mail",le="+Inf"} 4',
        'wait_seconds_sum{queue="mail"} 3.65',
        'wait_seconds_count{queue="mail"} 4',
        '',
      ].join('\n'),
    )
  })

  test('survives a strict parser with every awkward label value and help', () => {
    for (const help of awkward.filter((text) => text !== '')) {
      const metrics = createMetrics()
      const calls = metrics.counter({ name: 'calls_total', help, labels: ['a', 'b'] })
      const wait = metrics.histogram({ name: 'wait_seconds', help, unit: 'seconds', labels: ['a'] })
      for (const [index, a] of awkward.entries()) {
        for (const b of awkward) calls.cell({ a, b }).add(index)
        wait.cell({ a }).record(index)
      }
      const [parsedCalls, parsedWait, ...others] = parsePrometheusText(prometheusText(metrics))
      expect(others).toEqual([])
      expect(parsedCalls).toEqual({
        name: 'calls_total',
        type: 'counter',
        help,
        samples: awkward.flatMap((a, index) =>
          awkward.map((b) => ({ name: 'calls_total', labels: { a, b }, value: index })),
        ),
      })
      expect(parsedWait?.samples).toHaveLength(awkward.length * 19)
      expect(parsedWait?.samples.filter(({ name }) => name === 'wait_seconds_sum')).toEqual(
        awkward.map((a, index) => ({ name: 'wait_seconds_sum', labels: { a }, value: index })),
      )
    }
  })

  test.each([
    0,
    -0,
    1e-7,
    123456789.125,
    1e21,
    2 ** 53,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ])('writes %s so that it reads back', (value) => {
    const metrics = createMetrics()
    metrics.gauge({ name: 'value', help: 'A value' }).cell().set(value)
    expect(parsePrometheusText(prometheusText(metrics))[0]?.samples[0]?.value).toBe(value === 0 ? 0 : value)
  })

  test('leaves out metrics that have no sample', () => {
    const metrics: Metrics = createMetrics()
    metrics.counter({ name: 'calls_total', help: 'Calls', labels: ['service'] })
    expect(prometheusText(metrics)).toBe('')
  })
})

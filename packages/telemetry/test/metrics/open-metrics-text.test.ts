import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { answerToScrape, createMetrics, openMetricsText, Tracer } from '../../src/index.ts'

describe('openMetricsText()', () => {
  test('writes a family without _total, its unit, and the mark of the end', () => {
    const metrics = createMetrics()
    metrics.counter({ name: 'calls_total', help: 'Calls' }).cell().add(3)
    metrics
      .histogram({ name: 'size_bytes', help: 'Size', unit: 'bytes', buckets: [1, 2.5] })
      .cell()
      .record(2)
    assert.deepEqual(openMetricsText(metrics).split('\n'), [
      '# TYPE calls counter',
      '# HELP calls Calls',
      'calls_total 3',
      '# TYPE size_bytes histogram',
      '# UNIT size_bytes bytes',
      '# HELP size_bytes Size',
      'size_bytes_bucket{le="1.0"} 0',
      'size_bytes_bucket{le="2.5"} 1',
      'size_bytes_bucket{le="+Inf"} 1',
      'size_bytes_count 1',
      'size_bytes_sum 2',
      '# EOF',
      '',
    ])
  })

  test('shows the last sampled observation of a bucket as its exemplar, and no other', () => {
    const cell = createMetrics()
      .histogram({ name: 'a_seconds', help: 'A', unit: 'seconds', buckets: [1] })
      .cell()
    const tracer = new Tracer({ share: 1 })
    const span = tracer.begin('a', 'internal', undefined)
    cell.record(0.1, span)
    cell.record(0.2, span, 5)
    cell.record(0.3)
    cell.record(0.4, span && { ...span, isSampled: false })
    assert.deepEqual(cell.exemplars(), [
      { value: 0.2, traceId: span?.traceId, spanId: span?.spanId, timeMs: 5 },
      undefined,
    ])
  })
})

describe('answerToScrape()', () => {
  test.each([
    [undefined, false],
    ['', false],
    ['*/*', false],
    ['text/html', false],
    ['application/openmetrics-text', true],
    ['application/openmetrics-text; version="1.0.0"', true],
    ['application/openmetrics-text;version=2.0.0', false],
    [
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      true,
    ],
    ['text/plain, application/openmetrics-text;q=0.5', false],
    ['application/openmetrics-text;q=0', false],
    ['application/openmetrics-text;q=x', false],
    [',;,;=,'.repeat(100_000), false],
  ])('for Accept %j', (accept, isOpen) => {
    const { contentType, text } = answerToScrape(createMetrics(), accept)
    assert.equal(contentType.startsWith('application/openmetrics-text'), isOpen)
    assert.equal(text.endsWith('# EOF\n'), isOpen)
  })
})

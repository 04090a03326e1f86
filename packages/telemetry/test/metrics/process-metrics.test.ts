import { expect, test } from 'vitest'
import { createMetrics, prometheusText, registerProcessMetrics } from '../../src/index.ts'
import { parsePrometheusText } from './parse-prometheus-text.ts'

test('registerProcessMetrics() tells of memory, processor and event loop, and may be repeated', () => {
  const metrics = createMetrics()
  registerProcessMetrics(metrics)
  registerProcessMetrics(metrics)
  const parsed = parsePrometheusText(prometheusText(metrics))
  const valueUnder = (name: string) => parsed.find((metric) => metric.name === name)?.samples[0]?.value
  expect(valueUnder('process_resident_memory_bytes')).toBeGreaterThan(10_000_000)
  expect(valueUnder('process_cpu_seconds_total')).toBeGreaterThan(0)
  expect(valueUnder('nodejs_heap_used_bytes')).toBeGreaterThan(1_000_000)
  expect(valueUnder('process_start_time_seconds')).toBeLessThanOrEqual(Date.now() / 1000)
  const delay = parsed.find((metric) => metric.name === 'nodejs_eventloop_delay_seconds')
  expect(delay?.samples.map(({ labels }) => labels['statistic'])).toEqual(['p50', 'p99', 'max'])
  expect(delay?.samples.every(({ value }) => value >= 0 && value < 60)).toBe(true)
})

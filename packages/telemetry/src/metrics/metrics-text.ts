/** Metrics as JSON and CSV, for scripts and spreadsheets; what scrapes has formats of its own. */

import type { MetricSnapshot, Metrics } from './metrics.ts'
import { answerToScrape } from './open-metrics-text.ts'

export const metricFormats = ['prometheus', 'json', 'csv'] as const
export type MetricFormat = (typeof metricFormats)[number]

const csvHead = 'name,type,unit,labels,field,value'

/** Everything in `metrics`, as of now. JSON is the list of snapshots; CSV has one line per number. */
export function exportMetrics(metrics: Pick<Metrics, 'collect'>, format: MetricFormat): string {
  if (format === 'json') return JSON.stringify(metrics.collect(), finiteOrText)
  if (format === 'csv') return `${[csvHead, ...metrics.collect().flatMap(csvLines)].join('\r\n')}\r\n`
  return answerToScrape(metrics, undefined).text
}

/** JSON has no infinity; as a text it is at least not lost. */
function finiteOrText(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
}

function csvLines(metric: MetricSnapshot): string[] {
  const { name, type, unit } = metric
  const line = (labels: object, field: string, value: number) =>
    [name, type, unit, JSON.stringify(labels), field, String(value)].map(csvCell).join(',')
  if (metric.type !== 'histogram') return metric.samples.map(({ labels, value }) => line(labels, 'value', value))
  const bounds = [...metric.buckets.map(String), '+Inf']
  return metric.samples.flatMap(({ labels, counts, sum }) => [
    ...counts.map((count, bucket) => line(labels, `le ${bounds[bucket]}`, count)),
    line(
      labels,
      'count',
      counts.reduce((total, count) => total + count, 0),
    ),
    line(labels, 'sum', sum),
  ])
}

/** As RFC 4180 quotes it. */
function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/**
 * Prometheus text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats): the one that every version of Prometheus and
 * everything that imitates it can scrape.
 */
import type { LabelSet } from './family.ts'
import type { HistogramSnapshot, MetricSnapshot, Metrics } from './metrics.ts'

/** The content type of what `prometheusText` gives. */
export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8'

/** Everything in `metrics`, as of now, as the answer to a scrape. Metrics without a sample are left out. */
export function prometheusText(metrics: Pick<Metrics, 'collect'>): string {
  const lines = metrics.collect().flatMap((metric) => (metric.samples.length > 0 ? linesOf(metric) : []))
  return lines.map((line) => `${line}\n`).join('')
}

function linesOf(metric: MetricSnapshot): string[] {
  const { name, help, type } = metric
  const head = [`# HELP ${name} ${escapedHelp(help)}`, `# TYPE ${name} ${type}`]
  if (metric.type === 'histogram') return [...head, ...bucketLines(metric)]
  return [...head, ...metric.samples.map(({ labels, value }) => `${name}${inBraces(labels)} ${shown(value)}`)]
}

function bucketLines({ name, buckets, samples }: HistogramSnapshot): string[] {
  const bounds = [...buckets.map(shown), '+Inf']
  return samples.flatMap(({ labels, counts, sum }) => {
    let total = 0
    const cumulative = bounds.map((bound, bucket) => {
      total += counts[bucket] ?? 0
      return `${name}_bucket${inBraces({ ...labels, le: bound })} ${shown(total)}`
    })
    const all = inBraces(labels)
    return [...cumulative, `${name}_sum${all} ${shown(sum)}`, `${name}_count${all} ${shown(total)}`]
  })
}

export function inBraces(labels: LabelSet): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escapedValue(value)}"`)
  return pairs.length > 0 ? `{${pairs.join(',')}}` : ''
}

/** As Go's ParseFloat reads it. */
export function shown(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  if (value === Number.NEGATIVE_INFINITY) return '-Inf'
  return String(value)
}

export function escapedHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function escapedValue(text: string): string {
  return escapedHelp(text).replaceAll('"', '\\"')
}

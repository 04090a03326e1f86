/**
 * OpenMetrics 1.0 text (github.com/prometheus/OpenMetrics): what Prometheus asks for first. Beyond the older format it has units and
 * exemplars, the traces that a point of a chart leads to.
 */
import type { Exemplar } from './cells.ts'
import type { HistogramSnapshot, MetricSnapshot, Metrics } from './metrics.ts'
import { escapedHelp, inBraces, prometheusContentType, prometheusText, shown } from './prometheus-text.ts'

/** The content type of what `openMetricsText` gives. */
export const openMetricsContentType = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/** Everything in `metrics`, as of now, with the closing mark that the format wants. */
export function openMetricsText(metrics: Pick<Metrics, 'collect'>): string {
  const lines = metrics.collect().flatMap((metric) => (metric.samples.length > 0 ? linesOf(metric) : []))
  return `${lines.map((line) => `${line}\n`).join('')}# EOF\n`
}

/**
 * The answer to a scrape in the format that its `Accept` header prefers: OpenMetrics when that is named with a weight no lower than plain
 * text, the older text otherwise and for whoever names neither.
 */
export function answerToScrape(
  metrics: Pick<Metrics, 'collect'>,
  accept: string | undefined,
): { readonly contentType: string; readonly text: string } {
  const weights = weightsOf(accept ?? '')
  const open = weights.get('application/openmetrics-text') ?? 0
  const isOpen = open > 0 && open >= (weights.get('text/plain') ?? 0)
  return isOpen
    ? { contentType: openMetricsContentType, text: openMetricsText(metrics) }
    : { contentType: prometheusContentType, text: prometheusText(metrics) }
}

/** The highest weight of each media type; a version that is not ours counts for nothing. */
function weightsOf(accept: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>()
  for (const range of accept.slice(0, 4_096).toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim())
    const parameterOf = (name: string) => parameters.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1)
    const version = parameterOf('version')?.replaceAll('"', '')
    if (type === 'application/openmetrics-text' && version !== undefined && version !== '1.0.0') continue
    const weight = Number(parameterOf('q') ?? 1)
    weights.set(type, Math.max(weights.get(type) ?? 0, Number.isFinite(weight) ? weight : 0))
  }
  return weights
}

function linesOf(metric: MetricSnapshot): string[] {
  const { help, type, unit } = metric
  const family = type === 'counter' ? metric.name.slice(0, -'_total'.length) : metric.name
  const head = [`# TYPE ${family} ${type}`, `# HELP ${family} ${escapedHelp(help).replaceAll('"', '\\"')}`]
  if (unit !== '') head.splice(1, 0, `# UNIT ${family} ${unit}`)
  if (metric.type === 'histogram') return [...head, ...bucketLines(metric)]
  return [...head, ...metric.samples.map(({ labels, value }) => `${metric.name}${inBraces(labels)} ${shown(value)}`)]
}

function bucketLines({ name, buckets, samples }: HistogramSnapshot): string[] {
  const bounds = [...buckets.map(bound), '+Inf']
  return samples.flatMap(({ labels, counts, sum, exemplars }) => {
    let total = 0
    const cumulative = bounds.map((le, bucket) => {
      total += counts[bucket] ?? 0
      return `${name}_bucket${inBraces({ ...labels, le })} ${total}${exemplarOf(exemplars[bucket])}`
    })
    return [...cumulative, `${name}_count${inBraces(labels)} ${total}`, `${name}_sum${inBraces(labels)} ${shown(sum)}`]
  })
}

function exemplarOf(exemplar: Exemplar | undefined): string {
  if (exemplar === undefined) return ''
  const { traceId, spanId, value, timeMs } = exemplar
  const at = timeMs === undefined ? '' : ` ${(timeMs / 1_000).toFixed(3)}`
  return ` # ${inBraces({ trace_id: traceId, span_id: spanId })} ${shown(value)}${at}`
}

/** Bounds are floating-point numbers here, and the same bound must always read the same. */
function bound(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e15 ? `${value}.0` : shown(value)
}

/** What a metric is, and the rules of Prometheus for it: checked when it is defined, since a bad name would fail every later scrape. */
import { telemetryErrors } from '../errors.ts'

export interface MetricDefinition<Label extends string = never> {
  /** In snake_case, with its unit: `queue_jobs`, `http_requests_total`, `call_duration_seconds`. */
  readonly name: string
  /** One sentence for whoever finds the metric in a dashboard. */
  readonly help: string
  readonly labels?: readonly Label[]
}

/** The name ends in `_total`. */
export type CounterDefinition<Label extends string = never> = MetricDefinition<Label>

export type GaugeDefinition<Label extends string = never> = MetricDefinition<Label>

export interface HistogramDefinition<Label extends string = never> extends MetricDefinition<Label> {
  /** `seconds`, `bytes` …: the name ends in it. Leave it out for plain numbers. */
  readonly unit?: string
  /** Upper bounds, inclusive and ascending, without infinity. `durationBuckets` by default, which only seconds have. */
  readonly buckets?: readonly number[]
}

/**
 * Upper bounds for the duration of calls, in seconds: 1, 2.5 and 5 in each power of ten from 0.1 ms, where a call in process ends, to
 * 10 s, beyond which a deadline has passed. A quantile read from them is off by at most a factor of 2.5; the round limits that promises
 * are made in (100 ms, 250 ms, 1 s …) are bounds, so that the share of calls within one is exact.
 */
export const durationBuckets: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]

export type MetricType = 'counter' | 'gauge' | 'histogram'

/** A checked definition, everything filled in. */
export interface MetricShape {
  readonly type: MetricType
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  /** Empty when it has none. */
  readonly unit: string
  /** Empty unless it is a histogram. */
  readonly buckets: readonly number[]
}

const bucketsAtMost = 100

/** Checks a definition. Throws TELEMETRY_METRIC_INVALID with what is wrong. */
export function shapeOf(type: MetricType, definition: HistogramDefinition<string>): MetricShape {
  const { name, help, labels = [], unit = '', buckets } = definition
  const bounds = type === 'histogram' ? (buckets ?? (unit === 'seconds' ? durationBuckets : [])) : []
  const reason =
    nameProblem(type, name, unit) ??
    labelProblem(type, labels) ??
    (type === 'histogram' ? bucketProblem(bounds) : undefined)
  if (reason !== undefined) throw telemetryErrors.TELEMETRY_METRIC_INVALID({ metric: String(name), reason })
  if (!help) throw telemetryErrors.TELEMETRY_METRIC_INVALID({ metric: name, reason: 'it has no help' })
  return { type, name, help, labels: [...labels], unit, buckets: [...bounds] }
}

/** Throws TELEMETRY_METRIC_CONFLICT unless both are the same metric. The order of labels and the help do not matter; the first help stays. */
export function requireSameShape(known: MetricShape, given: MetricShape): void {
  const [knownWords, givenWords] = [inWords(known), inWords(given)]
  if (knownWords !== givenWords) {
    throw telemetryErrors.TELEMETRY_METRIC_CONFLICT({ metric: given.name, known: knownWords, given: givenWords })
  }
}

function inWords({ type, labels, unit, buckets }: MetricShape): string {
  const [of, at] = [unit && ` of ${unit}`, buckets.length > 0 ? ` with buckets ${buckets.join(', ')}` : '']
  return `a ${type}${of} labelled [${labels.toSorted().join(', ')}]${at}`
}

function nameProblem(type: MetricType, name: string, unit: string): string | undefined {
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name))
    return 'a name is letters, digits and underscores and does not begin with a digit'
  if (type === 'counter') return name.endsWith('_total') ? undefined : 'the name of a counter ends in _total'
  const suffix = /_(total|bucket|sum|count)$/.exec(name)?.[0]
  if (suffix) return `the name of a ${type} does not end in ${suffix}`
  if (unit && !name.endsWith(`_${unit}`)) return `its name does not end in its unit, _${unit}`
  return undefined
}

function labelProblem(type: MetricType, labels: readonly string[]): string | undefined {
  if (new Set(labels).size < labels.length) return `it names a label twice in [${labels.join(', ')}]`
  const wrong = labels.find((label) => !/^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/.test(label))
  if (wrong !== undefined)
    return `the label "${wrong}" is not letters, digits and underscores, or begins with a digit or two underscores`
  if (type === 'histogram' && labels.includes('le')) return 'the label "le" belongs to the buckets'
  return undefined
}

function bucketProblem(bounds: readonly number[]): string | undefined {
  if (bounds.length === 0) return 'it has no buckets, and only seconds have them by default'
  if (bounds.length > bucketsAtMost) return `it has ${bounds.length} buckets, more than ${bucketsAtMost}`
  if (!bounds.every(Number.isFinite))
    return 'a bound is not a finite number; the bucket without a bound is always there'
  if (bounds.some((bound, index) => index > 0 && bound <= (bounds[index - 1] ?? bound)))
    return 'its buckets do not ascend'
  return undefined
}

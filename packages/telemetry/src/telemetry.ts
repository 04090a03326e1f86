/**
 * An application's own measurements, by name: what it times, what it counts, and how that was over the last minutes. Code that measures
 * thousands of times a second binds a cell of `metrics` instead.
 */
import { type Clock, currentCall, definePort, deriveCall, runInCall, systemClock } from '@keelson/kernel'
import { telemetryErrors } from './errors.ts'
import type { LabelSet } from './metrics/family.ts'
import type { Metric, Metrics } from './metrics/metrics.ts'
import { exportMetrics, type MetricFormat, metricFormats } from './metrics/metrics-text.ts'
import { type Aggregate, RecentPoints } from './metrics/recent-points.ts'
import type { Tracer } from './tracing/tracer.ts'

/** One measurement. */
export interface RecordedMetric {
  /** In snake_case; a counter's ends in `_total`, a histogram's in its unit. */
  readonly name: string
  /** What a counter grows by, what a gauge is from now on, what a histogram observes. */
  readonly value: number
  /** A gauge when left out. */
  readonly type?: 'counter' | 'gauge' | 'histogram'
  /** For a histogram: `seconds`, `bytes` … */
  readonly unit?: string
  readonly help?: string
  /** The same names each time; a metric takes 1,000 sets of values. */
  readonly labels?: LabelSet
  /** Upper bounds of a histogram that is not of seconds. */
  readonly buckets?: readonly number[]
}

/** In a service: `uses: { telemetry: Telemetry }`. */
export interface Telemetry {
  /** For cells that are bound once. */
  readonly metrics: Metrics
  /** For spans with events, links and attributes. */
  readonly tracer: Tracer
  /**
   * Runs `work` as a span under the current one and times it in `app_operation_duration_seconds`, by operation and outcome. Gives back, or
   * throws, what `work` does, and synchronously when it is synchronous.
   */
  track<T>(operation: string, work: () => T): T
  /** Records one measurement. Throws TELEMETRY_METRIC_INVALID, TELEMETRY_METRIC_CONFLICT or TELEMETRY_METRIC_LABELS_WRONG. */
  record(metric: RecordedMetric): void
  /**
   * What was tracked and recorded during the last `windowMs`, by series. Of the last 65,536 measurements at most; `isWhole` says whether
   * the window is covered.
   */
  aggregate(windowMs: number): Aggregate
  /** All metrics of the process. Throws TELEMETRY_FORMAT_UNKNOWN. */
  export(format: MetricFormat): string
}

export const Telemetry = definePort<Telemetry>('telemetry')

export interface TelemetryOptions {
  readonly metrics: Metrics
  readonly tracer: Tracer
  readonly clock?: Clock
}

/** Names that are made up as the program runs would fill any memory. */
const metricsAtMost = 1_000

/** Writes to one metric under given labels. */
type Write = (value: number, labels: LabelSet) => void

/**
 * @example
 * await telemetry.track('import', () => importOrders(file))
 * telemetry.record({ name: 'orders_imported_total', type: 'counter', value: 12, labels: { source: 'csv' } })
 * telemetry.aggregate(60_000).series   // count, mean, p50, p95, p99 … of each
 */
export function createTelemetry({ metrics, tracer, clock = systemClock }: TelemetryOptions): Telemetry {
  const points = new RecentPoints(clock)
  const writers = new Map<string, Write>()
  const durations = metrics.histogram({
    name: 'app_operation_duration_seconds',
    help: 'Time that operations tracked by the application took',
    unit: 'seconds',
    labels: ['operation', 'outcome'],
  })

  function track<T>(operation: string, work: () => T): T {
    const call = currentCall()
    const startedMs = clock.monotonic()
    const span = tracer.begin(operation, 'internal', call.trace, startedMs)
    const settled = (outcome: 'ok' | 'failed', error: unknown): void => {
      const endedMs = clock.monotonic()
      if (span) span.end(error, endedMs)
      else tracer.late(operation, 'internal', call.trace, startedMs, endedMs, error)
      const seconds = (endedMs - startedMs) / 1_000
      durations.cell({ operation, outcome }).record(seconds, span, span && clock.now())
      points.add('app_operation_duration_seconds', { operation, outcome }, seconds)
    }
    // A rejection with undefined is a failure as well.
    const failed = (error: unknown): void => settled('failed', error ?? new Error('failed without an error'))
    try {
      const result = span ? runInCall(deriveCall(call, { trace: span }), work) : work()
      if (result instanceof Promise) result.then(() => settled('ok', undefined), failed)
      else settled('ok', undefined)
      return result
    } catch (error) {
      failed(error)
      throw error
    }
  }

  function writerOf(metric: RecordedMetric): Write {
    const { name, type = 'gauge', help = name, labels = {} } = metric
    const names = Object.keys(labels)
    const definition = { name, help, labels: names }
    if (type === 'counter') {
      const counter = labelled(metrics.counter(definition))
      return (value, at) => counter.cell(at).add(value)
    }
    if (type === 'gauge') {
      const gauge = labelled(metrics.gauge(definition))
      return (value, at) => gauge.cell(at).set(value)
    }
    const { unit, buckets } = metric
    const histogram = labelled(metrics.histogram({ ...definition, ...(unit && { unit }), ...(buckets && { buckets }) }))
    return (value, at) => histogram.cell(at).record(value, currentCall().trace, clock.now())
  }

  return {
    metrics,
    tracer,
    track,
    record(metric) {
      const { name, type = 'gauge', value, labels = {} } = metric
      if (!['counter', 'gauge', 'histogram'].includes(type))
        throw telemetryErrors.TELEMETRY_METRIC_INVALID({
          metric: String(name),
          reason: `its type "${type}" is none of counter, gauge and histogram`,
        })
      if (typeof value !== 'number' || Number.isNaN(value))
        throw telemetryErrors.TELEMETRY_METRIC_INVALID({ metric: String(name), reason: 'its value is not a number' })
      const key = `${type} ${name} ${Object.keys(labels).sort().join(' ')}`
      let write = writers.get(key)
      if (write === undefined) {
        if (writers.size >= metricsAtMost)
          throw telemetryErrors.TELEMETRY_METRIC_INVALID({
            metric: name,
            reason: `${metricsAtMost} metrics have been recorded by name already; what varies belongs into labels`,
          })
        write = writerOf(metric)
        writers.set(key, write)
      }
      write(value, labels)
      points.add(name, labels, value)
    },
    aggregate: (windowMs) => points.aggregate(windowMs),
    export(format) {
      if (!metricFormats.includes(format))
        throw telemetryErrors.TELEMETRY_FORMAT_UNKNOWN({ format: String(format), formats: metricFormats })
      return exportMetrics(metrics, format)
    },
  }
}

/** A metric whose label names are known only now; it refuses others than its own when a cell is asked for. */
function labelled<Cell>(metric: Metric<Cell, string>): { cell(labels: LabelSet): Cell } {
  // `LabelValues<string>` is one record of names to values, which a LabelSet is.
  return metric as { cell(labels: LabelSet): Cell }
}

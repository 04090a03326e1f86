/**
 * Traces, metrics and log records as OTLP/HTTP sends them in JSON (opentelemetry.io/docs/specs/otlp): 64-bit numbers are texts, ids are
 * hexadecimal, enumerations are numbers.
 */
import type { Json } from '@keelson/kernel'
import type { LogRecord } from '../log/record.ts'
import type { LabelSet } from '../metrics/family.ts'
import type { Distribution, MetricSnapshot } from '../metrics/metrics.ts'
import type { AttributeValue, SpanAttributes, SpanKind, SpanRecord, SpanStatus } from '../tracing/span.ts'

/** What produced the telemetry, under OpenTelemetry's names: `service.name` at least. */
export type Resource = SpanAttributes

const scope = { name: '@keelson/telemetry' }

export function tracesRequest(resource: Resource, spans: readonly SpanRecord[]): object {
  return {
    resourceSpans: [{ resource: { attributes: pairs(resource) }, scopeSpans: [{ scope, spans: spans.map(span) }] }],
  }
}

/**
 * @param startMs when counting began, in milliseconds since 1970
 * @param atMs when the snapshots were taken
 */
export function metricsRequest(
  resource: Resource,
  metrics: readonly MetricSnapshot[],
  startMs: number,
  atMs: number,
): object {
  const times = { startTimeUnixNano: nanoseconds(startMs), timeUnixNano: nanoseconds(atMs) }
  const shown = metrics.filter(({ samples }) => samples.length > 0).map((snapshot) => metric(snapshot, times))
  return {
    resourceMetrics: [{ resource: { attributes: pairs(resource) }, scopeMetrics: [{ scope, metrics: shown }] }],
  }
}

export function logsRequest(resource: Resource, records: readonly LogRecord[]): object {
  return {
    resourceLogs: [
      { resource: { attributes: pairs(resource) }, scopeLogs: [{ scope, logRecords: records.map(logRecord) }] },
    ],
  }
}

const kinds: Readonly<Record<SpanKind, number>> = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 }
const statuses: Readonly<Record<SpanStatus, number>> = { unset: 0, ok: 1, error: 2 }
const sampled = 1

function span(record: SpanRecord): object {
  const { traceId, spanId, parentSpanId, traceState, name, kind, startMs, durationMs, events, links } = record
  return {
    traceId,
    spanId,
    ...(parentSpanId && { parentSpanId }),
    ...(traceState && { traceState }),
    flags: sampled,
    name: name || 'unnamed',
    kind: kinds[kind],
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(startMs + durationMs),
    attributes: pairs(record.attributes),
    droppedAttributesCount: record.dropped,
    events: events.map((event) => ({
      name: event.name,
      timeUnixNano: nanoseconds(event.timeMs),
      attributes: pairs(event.attributes),
    })),
    links: links.map((link) => ({
      traceId: link.traceId,
      spanId: link.spanId,
      attributes: pairs(link.attributes),
    })),
    status: { code: statuses[record.status], ...(record.statusMessage && { message: record.statusMessage }) },
  }
}

interface Times {
  readonly startTimeUnixNano: string
  readonly timeUnixNano: string
}

const cumulative = 2

function metric(snapshot: MetricSnapshot, times: Times): object {
  const { name, help, unit } = snapshot
  const head = { name, description: help, unit: otlpUnit(unit) }
  if (snapshot.type === 'histogram') {
    const dataPoints = snapshot.samples.map((one) => distribution(one, snapshot.buckets, times))
    return { ...head, histogram: { dataPoints, aggregationTemporality: cumulative } }
  }
  const dataPoints = snapshot.samples.map(({ labels, value }) => ({
    ...times,
    attributes: labelPairs(labels),
    asDouble: double(value),
  }))
  return snapshot.type === 'gauge'
    ? { ...head, gauge: { dataPoints } }
    : { ...head, sum: { dataPoints, aggregationTemporality: cumulative, isMonotonic: true } }
}

function distribution(
  { labels, counts, sum, exemplars }: Distribution,
  buckets: readonly number[],
  times: Times,
): object {
  const shown = exemplars.flatMap((one) => {
    if (one === undefined) return []
    const timeUnixNano = one.timeMs === undefined ? times.timeUnixNano : nanoseconds(one.timeMs)
    return [{ timeUnixNano, asDouble: one.value, traceId: one.traceId, spanId: one.spanId }]
  })
  return {
    ...times,
    attributes: labelPairs(labels),
    count: String(counts.reduce((total, count) => total + count, 0)),
    sum,
    bucketCounts: counts.map(String),
    explicitBounds: buckets,
    exemplars: shown,
  }
}

/** As the Unified Code for Units of Measure abbreviates. */
function otlpUnit(unit: string): string {
  return ({ seconds: 's', bytes: 'By', milliseconds: 'ms', ratio: '1' } as Record<string, string>)[unit] ?? unit
}

const severities = { debug: 5, info: 9, warn: 13, error: 17, fatal: 21 } as const

function logRecord({ time, level, message, fields }: LogRecord): object {
  const { traceId, spanId, ...rest } = fields
  const isTraced = typeof traceId === 'string' && typeof spanId === 'string'
  return {
    timeUnixNano: nanoseconds(time),
    observedTimeUnixNano: nanoseconds(time),
    severityNumber: severities[level],
    severityText: level.toUpperCase(),
    body: { stringValue: message },
    attributes: Object.entries(rest).map(([key, value]) => ({ key: key || '_', value: anyValue(value) })),
    ...(isTraced && { traceId, spanId }),
  }
}

function anyValue(value: Json): object {
  if (value === null) return {}
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } }
  if (typeof value === 'object')
    return {
      kvlistValue: {
        values: Object.entries(value).flatMap(([key, one]) =>
          one === undefined ? [] : [{ key: key || '_', value: anyValue(one) }],
        ),
      },
    }
  return scalar(value)
}

function pairs(attributes: SpanAttributes): object[] {
  return Object.entries(attributes)
    .filter(([key]) => key !== '')
    .map(([key, value]) => ({ key, value: attribute(value) }))
}

function labelPairs(labels: LabelSet): object[] {
  return Object.entries(labels).map(([key, value]) => ({ key, value: { stringValue: value } }))
}

function attribute(value: AttributeValue): object {
  return typeof value === 'object' ? { arrayValue: { values: value.map(scalar) } } : scalar(value)
}

function scalar(value: string | number | boolean): object {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: double(value) }
}

/** JSON has no infinity: protobuf's mapping writes it, and NaN, as a text. */
function double(value: number): number | string {
  return Number.isFinite(value) ? value : String(value)
}

/** Nanoseconds do not fit a number: the milliseconds are exact, what is behind the point is good to a microsecond. */
function nanoseconds(ms: number): string {
  const whole = Math.floor(ms)
  return String(BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1_000) * 1_000))
}

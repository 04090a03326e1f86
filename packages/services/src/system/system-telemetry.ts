/**
 * The telemetry of a running system: its tracer, the application's own measurements, the last log records, and the way to a collector. What
 * can change while it runs follows the section `telemetry` of the configuration.
 */
import type { Clock, ConfigVariables } from '@keelson/kernel'
import {
  createTelemetry,
  type Log,
  type LogRecord,
  logControlOf,
  type Metrics,
  type OtlpExporter,
  semanticConventions,
  startOtlpExporter,
  type Telemetry,
  Tracer,
  type TraceSegment,
} from '@keelson/telemetry'
import { streamAttribute } from '../listener/request-span.ts'
import type { System } from './system.ts'
import type { SystemConfiguration } from './system-config.ts'

export interface SystemTelemetry {
  readonly tracer: Tracer
  readonly telemetry: Telemetry
  /** The last records that were logged, 1,000 at most, oldest first. */
  recentLogs(): readonly LogRecord[]
  /** What is logged from now on, until the signal aborts; a reader that falls behind by more than 1,000 loses the oldest. */
  followLogs(signal: AbortSignal): AsyncGenerator<LogRecord>
  /** Takes up the log that is in use now: its levels follow the configuration, its records can be read here. */
  attach(log: Log): void
  /** Sends what is left, for at most three seconds. Safe to repeat. */
  close(): Promise<void>
}

interface Options {
  readonly system: System
  readonly configuration: SystemConfiguration
  readonly metrics: Metrics
  readonly clock: Clock
  readonly environment: ConfigVariables
}

const recordsAtMost = 1_000

export function startSystemTelemetry({ system, configuration, metrics, clock, environment }: Options): SystemTelemetry {
  const { sampling, slowMs } = configuration.get('telemetry')
  const tracer = new Tracer({ clock, share: sampling, slowMs })
  const telemetry = createTelemetry({ metrics, tracer, clock })
  const exporter = exporterOf(system, configuration, environment, { tracer, metrics, clock })
  countSpans(metrics, tracer, exporter)

  let records: LogRecord[] = []
  const followers = new Set<(record: LogRecord) => void>()
  const take = (record: LogRecord) => {
    records.push(record)
    if (records.length >= recordsAtMost * 2) records = records.slice(-recordsAtMost)
    for (const follower of followers) follower(record)
    exporter?.log(record)
  }
  let attached: Log | undefined
  let detach = () => {}
  const applyLevels = () => {
    if (attached) logControlOf(attached)?.setLevels(configuration.get('telemetry').levels)
  }
  const unwatch = configuration.watch(() => {
    const now = configuration.get('telemetry')
    tracer.configure({ share: now.sampling, slowMs: now.slowMs })
    applyLevels()
  })

  const unwarn =
    configuration.environment === 'development'
      ? tracer.onCompleted(slowWarning(tracer, clock, () => attached))
      : () => {}

  return {
    tracer,
    telemetry,
    recentLogs: () => records.slice(-recordsAtMost),
    followLogs: (signal) => follow(followers, signal),
    attach(log) {
      if (log === attached) return
      detach()
      attached = log
      detach = logControlOf(log)?.onRecord(take) ?? (() => {})
      applyLevels()
    },
    async close() {
      unwatch()
      unwarn()
      detach()
      await exporter?.close()
    },
  }
}

const warnedOfAtMost = 1_000
const warnEveryMs = 10_000

/** Warns of what is slow, each name once in ten seconds, so that a developer sees it without looking for it. */
function slowWarning(tracer: Tracer, clock: Clock, log: () => Log | undefined): (segment: TraceSegment) => void {
  const warnedAt = new Map<string, number>()
  return ({ spans, traceId }) => {
    for (const span of spans) {
      const { name, durationMs } = span
      if (durationMs < tracer.slowMs || span.record().attributes[streamAttribute] === true) continue
      const now = clock.monotonic()
      if (now - (warnedAt.get(name) ?? Number.NEGATIVE_INFINITY) < warnEveryMs) continue
      if (warnedAt.size >= warnedOfAtMost) warnedAt.clear()
      warnedAt.set(name, now)
      log()?.warn('An operation was slow', { operation: name, durationMs: Math.round(durationMs), traceId })
    }
  }
}

async function* follow(followers: Set<(record: LogRecord) => void>, signal: AbortSignal): AsyncGenerator<LogRecord> {
  const waiting: LogRecord[] = []
  let wake = () => {}
  const add = (record: LogRecord) => {
    waiting.push(record)
    if (waiting.length > recordsAtMost) waiting.shift()
    wake()
  }
  const end = () => wake()
  followers.add(add)
  signal.addEventListener('abort', end)
  try {
    while (!signal.aborted) {
      const next = waiting.shift()
      if (next) yield next
      else await new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    followers.delete(add)
    signal.removeEventListener('abort', end)
  }
}

/** An exporter when an endpoint is configured, or given in OpenTelemetry's own variables. */
function exporterOf(
  system: System,
  configuration: SystemConfiguration,
  environment: ConfigVariables,
  parts: { readonly tracer: Tracer; readonly metrics: Metrics; readonly clock: Clock },
): OtlpExporter | undefined {
  const { otlp } = configuration.get('telemetry')
  const endpoint = otlp.endpoint ?? (environment['OTEL_EXPORTER_OTLP_ENDPOINT'] || undefined)
  if (endpoint === undefined || environment['OTEL_SDK_DISABLED'] === 'true') return undefined
  return startOtlpExporter({
    ...parts,
    endpoint,
    headers: { ...headersIn(environment['OTEL_EXPORTER_OTLP_HEADERS']), ...otlp.headers },
    metricsEveryMs: otlp.metricsEveryMs,
    resource: {
      [semanticConventions.serviceName]: environment['OTEL_SERVICE_NAME'] || system.name,
      [semanticConventions.serviceVersion]: system.version,
    },
  })
}

/** `key=value,key2=value2`, values percent-encoded; what is malformed is left out. */
function headersIn(text: string | undefined): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const pair of (text ?? '').split(',')) {
    const [, key = '', value = ''] = /^\s*([\w-]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? []
    if (key === '') continue
    try {
      headers[key.toLowerCase()] = decodeURIComponent(value)
    } catch {
      // A broken encoding is as good as no header.
    }
  }
  return headers
}

function countSpans(metrics: Metrics, tracer: Tracer, exporter: OtlpExporter | undefined): void {
  const spans = metrics.counter({ name: 'keelson_spans_total', help: 'Spans by what became of them', labels: ['fate'] })
  for (const fate of ['ended', 'late', 'dropped'] as const) spans.cell({ fate }).readFrom(() => tracer.counts[fate])
  if (!exporter) return
  const exported = metrics.counter({
    name: 'keelson_otlp_rows_total',
    help: 'Spans, log records and metric snapshots for the collector',
    labels: ['fate'],
  })
  for (const fate of ['sent', 'dropped'] as const) exported.cell({ fate }).readFrom(() => exporter.counts[fate])
}

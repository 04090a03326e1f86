/**
 * Sends traces, metrics and logs to an OpenTelemetry collector over OTLP/HTTP. Whoever produces telemetry only puts it into a queue of fixed
 * size; one request per signal is under way at a time, and an endpoint that hangs, fails or is gone costs what finds no room, never a call.
 */
import { type Clock, systemClock, withoutCredentials } from '@keelson/kernel'
import { telemetryErrors } from '../errors.ts'
import type { LogRecord } from '../log/record.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { SpanRecord } from '../tracing/span.ts'
import type { Tracer } from '../tracing/tracer.ts'
import { logsRequest, metricsRequest, type Resource, tracesRequest } from './otlp-json.ts'
import { OtlpQueue, type OtlpQueueOptions } from './otlp-queue.ts'

export interface OtlpExporterOptions extends OtlpQueueOptions {
  /** Base address of the collector, such as `http://127.0.0.1:4318`; `/v1/traces`, `/v1/metrics` and `/v1/logs` are added to it. */
  readonly endpoint: string
  readonly headers?: Readonly<Record<string, string>>
  /** `service.name` must be in it. */
  readonly resource: Resource
  readonly tracer?: Tracer
  readonly metrics?: Metrics
  /** How often metrics are sent; every 60 s by default. */
  readonly metricsEveryMs?: number
  readonly clock?: Clock
  /** Sends one request; `fetch` by default. */
  readonly send?: typeof fetch
}

export interface OtlpCounts {
  /** Spans, log records and metric snapshots that a collector took. */
  readonly sent: number
  readonly dropped: number
  readonly failedRequests: number
}

export interface OtlpExporter {
  /** Takes a log record; never waits. */
  log(record: LogRecord): void
  readonly counts: OtlpCounts
  /** Sends what is there, metrics included, for at most the time of one request. */
  flush(): Promise<void>
  /** Sends what is there, with one attempt and for at most 3 s, and ends. Safe to repeat. */
  close(): Promise<void>
}

/**
 * Starts to export. Rows wait for at most `everyMs` or until a batch is full. Requests that fail in a way that may pass (no connection, a
 * timeout, 408, 429, 502, 503, 504) are repeated with growing pauses, `Retry-After` respected; others are given up. Throws
 * TELEMETRY_ENDPOINT_INVALID.
 */
export function startOtlpExporter(options: OtlpExporterOptions): OtlpExporter {
  const { tracer, metrics, resource, clock = systemClock, metricsEveryMs = 60_000 } = options
  if (!/^https?:$/.test(URL.parse(options.endpoint)?.protocol ?? ''))
    throw telemetryErrors.TELEMETRY_ENDPOINT_INVALID({ endpoint: withoutCredentials(options.endpoint) })
  const startMs = clock.now()
  const base = options.endpoint.replace(/\/+$/, '')
  const queue = <Row>(path: string, body: (rows: readonly Row[]) => object) =>
    new OtlpQueue<Row>(`${base}${path}`, body, { ...options, clock })
  const spans = queue<SpanRecord>('/v1/traces', (rows) => tracesRequest(resource, rows))
  const logs = queue<LogRecord>('/v1/logs', (rows) => logsRequest(resource, rows))
  // A snapshot that could not be sent is overtaken by the next: counters are cumulative.
  const points = new OtlpQueue<object>(`${base}/v1/metrics`, ([last]) => last ?? {}, {
    ...options,
    clock,
    queued: 1,
    batch: 1,
  })
  const queues = [spans, logs, points]
  const ending = new AbortController()

  const stopListening = tracer?.onCompleted((segment) => {
    for (const span of segment.spans) spans.add(span.record())
  })
  const measure = () => {
    if (metrics) points.add(metricsRequest(resource, metrics.collect(), startMs, clock.now()))
  }
  void (async () => {
    while (!ending.signal.aborted) {
      await clock.sleep(metricsEveryMs, ending.signal)
      measure()
    }
  })().catch(() => {})

  const flush = async () => {
    measure()
    await Promise.all(queues.map((one) => one.flush()))
  }
  let closing: Promise<void> | undefined
  return {
    log: (record) => logs.add(record),
    get counts() {
      const total = (of: keyof OtlpCounts) => queues.reduce((sum, { counts }) => sum + counts[of], 0)
      return { sent: total('sent'), dropped: total('dropped'), failedRequests: total('failedRequests') }
    },
    flush,
    close() {
      closing ??= (async () => {
        stopListening?.()
        ending.abort()
        measure()
        await Promise.all(queues.map((one) => one.close()))
      })()
      return closing
    },
  }
}

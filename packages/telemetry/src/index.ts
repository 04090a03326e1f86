export { telemetryErrors } from './errors.ts'
export {
  type OtlpCounts,
  type OtlpExporter,
  type OtlpExporterOptions,
  startOtlpExporter,
} from './exporters/otlp-exporter.ts'
export type { Resource } from './exporters/otlp-json.ts'
export type { OtlpQueueOptions } from './exporters/otlp-queue.ts'
export { type ConsoleLogOptions, createConsoleLog } from './log/console-log.ts'
export { createInMemoryLog, type InMemoryLog } from './log/in-memory-log.ts'
export { Log, type LogFields, type LogLevel, logLevels } from './log/log.ts'
export { drained, type LogStream } from './log/log-stream.ts'
export { type LogControl, type LogOptions, type LogSink, logControlOf, logTo } from './log/log-to.ts'
export type { LogRecord, SafeFields } from './log/record.ts'
export type { CounterCell, Exemplar, GaugeCell, HistogramCell } from './metrics/cells.ts'
export {
  type CounterDefinition,
  durationBuckets,
  type GaugeDefinition,
  type HistogramDefinition,
} from './metrics/definition.ts'
export type { LabelSet } from './metrics/family.ts'
export {
  createMetrics,
  type Distribution,
  type HistogramSnapshot,
  type LabelValues,
  type Metric,
  type MetricSnapshot,
  type Metrics,
  type NumberSnapshot,
} from './metrics/metrics.ts'
export { exportMetrics, type MetricFormat, metricFormats } from './metrics/metrics-text.ts'
export { answerToScrape, openMetricsContentType, openMetricsText } from './metrics/open-metrics-text.ts'
export { registerProcessMetrics } from './metrics/process-metrics.ts'
export { prometheusContentType, prometheusText } from './metrics/prometheus-text.ts'
export type { Aggregate, SeriesAggregate } from './metrics/recent-points.ts'
export { semanticConventions } from './semantic-conventions.ts'
export { createTelemetry, type RecordedMetric, Telemetry, type TelemetryOptions } from './telemetry.ts'
export {
  type AttributeValue,
  Span,
  type SpanAttributes,
  type SpanEvent,
  type SpanKind,
  type SpanLink,
  type SpanRecord,
  type SpanStatus,
} from './tracing/span.ts'
export { TraceBuffer, type TraceBufferOptions, type TraceQuery, type TraceSummary } from './tracing/trace-buffer.ts'
export { parseTraceContext, traceHeaders, traceparentOf } from './tracing/trace-context.ts'
export type { Random } from './tracing/trace-ids.ts'
export type { TraceSegment } from './tracing/trace-segment.ts'
export { type Sampling, Tracer, type TracerCounts, type TracerOptions } from './tracing/tracer.ts'

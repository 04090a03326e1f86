/** What `keelson metrics`, `keelson trace` and `keelson logs` ask a running system. */
import { exportMetrics, type MetricFormat, type Metrics, metricFormats, telemetryErrors } from '@keelson/telemetry'
import { servicesErrors } from '../errors.ts'
import { answerEvents, answerEventsHead } from '../listener/event-stream.ts'
import { answerJson, answerText, type Exchange } from '../listener/exchange.ts'
import type { Routed } from './system-key.ts'
import type { SystemTelemetry } from './system-telemetry.ts'

const contentTypes: Readonly<Record<MetricFormat, string>> = {
  prometheus: 'text/plain; charset=utf-8',
  json: 'application/json; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
}

export function addTelemetryRoutes(listener: Routed, metrics: Metrics, telemetry: SystemTelemetry): void {
  listener.route('GET', '/system/metrics', (exchange) => {
    const given = exchange.query.get('format') ?? 'prometheus'
    const format = metricFormats.find((one) => one === given)
    if (!format) throw telemetryErrors.TELEMETRY_FORMAT_UNKNOWN({ format: given, formats: metricFormats })
    answerText(exchange, 200, contentTypes[format], exportMetrics(metrics, format))
  })
  listener.route('GET', '/system/traces', (exchange) =>
    answerJson(exchange, 200, {
      traces: telemetry.tracer.traces.list({
        limit: numberOf(exchange, 'limit', 50),
        atLeastMs: numberOf(exchange, 'atLeastMs', 0),
        failedOnly: exchange.query.get('failedOnly') === 'true',
      }),
    }),
  )
  listener.route('GET', '/system/traces/{traceId}', (exchange) => {
    const traceId = exchange.parameters['traceId'] ?? ''
    const spans = telemetry.tracer.traces.get(traceId)
    if (!spans) throw servicesErrors.TRACE_UNKNOWN({ traceId })
    answerJson(exchange, 200, { traceId, spans })
  })
  listener.route('GET', '/system/logs', async (exchange) => {
    if (exchange.query.get('follow') !== 'true') {
      answerJson(exchange, 200, { records: telemetry.recentLogs() })
      return
    }
    const signal = AbortSignal.any([exchange.call.signal, exchange.closing])
    if (exchange.method === 'HEAD') answerEventsHead(exchange)
    else await answerEvents(exchange, telemetry.followLogs(signal))
  })
}

function numberOf({ query }: Exchange, name: string, otherwise: number): number {
  const text = query.get(name)
  if (text === null) return otherwise
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw servicesErrors.REQUEST_MALFORMED({ reason: `the parameter "${name}" is no number from 0 on` })
  return value
}

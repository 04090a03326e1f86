/**
 * Counts and times the calls of each operation in typed cells, bound once, so that a call pays for two clock reads and one record; those of recorded
 * traces, and those that failed or were slow, become spans.
 */
import type { Clock, OperationMetrics } from '@keelson/kernel'
import { isFailure } from '@keelson/resilience'
import type { Metrics, Span, Tracer } from '@keelson/telemetry'
import { streamAttribute } from '../listener/request-span.ts'
import type { Instrument } from './call-plan.ts'

/** An instrument that can also be read. */
export interface OperationInstrument extends Instrument {
  read(): OperationMetrics
}

/** Makes the instrument of an operation; all share one histogram. */
export function operationInstruments(
  metrics: Metrics,
  clock: Clock,
  tracer: Tracer | undefined,
): (service: string, operation: string) => OperationInstrument {
  const durations = metrics.histogram({
    name: 'keelson_operation_duration_seconds',
    help: 'Time from call to answer, as the caller sees it',
    unit: 'seconds',
    labels: ['service', 'operation', 'outcome'],
  })
  return (service, operation) => {
    const answered = durations.cell({ service, operation, outcome: 'answered' })
    const failed = durations.cell({ service, operation, outcome: 'failed' })
    let calls = 0
    let failures = 0
    const name = `${service}.${operation}`
    const record = (startedMs: number, endedMs: number, hasFailed: boolean, span?: Span) => {
      calls++
      if (hasFailed) failures++
      const cell = hasFailed ? failed : answered
      const seconds = (endedMs - startedMs) / 1000
      if (span) cell.record(seconds, span, clock.now())
      else cell.record(seconds)
    }
    return {
      now: () => clock.monotonic(),
      begin: (call, startedMs) => tracer?.begin(name, 'internal', call.trace, startedMs),
      ended(call, span, startedMs, error) {
        const endedMs = clock.monotonic()
        record(startedMs, endedMs, error !== undefined, span)
        if (!tracer) return
        // What a caller did wrong says nothing of the operation.
        const failure = error !== undefined && isFailure(error) ? error : undefined
        if (span) span.end(failure, endedMs)
        else if (failure !== undefined || endedMs - startedMs >= tracer.slowMs)
          tracer.late(name, 'internal', call.trace, startedMs, endedMs, failure)
      },
      settled(call, span, startedMs, error) {
        const endedMs = clock.monotonic()
        record(startedMs, endedMs, error !== undefined, span)
        const failure = error !== undefined && isFailure(error) ? error : undefined
        span?.set(streamAttribute, true)
        if (span) span.end(failure, endedMs)
        else if (failure !== undefined)
          tracer?.late(name, 'internal', call.trace, startedMs, endedMs, failure, { [streamAttribute]: true })
      },
      read: () => ({ calls, failures }),
    }
  }
}

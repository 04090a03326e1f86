/** Counts and times the calls of each operation in typed cells, bound once, so that a call pays for two clock reads and one record. */
import type { Clock } from '@keelson/kernel'
import type { Metrics } from '@keelson/telemetry'
import type { OperationMetrics } from './facade.ts'
import type { Instrument } from './pipeline.ts'

/** An instrument that can also be read. */
export interface OperationInstrument extends Instrument {
  read(): OperationMetrics
}

/** Makes the instrument of an operation; all share one histogram. */
export function operationInstruments(
  metrics: Metrics,
  clock: Clock,
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
    return {
      now: () => clock.monotonic(),
      settled(startedMs, hasFailed) {
        calls++
        if (hasFailed) failures++
        const cell = hasFailed ? failed : answered
        cell.record((clock.monotonic() - startedMs) / 1000)
      },
      read: () => ({ calls, failures }),
    }
  }
}

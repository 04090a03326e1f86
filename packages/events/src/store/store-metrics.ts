/** What a store tells about itself: what was appended, how long that took, and what was refused or failed. */
import { type Clock, isError } from '@keelson/kernel'
import type { Metrics } from '@keelson/telemetry'
import type { Appended } from './event-store.ts'

/** Measures an append; its outcome is passed on. */
export type MeasureAppend = (events: number, work: () => Promise<readonly Appended[]>) => Promise<readonly Appended[]>

export function measureAppends(metrics: Metrics, log: string, clock: Clock): MeasureAppend {
  const labels = ['log'] as const
  const appended = metrics
    .counter({ name: 'keelson_events_appended_total', help: 'Events appended', labels })
    .cell({ log })
  const took = metrics
    .histogram({
      name: 'keelson_events_append_seconds',
      help: 'From the call of an append to its outcome',
      unit: 'seconds',
      labels,
    })
    .cell({ log })
  const refused = metrics.counter({
    name: 'keelson_events_append_failures_total',
    help: 'Appends that were refused or failed',
    labels: ['log', 'code'],
  })
  return async (events, work) => {
    const began = clock.monotonic()
    try {
      const outcome = await work()
      appended.add(events)
      return outcome
    } catch (error) {
      refused.cell({ log, code: isError(error) ? error.code : 'INTERNAL' }).add()
      throw error
    } finally {
      took.record((clock.monotonic() - began) / 1_000)
    }
  }
}

/** What processes tell about themselves: steps and how long they take, how instances end, how late they go on, and how many are under way. */
import type { Metrics } from '@keelson/telemetry'
import type { ProcessStatus } from './process-tables.ts'

export interface ProcessMetrics {
  /** One try of a step. */
  stepped(process: string, outcome: 'done' | 'failed', tookMs: number): void
  /** An instance was taken up that had something to do since then. */
  taken(process: string, lateMs: number): void
  /** An instance has ended, or is parked. */
  ended(process: string, status: ProcessStatus): void
}

/** @param running how many instances this program works on. */
export function processMetrics(metrics: Metrics, running: () => number): ProcessMetrics {
  const steps = metrics.histogram({
    name: 'keelson_process_step_seconds',
    help: 'Time a try of a step takes',
    unit: 'seconds',
    labels: ['process', 'outcome'],
  })
  const lateness = metrics.histogram({
    name: 'keelson_process_lateness_seconds',
    help: 'From when an instance had something to do until it was taken up',
    unit: 'seconds',
    labels: ['process'],
  })
  const ended = metrics.counter({
    name: 'keelson_process_ended_total',
    help: 'Instances that have ended or were parked',
    labels: ['process', 'status'],
  })
  metrics.gauge({ name: 'keelson_process_running', help: 'Instances that are worked on now' }).cell().readFrom(running)
  return {
    stepped: (process, outcome, tookMs) => steps.cell({ process, outcome }).record(tookMs / 1_000),
    taken: (process, lateMs) => lateness.cell({ process }).record(Math.max(0, lateMs) / 1_000),
    ended: (process, status) => ended.cell({ process, status }).add(),
  }
}

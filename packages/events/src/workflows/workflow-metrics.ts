/** What workflows tell about themselves: steps and how long they take, how instances end, how late they go on, and how many are under way. */
import type { Metrics } from '@keelson/telemetry'
import type { WorkflowStatus } from './workflow-tables.ts'

export interface WorkflowMetrics {
  /** One try of a step. */
  stepped(workflow: string, outcome: 'done' | 'failed', tookMs: number): void
  /** An instance was taken up that had something to do since then. */
  taken(workflow: string, lateMs: number): void
  /** An instance has ended, or is parked. */
  ended(workflow: string, status: WorkflowStatus): void
}

/** @param running how many instances this program works on. */
export function workflowMetrics(metrics: Metrics, running: () => number): WorkflowMetrics {
  const steps = metrics.histogram({
    name: 'keelson_workflow_step_seconds',
    help: 'Time a try of a step takes',
    unit: 'seconds',
    labels: ['workflow', 'outcome'],
  })
  const lateness = metrics.histogram({
    name: 'keelson_workflow_lateness_seconds',
    help: 'From when an instance had something to do until it was taken up',
    unit: 'seconds',
    labels: ['workflow'],
  })
  const ended = metrics.counter({
    name: 'keelson_workflow_ended_total',
    help: 'Instances that have ended or were parked',
    labels: ['workflow', 'status'],
  })
  metrics.gauge({ name: 'keelson_workflow_running', help: 'Instances that are worked on now' }).cell().readFrom(running)
  return {
    stepped: (workflow, outcome, tookMs) => steps.cell({ workflow, outcome }).record(tookMs / 1_000),
    taken: (workflow, lateMs) => lateness.cell({ workflow }).record(Math.max(0, lateMs) / 1_000),
    ended: (workflow, status) => ended.cell({ workflow, status }).add(),
  }
}

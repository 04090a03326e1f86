/** What is written down of an instance: events of a stream of its own, which projections may read like any other. */
import { isError, type Json, type KeelsonError } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import type { RecordedEvent } from '../store/event.ts'
import type { Instance } from './instance-names.ts'

/** An error as it is kept: what the code sees again when it is run again. */
export interface KeptError {
  readonly code: string | null
  readonly message: string
}

export interface Journal {
  WorkflowStarted: { readonly version: number; readonly input: unknown; readonly parent: ParentStep | null }
  WorkflowStepCompleted: { readonly key: string; readonly result: unknown }
  /** Without `retryAt` it was the last try. */
  WorkflowStepFailed: {
    readonly key: string
    readonly attempt: number
    readonly error: KeptError
    readonly retryAt: number | null
  }
  WorkflowTimerSet: { readonly key: string; readonly at: number }
  WorkflowTimerFired: { readonly key: string }
  WorkflowWaitBegun: { readonly key: string; readonly until: number }
  WorkflowWaitTimedOut: { readonly key: string }
  WorkflowSignalReceived: { readonly name: string; readonly value: unknown }
  WorkflowChildStarted: { readonly key: string; readonly workflow: string; readonly id: string }
  WorkflowChildEnded: { readonly key: string; readonly outcome: Outcome }
  WorkflowCancelRequested: { readonly reason: string }
  WorkflowCompleted: { readonly output: unknown }
  WorkflowFailed: { readonly error: KeptError }
  WorkflowCancelled: { readonly reason: string }
}

/** The step of another workflow that waits for this one. */
export interface ParentStep {
  readonly workflow: string
  readonly id: string
  readonly key: string
}

export type Outcome =
  | { readonly status: 'completed'; readonly output: unknown }
  | { readonly status: 'failed'; readonly error: KeptError }
  | { readonly status: 'cancelled'; readonly reason: string }

export type JournalType = keyof Journal

export type JournalEvent = { [Type in JournalType]: { readonly type: Type; readonly data: Journal[Type] } }[JournalType]

/** A record of a journal as it is read today; of those written when workflows were called processes too. */
export function journalEventOf({ type, data }: Pick<RecordedEvent, 'type' | 'data'>): JournalEvent {
  const isFormer = type.startsWith(formerPrefix)
  // Only runs and tables write to the streams of workflows.
  return {
    type: isFormer ? type.replace(formerPrefix, 'Workflow') : type,
    data: isFormer ? renamed(data) : data,
  } as JournalEvent
}

const formerPrefix = 'Process'

/** The workflow of a child, and that of a parent, were kept under another name. */
function renamed(data: unknown): unknown {
  const { process: workflow, parent, ...rest } = Object(data)
  return { ...rest, ...(workflow === undefined ? {} : { workflow }), ...(parent ? { parent: renamed(parent) } : {}) }
}

export function kept(error: unknown): KeptError {
  return {
    code: isError(error) ? error.code : null,
    message: (error instanceof Error ? error.message : String(error)).slice(0, 2_000),
  }
}

/** What the code catches when a step has failed for good. The code and message are those of the last try. */
export function stepError(step: string, { code, message }: KeptError): KeelsonError {
  return eventsErrors.WORKFLOW_STEP_FAILED({ step, code, reason: message })
}

/** The event that tells how an instance ended. */
export function endOf(outcome: Outcome): JournalEvent {
  if (outcome.status === 'completed') return { type: 'WorkflowCompleted', data: { output: outcome.output } }
  if (outcome.status === 'failed') return { type: 'WorkflowFailed', data: { error: outcome.error } }
  return { type: 'WorkflowCancelled', data: { reason: outcome.reason } }
}

/** How an instance ended; undefined for a record that tells of something else. */
export function outcomeOf({ type, data }: JournalEvent): Outcome | undefined {
  if (type === 'WorkflowCompleted') return { status: 'completed', output: data.output }
  if (type === 'WorkflowFailed') return { status: 'failed', error: data.error }
  return type === 'WorkflowCancelled' ? { status: 'cancelled', reason: data.reason } : undefined
}

/** What waits for an instance that ended gets, or is refused with. */
export function resultOf({ workflow, id }: Instance, outcome: Outcome): unknown {
  if (outcome.status === 'completed') return outcome.output
  if (outcome.status === 'failed')
    throw eventsErrors.WORKFLOW_FAILED({ workflow, id, code: outcome.error.code, reason: outcome.error.message })
  throw eventsErrors.WORKFLOW_CANCELLED({ workflow, id, reason: outcome.reason })
}

/** JSON as it will be read again; what has none is refused when it is written. */
export function asJson(value: unknown): Json {
  return value === undefined ? null : JSON.parse(JSON.stringify(value))
}

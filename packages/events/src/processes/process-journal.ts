/** What is written down of an instance: events of a stream of its own, which projections may read like any other. */
import { isError, type Json, type KeelsonError } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'

/** An error as it is kept: what the code sees again when it is run again. */
export interface KeptError {
  readonly code: string | null
  readonly message: string
}

export interface Journal {
  ProcessStarted: { readonly version: number; readonly input: unknown; readonly parent: ParentStep | null }
  ProcessStepCompleted: { readonly key: string; readonly result: unknown }
  /** Without `retryAt` it was the last try. */
  ProcessStepFailed: {
    readonly key: string
    readonly attempt: number
    readonly error: KeptError
    readonly retryAt: number | null
  }
  ProcessTimerSet: { readonly key: string; readonly at: number }
  ProcessTimerFired: { readonly key: string }
  ProcessWaitBegun: { readonly key: string; readonly until: number }
  ProcessWaitTimedOut: { readonly key: string }
  ProcessSignalReceived: { readonly name: string; readonly value: unknown }
  ProcessChildStarted: { readonly key: string; readonly process: string; readonly id: string }
  ProcessChildEnded: { readonly key: string; readonly outcome: Outcome }
  ProcessCancelRequested: { readonly reason: string }
  ProcessCompleted: { readonly output: unknown }
  ProcessFailed: { readonly error: KeptError }
  ProcessCancelled: { readonly reason: string }
}

/** The step of another process that waits for this one. */
export interface ParentStep {
  readonly process: string
  readonly id: string
  readonly key: string
}

export type Outcome =
  | { readonly status: 'completed'; readonly output: unknown }
  | { readonly status: 'failed'; readonly error: KeptError }
  | { readonly status: 'cancelled'; readonly reason: string }

export type JournalType = keyof Journal

export type JournalEvent = { [Type in JournalType]: { readonly type: Type; readonly data: Journal[Type] } }[JournalType]

export function streamOf(process: string, id: string): string {
  return `process-${process}-${id}`
}

export function kept(error: unknown): KeptError {
  return {
    code: isError(error) ? error.code : null,
    message: (error instanceof Error ? error.message : String(error)).slice(0, 2_000),
  }
}

/** What the code catches when a step has failed for good. The code and message are those of the last try. */
export function stepError(step: string, { code, message }: KeptError): KeelsonError {
  return eventsErrors.PROCESS_STEP_FAILED({ step, code, reason: message })
}

/** The event that tells how an instance ended. */
export function endOf(outcome: Outcome): JournalEvent {
  if (outcome.status === 'completed') return { type: 'ProcessCompleted', data: { output: outcome.output } }
  if (outcome.status === 'failed') return { type: 'ProcessFailed', data: { error: outcome.error } }
  return { type: 'ProcessCancelled', data: { reason: outcome.reason } }
}

/** How an instance ended, from the event that tells it. */
export function outcomeOf(type: string, data: unknown): Outcome {
  const given = Object(data)
  if (type === 'ProcessCompleted') return { status: 'completed', output: given.output }
  if (type === 'ProcessFailed') return { status: 'failed', error: given.error }
  return { status: 'cancelled', reason: String(given.reason) }
}

/** What waits for an instance that ended gets, or is refused with. */
export function resultOf(process: string, id: string, outcome: Outcome): unknown {
  if (outcome.status === 'completed') return outcome.output
  if (outcome.status === 'failed')
    throw eventsErrors.PROCESS_FAILED({ process, id, code: outcome.error.code, reason: outcome.error.message })
  throw eventsErrors.PROCESS_CANCELLED({ process, id, reason: outcome.reason })
}

/** JSON as it will be read again; what has none is refused when it is written. */
export function asJson(value: unknown): Json {
  return value === undefined ? null : JSON.parse(JSON.stringify(value))
}

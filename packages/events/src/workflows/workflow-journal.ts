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
  /** Without `result` when the step gave none. */
  WorkflowStepCompleted: { readonly key: string; readonly result?: unknown }
  /** Without `retryAt` it was the last try. */
  WorkflowStepFailed: {
    readonly key: string
    readonly attempt: number
    readonly error: KeptError
    readonly retryAt: number | null
  }
  WorkflowTimerSet: { readonly key: string; readonly at: number }
  WorkflowTimerFired: { readonly key: string }
  WorkflowWaitBegun: { readonly key: string; readonly until: number | null }
  WorkflowWaitTimedOut: { readonly key: string }
  WorkflowSignalReceived: { readonly name: string; readonly value: unknown }
  /** The signal of that version of the journal does not fit what waits for it. */
  WorkflowSignalRefused: { readonly key: string; readonly signal: number; readonly reason: string }
  WorkflowChildStarted: { readonly key: string; readonly workflow: string; readonly id: string }
  WorkflowChildEnded: { readonly key: string; readonly outcome: Outcome }
  WorkflowCancelRequested: { readonly reason: string }
  WorkflowCompleted: { readonly output?: unknown }
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
  | { readonly status: 'completed'; readonly output?: unknown }
  | { readonly status: 'failed'; readonly error: KeptError }
  | { readonly status: 'cancelled'; readonly reason: string }

export type JournalType = keyof Journal

export type JournalEvent = { [Type in JournalType]: { readonly type: Type; readonly data: Journal[Type] } }[JournalType]

/** Something that a function waits for, or has declared: `step charge`, `patch new-prices`. */
export type Asked = `${AskedKind | 'patch'} ${string}`

export type AskedKind = 'step' | 'timer' | 'wait' | 'child'

/** What is kept beside a record. */
export interface RecordNotes {
  /** Milliseconds since 1970, by the database's clock. */
  readonly at: number
  /** What the function had asked for by then, beyond what earlier records tell. */
  readonly asked?: readonly Asked[]
}

/** A record as a run reads it. */
export interface JournalRecord {
  /** 1 for the beginning. */
  readonly version: number
  readonly at: number
  readonly asked: readonly Asked[]
  readonly event: JournalEvent
}

const formerPrefix = 'Process'
const longestText = 2_000

/** A run says when it wrote; what comes from outside has the time of the database. */
export function recordOf({ version, type, data, metadata, recordedAt }: RecordedEvent): JournalRecord {
  const { at = recordedAt.getTime(), asked = [] } = metadata
  // Only runs and tables write to the streams of workflows.
  return { version, at: Number(at), asked: asked as readonly Asked[], event: journalEventOf({ type, data }) }
}

/** A record of a journal as it is read today; of those written when workflows were called processes too. */
export function journalEventOf({ type, data }: Pick<RecordedEvent, 'type' | 'data'>): JournalEvent {
  const isFormer = type.startsWith(formerPrefix)
  // As above.
  return {
    type: isFormer ? type.replace(formerPrefix, 'Workflow') : type,
    data: isFormer ? renamed(data) : data,
  } as JournalEvent
}

/** The workflow of a child, and that of a parent, had another name; a step that gave nothing was kept as one that gave null. */
function renamed(data: unknown): unknown {
  const { process: workflow, parent, result, ...rest } = Object(data)
  return {
    ...rest,
    ...(workflow === undefined ? {} : { workflow }),
    ...(parent ? { parent: renamed(parent) } : {}),
    ...(result === undefined || result === null ? {} : { result }),
  }
}

/** What the function must have asked for before this was written; undefined for what came from outside. */
export function askedIn({ type, data }: JournalEvent): Asked | undefined {
  switch (type) {
    case 'WorkflowStepCompleted':
    case 'WorkflowStepFailed':
      return `step ${data.key}`
    case 'WorkflowTimerSet':
    case 'WorkflowTimerFired':
      return `timer ${data.key}`
    case 'WorkflowWaitBegun':
    case 'WorkflowWaitTimedOut':
    case 'WorkflowSignalRefused':
      return `wait ${data.key}`
    case 'WorkflowChildStarted':
    case 'WorkflowChildEnded':
      return `child ${data.key}`
    default:
      return undefined
  }
}

export function kept(error: unknown): KeptError {
  return {
    code: isError(error) ? error.code : null,
    message: storable(error instanceof Error ? error.message : String(error)),
  }
}

/** Text that any column takes, whatever it quotes: without NUL and lone surrogates, and not without end. */
export function storable(text: string): string {
  return text.slice(0, longestText).toWellFormed().replaceAll('\0', '\uFFFD')
}

/** What the code catches when a step has failed for good. The code and message are those of the last try. */
export function stepError(step: string, { code, message }: KeptError): KeelsonError {
  return eventsErrors.WORKFLOW_STEP_FAILED({
    step,
    code: code?.replace(/^PROCESS_/, 'WORKFLOW_') ?? null,
    reason: message,
  })
}

/** The event that tells how an instance ended. */
export function endOf(outcome: Outcome): JournalEvent {
  if (outcome.status === 'completed')
    return { type: 'WorkflowCompleted', data: 'output' in outcome ? { output: outcome.output } : {} }
  if (outcome.status === 'failed') return { type: 'WorkflowFailed', data: { error: outcome.error } }
  return { type: 'WorkflowCancelled', data: { reason: outcome.reason } }
}

/** How an instance ended; undefined for a record that tells of something else. */
export function outcomeOf({ type, data }: JournalEvent): Outcome | undefined {
  if (type === 'WorkflowCompleted') return { status: 'completed', ...data }
  if (type === 'WorkflowFailed') return { status: 'failed', error: data.error }
  return type === 'WorkflowCancelled' ? { status: 'cancelled', reason: data.reason } : undefined
}

/** How an instance ended, from its journal, which may go on with records of steps that nobody waited for. */
export function outcomeIn(records: readonly Pick<JournalRecord, 'event'>[]): Outcome | undefined {
  return records.map(({ event }) => outcomeOf(event)).find((outcome) => outcome !== undefined)
}

/** What waits for an instance that ended gets, or is refused with. */
export function resultOf({ workflow, id }: Instance, outcome: Outcome): unknown {
  if (outcome.status === 'completed') return outcome.output
  if (outcome.status === 'failed')
    throw eventsErrors.WORKFLOW_FAILED({ workflow, id, code: outcome.error.code, reason: outcome.error.message })
  throw eventsErrors.WORKFLOW_CANCELLED({ workflow, id, reason: outcome.reason })
}

/**
 * Rejects what would be read back as something else. Throws WORKFLOW_VALUE_INVALID with the place.
 *
 * @param what says in the error what the value is of: `the result of step "charge"`
 */
export function requireJson(what: string, value: unknown): Json {
  requirePlain(what, '', value, new Set())
  // It has just been looked through.
  return value as Json
}

function requirePlain(what: string, path: string, value: unknown, above: Set<object>): void {
  const refused = (found: string) => eventsErrors.WORKFLOW_VALUE_INVALID({ what, path, found })
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw refused(String(value))
    return
  }
  if (typeof value !== 'object') throw refused(`a value of type ${typeof value}`)
  const prototype = Object.getPrototypeOf(value)
  const isPlain = Array.isArray(value) || prototype === Object.prototype || prototype === null
  if (!isPlain) throw refused(`a ${prototype?.constructor?.name || 'class instance'}`)
  if (above.has(value)) throw refused('a part that contains itself')
  above.add(value)
  for (const [name, part] of Object.entries(value))
    requirePlain(what, path === '' ? name : `${path}.${name}`, part, above)
  above.delete(value)
}

/**
 * What a workflow is: a plain async function whose steps are written down. When the program ends in the middle, or waits for days, the function is
 * run again from its start, and what it has done already is answered from its journal, until it is where it was. So it must decide by
 * nothing but its input and what its steps gave: no clock, no randomness, no request outside a step.
 */
import type { Given, Parsed, Queryable, Schema } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import type { EventIn, EventTypes } from '../event-types.ts'
import type { RecordedEvent } from '../store/event.ts'

export interface WorkflowDefinition<Input extends Schema = Schema, Output = unknown> {
  readonly name: string
  /** Of the function. Instances go on with the version they began with: keep the old one registered until its instances have ended. */
  readonly version: number
  readonly input: Input
  /** Runs many times; what it awaits is of `workflow`. What it returns is JSON. */
  readonly run: (workflow: WorkflowContext, input: Parsed<Input>) => Promise<Output>
  /** Events that begin and signal instances. */
  readonly startedBy?: StartedBy | undefined
  /** Instances of it that a program works on at once; slow ones hold up no other workflow. Default: what `startWorkflows` is given. */
  readonly concurrency?: number | undefined
}

/** Types are erased: what runs workflows holds many. */
export type Workflow = Pick<WorkflowDefinition, 'name' | 'version' | 'input' | 'startedBy' | 'concurrency'> & {
  readonly run: (workflow: WorkflowContext, input: never) => Promise<unknown>
}

/** What an event does: begins an instance, signals one, or both; the same id twice begins one. */
export type Begin =
  | { readonly id: string; readonly input: unknown; readonly signal?: BeginSignal }
  | { readonly id: string; readonly signal: BeginSignal }
  | { readonly id?: undefined; readonly signal?: undefined }

interface BeginSignal {
  readonly name: string
  readonly value?: unknown
}

export interface StartedBy {
  readonly types: readonly string[]
  /** What an event does; undefined for nothing. One that throws is set aside, and tried again after growing pauses. */
  readonly begin: (event: RecordedEvent) => Begin | undefined
  /** Where a definition that is new begins in the feed: with what is appended from now on, with the first event, or after a position. Default `now`. */
  readonly from?: 'now' | 'start' | number
}

/** @example startedBy: onEvents(OrderEvents, (event) => event.type === 'OrderPlaced' ? { id: event.stream, input: event.data } : undefined) */
export function onEvents<Types extends EventTypes>(
  types: Types,
  begin: (event: EventIn<Types>) => Begin | undefined,
  options: Pick<StartedBy, 'from'> = {},
): StartedBy {
  // What `decode` gives is an event of these types.
  return { ...options, types: types.names, begin: (event) => begin(types.decode(event) as EventIn<Types>) }
}

export interface StepOptions {
  /** Tries at most. Default 5; a KeelsonError that is not retryable ends them at once. */
  readonly attempts?: number
  /** Before the second try; doubled before each further one, to an hour at most. Default 1,000. */
  readonly backoffMs?: number
  /** How long one try may take. Default 60,000. */
  readonly timeoutMs?: number
}

/** What the work of a step is given. */
export interface StepCall {
  /** The same for every try of this step of this instance: who takes it as an idempotency key makes the effect happen once. */
  readonly key: string
  /** 1 for the first. */
  readonly attempt: number
  /** Aborts when the time of the try is up, or the workflow is cancelled. */
  readonly signal: AbortSignal
}

/**
 * The parts of a workflow. A name stands for one thing in an instance; used again, as in a loop, it is numbered in the order of use. Several may run
 * side by side (`Promise.all`). When the instance is cancelled, whatever is waited for rejects with WORKFLOW_CANCELLED, and steps that
 * come after, in `catch` or `finally`, run as before.
 */
export interface WorkflowContext {
  readonly id: string
  /** Time of the last thing that happened, in milliseconds since 1970: the same whenever the function is run again. */
  now(): number
  /** From 0 up to 1; the same whenever the function is run again. */
  random(): number
  /**
   * Declares a change of the code: true for instances that come here for the first time, false for those whose journal goes on from here
   * without it. Give the old way to those.
   */
  patched(name: string): boolean
  /** Does something at least once and keeps what it gives, which is JSON or nothing: dates and the like are refused. Calls within carry the key of the step.
   * Rejects with WORKFLOW_STEP_FAILED. */
  step<T>(name: string, work: (call: StepCall) => Promise<T> | T, options?: StepOptions): Promise<T>
  /** Changes the database of the event store exactly once: its changes and the fact that it was done are one transaction. */
  transaction<T>(name: string, work: (transaction: Queryable) => Promise<T>, options?: StepOptions): Promise<T>
  /** Waits, for milliseconds or until a time; survives the end of the program. */
  sleep(name: string, time: number | Date): Promise<void>
  /** Waits for `workflows.signal`; one that came before is there already, and one that does not fit is set aside. Undefined when the time is up. */
  waitFor<S extends Schema>(
    name: string,
    schema: S,
    options?: { readonly timeoutMs?: number },
  ): Promise<Parsed<S> | undefined>
  /** Runs another workflow to its end and gives what it returned. Rejects with WORKFLOW_FAILED or WORKFLOW_CANCELLED as it ended. */
  child<Input extends Schema, Output>(
    name: string,
    definition: WorkflowDefinition<Input, Output>,
    input: Given<Input>,
  ): Promise<Output>
}

/**
 * Declares a workflow. Throws WORKFLOW_INVALID.
 *
 * @example
 * const Onboarding = defineWorkflow({
 *   name: 'onboarding', version: 1, input: z.object({ email: z.string() }),
 *   run: async (workflow, { email }) => {
 *     await workflow.step('welcome', ({ key }) => mails.send({ to: email, key }))
 *     const approval = await workflow.waitFor('approval', z.object({ by: z.string() }), { timeoutMs: 7 * 86_400_000 })
 *     return { approvedBy: approval?.by ?? null }
 *   },
 * })
 */
export function defineWorkflow<Input extends Schema, Output>(
  definition: WorkflowDefinition<Input, Output>,
): WorkflowDefinition<Input, Output> {
  const { name, version } = definition
  if (!/^[a-z][a-z0-9-]{0,59}$/.test(name))
    throw eventsErrors.WORKFLOW_INVALID({
      workflow: name,
      reason: 'its name has 1 to 60 lower-case letters, digits and -',
    })
  if (!Number.isInteger(version) || version < 1)
    throw eventsErrors.WORKFLOW_INVALID({ workflow: name, reason: 'its version is a whole number from 1' })
  return definition
}

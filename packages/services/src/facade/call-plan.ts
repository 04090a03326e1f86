/** What the pipeline runs a call by: the operation's plan and state, and the checks that every way through it shares. */
import { type CallContext, problemsOf, type SchemaResult } from '@keelson/kernel'
import { type PolicyCounts, type PolicyPlan, type PolicyPlatform, resilienceErrors } from '@keelson/resilience'
import type { Span } from '@keelson/telemetry'
import { servicesErrors } from '../errors.ts'
import type { Leavable } from './leavable.ts'

/** What happens around the implementation. An absent part is undefined. */
export interface Plan {
  readonly validate: ((input: unknown) => SchemaResult<unknown> | Promise<SchemaResult<unknown>>) | undefined
  /** Throws or rejects to refuse the call. */
  readonly authorise: ((input: unknown, call: CallContext) => undefined | Promise<void>) | undefined
  readonly policies: PolicyPlan | undefined
  readonly instrument: Instrument | undefined
}

export type Invoke = (input: unknown, call: CallContext) => unknown

/** Told when a call of its operation begins and ends. One hook serves everything that wants to know. */
export interface Instrument {
  /** Monotonic milliseconds. */
  now(): number
  /** The span of a call, when its trace is recorded. */
  begin(call: CallContext, startedMs: number): Span | undefined
  /** @param error what it failed with; undefined when it did not. */
  ended(call: CallContext, span: Span | undefined, startedMs: number, error: unknown): void
  /** The same of a subscription, which may last as long as its reader likes. */
  settled(call: CallContext, span: Span | undefined, startedMs: number, error: unknown): void
}

/** The state of one operation of one service for as long as the service exists. */
export interface OperationState {
  /** `service.operation` */
  readonly name: string
  plan: Plan
  /** The implementation while the service runs; otherwise something that refuses. */
  invoke: Invoke
  /** Whether its service calls others, which then have what is left of this call's time. */
  readonly callsOthers: boolean
  readonly counts: PolicyCounts
  readonly platform: PolicyPlatform
  /** Subscriptions under way, until their sources have let go. */
  readonly subscriptions: Set<Leavable<unknown>>
}

/** Throws OPERATION_DISABLED where the flag that the operation stands behind is off. */
export function refuseDisabled({ name }: OperationState, { flag, platform }: PolicyPlan, call: CallContext): void {
  if (flag !== undefined && !platform.flags()?.isEnabled(flag, call.subject))
    throw resilienceErrors.OPERATION_DISABLED({ operation: name, flag })
}

/** The parsed input. Throws OPERATION_INPUT_INVALID. */
export function accept(operation: OperationState, result: SchemaResult<unknown>): unknown {
  if (result.issues)
    throw servicesErrors.OPERATION_INPUT_INVALID({ operation: operation.name, problems: problemsOf(result.issues) })
  return result.value
}

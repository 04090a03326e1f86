/** What the pipeline runs a call by: the operation's plan and state, and the checks that every way through it shares. */
import { type CallContext, problemsOf, type SchemaResult } from '@keelson/kernel'
import type { PolicyPlan, PolicyPlatform } from '@keelson/resilience'
import type { Span } from '@keelson/telemetry'
import { servicesErrors } from '../errors.ts'
import type { Leavable } from './leavable.ts'

/** What happens around the implementation. An absent part is undefined. */
export interface Plan {
  readonly validate: ((input: unknown) => SchemaResult<unknown> | Promise<SchemaResult<unknown>>) | undefined
  readonly authorisation: Authorisation | undefined
  readonly policies: PolicyPlan | undefined
  /** Those for a call of a peer, which has run the policies that protect callers on its side of the wire. */
  readonly calleePolicies: PolicyPlan
  readonly instrument: Instrument | undefined
}

export type Invoke = (input: unknown, call: CallContext) => unknown

/** Says who may call an operation. Its checks throw or reject to refuse the call; the call names the caller and for whom it calls. */
export interface Authorisation {
  /** Before the input is looked at. */
  readonly ofCaller?: (call: CallContext) => undefined | PromiseLike<void>
  /** Once the input is valid. */
  readonly ofInput?: (input: unknown, call: CallContext) => undefined | PromiseLike<void>
}

/** Makes the authorisation of an operation; undefined: everybody may call it. */
export type Authorise = (service: string, operation: string) => Authorisation | undefined

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
  readonly platform: PolicyPlatform
  /** An implementation is still at work though its call was answered without it, and has ended. */
  outlives(): void
  outlived(): void
  /** Subscriptions under way, until their sources have let go. */
  readonly subscriptions: Set<Leavable<unknown>>
  /** What the contract lets out of an answer. Rejects with OPERATION_OUTPUT_INVALID. */
  strip(output: unknown): Promise<unknown>
}

/**
 * The parsed input. Throws OPERATION_INPUT_INVALID.
 *
 * @param validated what the validator gave, in the end: a SchemaResult, as every Standard Schema promises.
 */
export function accept(operation: OperationState, validated: unknown): unknown {
  const result = validated as SchemaResult<unknown>
  if (result.issues)
    throw servicesErrors.OPERATION_INPUT_INVALID({ operation: operation.name, problems: problemsOf(result.issues) })
  return result.value
}

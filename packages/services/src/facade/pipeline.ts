/**
 * How a call runs, all of it: one fixed function over the operation's plan. A plan is resolved once per operation and may be swapped while
 * calls are in flight; a call leaves through the plan it entered by. Whatever must survive a swap (cells, counters) belongs to the
 * operation, never to the plan. An absent step costs one comparison; no chain of middlewares, no generated code.
 */
import { type CallContext, currentCall, problemsOf, type SchemaResult } from '@keelson/kernel'
import { servicesErrors } from '../errors.ts'

/** What happens around the implementation, in this order. An absent step is undefined. */
export interface Plan {
  readonly validate: ((input: unknown) => SchemaResult<unknown> | Promise<SchemaResult<unknown>>) | undefined
  /** Throws or rejects to refuse the call. */
  readonly authorise: ((input: unknown, call: CallContext) => undefined | Promise<void>) | undefined
  /** Runs `invoke`, perhaps later, perhaps several times, perhaps never. */
  readonly policies:
    | ((operation: OperationState, input: unknown, call: CallContext, invoke: Invoke) => Promise<unknown>)
    | undefined
  readonly instrument: Instrument | undefined
}

export type Invoke = (input: unknown, call: CallContext) => unknown

/** Told when a call of its operation settles. One hook serves everything that wants to know. */
export interface Instrument {
  /** Monotonic milliseconds. */
  now(): number
  settled(startedMs: number, failed: boolean): void
}

/** The state of one operation of one service for as long as the service exists. */
export interface OperationState {
  /** `service.operation` */
  readonly name: string
  plan: Plan
  /** The implementation while the service runs; otherwise something that refuses. */
  invoke: Invoke
}

/** Runs a query or command. The implementation's own promise is handed through untouched when the plan asks for nothing after it. */
export function callOperation(
  operation: OperationState,
  input: unknown,
  context: CallContext | undefined,
): Promise<unknown> {
  const call = context ?? currentCall()
  const { validate, authorise, policies, instrument } = operation.plan
  if (instrument === undefined) return enter(operation, validate, authorise, policies, input, call)
  const startedMs = instrument.now()
  const answer = enter(operation, validate, authorise, policies, input, call)
  answer.then(
    () => instrument.settled(startedMs, false),
    () => instrument.settled(startedMs, true),
  )
  return answer
}

/** Runs a subscription: the same steps before its first item, and settled when the caller has read it to its end or left. */
export async function* subscribeOperation(
  operation: OperationState,
  input: unknown,
  context: CallContext | undefined,
): AsyncGenerator<unknown, void, undefined> {
  const call = context ?? currentCall()
  const { validate, authorise, instrument } = operation.plan
  const startedMs = instrument?.now() ?? 0
  let failed = false
  try {
    const parsed = validate === undefined ? input : accept(operation, await validate(input))
    await authorise?.(parsed, call)
    // A subscription's implementation returns an async iterable: its handler type says so.
    yield* operation.invoke(parsed, call) as AsyncIterable<unknown>
  } catch (error) {
    failed = true
    throw error
  } finally {
    instrument?.settled(startedMs, failed)
  }
}

function enter(
  operation: OperationState,
  validate: Plan['validate'],
  authorise: Plan['authorise'],
  policies: Plan['policies'],
  input: unknown,
  call: CallContext,
): Promise<unknown> {
  try {
    let parsed = input
    if (validate !== undefined) {
      const result = validate(input)
      if (result instanceof Promise) {
        return result.then((late) => authoriseAndInvoke(operation, authorise, policies, accept(operation, late), call))
      }
      parsed = accept(operation, result)
    }
    return authoriseAndInvoke(operation, authorise, policies, parsed, call)
  } catch (error) {
    return Promise.reject(error)
  }
}

function authoriseAndInvoke(
  operation: OperationState,
  authorise: Plan['authorise'],
  policies: Plan['policies'],
  input: unknown,
  call: CallContext,
): Promise<unknown> {
  const allowed = authorise?.(input, call)
  if (allowed !== undefined) return allowed.then(() => invokeThrough(operation, policies, input, call))
  return invokeThrough(operation, policies, input, call)
}

function invokeThrough(
  operation: OperationState,
  policies: Plan['policies'],
  input: unknown,
  call: CallContext,
): Promise<unknown> {
  if (policies !== undefined) return policies(operation, input, call, operation.invoke)
  const result = operation.invoke(input, call)
  return result instanceof Promise ? result : Promise.resolve(result)
}

function accept(operation: OperationState, result: SchemaResult<unknown>): unknown {
  if (result.issues)
    throw servicesErrors.OPERATION_INPUT_INVALID({ operation: operation.name, problems: problemsOf(result.issues) })
  return result.value
}

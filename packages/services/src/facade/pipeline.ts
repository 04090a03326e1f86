/**
 * How a call runs: one fixed sequence of steps over the operation's plan; with policies `policed-call.ts` has it. A plan is resolved once per
 * operation and may be swapped while calls are in flight; a call leaves through the plan it entered by. Whatever must survive a swap
 * (cells, counts, a breaker's memory) belongs to the operation, never to the plan. An absent step costs one comparison; no chain of
 * middlewares, no generated code.
 */
import { beginCall, type CallChanges, type CallContext, deriveCall, promiseOf, runInCall } from '@keelson/kernel'
import type { Span } from '@keelson/telemetry'
import { callOf, enterIfOther } from './call-of.ts'
import { accept, type OperationState, type Plan } from './call-plan.ts'
import { PolicedCall } from './policed-call.ts'

/**
 * Runs a query or command.
 *
 * @param given in what the call differs from the current one; a whole context stands in its place.
 * @param caller the service that calls, empty when it is none; left out, it is the one that the context names.
 */
export function callOperation(
  operation: OperationState,
  input: unknown,
  given?: CallChanges,
  caller?: string,
): Promise<unknown> {
  const call = callOf(operation.name, given, caller)
  return given === undefined ? run(operation, input, call) : enterIfOther(call, () => run(operation, input, call))
}

/** The implementation's own promise is handed through untouched when the plan has no policies. */
function run(operation: OperationState, input: unknown, call: CallContext): Promise<unknown> {
  const { plan } = operation
  if (plan.policies) return new PolicedCall(operation, plan, plan.policies, input, call).start()
  const { instrument } = plan
  if (instrument === undefined) return enter(operation, plan, input, call)
  const startedMs = instrument.now()
  const span = instrument.begin(call, startedMs)
  const answer = span ? enterSpan(operation, plan, input, call, span) : enter(operation, plan, input, call)
  answer.then(
    () => instrument.ended(call, span, startedMs, undefined),
    (error) => instrument.ended(call, span, startedMs, error ?? 'no reason'),
  )
  return answer
}

/**
 * Runs a query or command whose caller is in another process of ours: over a wire each try is a call, and the caller's own policies (deadline, retry,
 * breaker, hedge, fallback) have run where the caller is. The deadline that came with the call holds here.
 */
export function callOperationForPeer(operation: OperationState, input: unknown, given: CallChanges): Promise<unknown> {
  const { plan } = operation
  const call = callOf(operation.name, given, undefined)
  return enterIfOther(call, () => new PolicedCall(operation, plan, plan.calleePolicies, input, call).start())
}

/** What happens in a recorded call belongs to its span. */
function enterSpan(
  operation: OperationState,
  plan: Plan,
  input: unknown,
  call: CallContext,
  span: Span,
): Promise<unknown> {
  const inner = deriveCall(call, { trace: span })
  return runInCall(inner, () => enter(operation, plan, input, inner))
}

/** Without policies: authorise the caller, validate, authorise for the input, invoke. */
function enter(operation: OperationState, plan: Plan, input: unknown, call: CallContext): Promise<unknown> {
  try {
    const allowed = promiseOf(plan.authorisation?.ofCaller?.(call))
    if (allowed !== undefined) return allowed.then(() => validateAndInvoke(operation, plan, input, call))
    return validateAndInvoke(operation, plan, input, call)
  } catch (error) {
    return Promise.reject(error)
  }
}

function validateAndInvoke(operation: OperationState, plan: Plan, input: unknown, call: CallContext): Promise<unknown> {
  if (plan.validate === undefined) return authoriseAndInvoke(operation, plan, input, call)
  const result = plan.validate(input)
  const late = promiseOf(result)
  if (late === undefined) return authoriseAndInvoke(operation, plan, accept(operation, result), call)
  return late.then((valid) => authoriseAndInvoke(operation, plan, accept(operation, valid), call))
}

function authoriseAndInvoke(
  operation: OperationState,
  plan: Plan,
  input: unknown,
  call: CallContext,
): Promise<unknown> {
  const allowed = promiseOf(plan.authorisation?.ofInput?.(input, call))
  if (allowed !== undefined) return allowed.then(() => invokeInCall(operation, input, call))
  return promised(invokeInCall(operation, input, call))
}

/** What a keyed call calls in turn must find it, to have keys that are worked out from its own. */
function invokeInCall({ invoke }: OperationState, input: unknown, call: CallContext): unknown {
  if (call.key === undefined) return invoke(input, call)
  const own = beginCall(call)
  return runInCall(own, () => invoke(input, own))
}

function promised(result: unknown): Promise<unknown> {
  return promiseOf(result) ?? Promise.resolve(result)
}

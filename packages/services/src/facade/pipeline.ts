/**
 * How a call runs: one fixed sequence of steps over the operation's plan; with policies `policed-call.ts` has it. A plan is resolved once per
 * operation and may be swapped while calls are in flight; a call leaves through the plan it entered by. Whatever must survive a swap
 * (cells, counts, a breaker's memory) belongs to the operation, never to the plan. An absent step costs one comparison; no chain of
 * middlewares, no generated code.
 */
import { type CallContext, currentCall, promiseOf, runInCall, withTrace } from '@keelson/kernel'
import type { Span } from '@keelson/telemetry'
import { accept, type OperationState, type Plan } from './call-plan.ts'
import { PolicedCall } from './policed-call.ts'

/**
 * Runs a query or command. The implementation's own promise is handed through untouched when the plan has no policies.
 *
 * @param caller the service that calls; empty when it is none.
 */
export function callOperation(
  operation: OperationState,
  input: unknown,
  context: CallContext | undefined,
  caller = '',
): Promise<unknown> {
  const call = context ?? currentCall()
  const { plan } = operation
  if (plan.policies) return new PolicedCall(operation, plan, plan.policies, input, call, caller).start()
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
export function callOperationForPeer(
  operation: OperationState,
  input: unknown,
  call: CallContext,
  caller: string,
): Promise<unknown> {
  const { plan } = operation
  return new PolicedCall(operation, plan, plan.calleePolicies, input, call, caller).start()
}

/** What happens in a recorded call belongs to its span. */
function enterSpan(
  operation: OperationState,
  plan: Plan,
  input: unknown,
  call: CallContext,
  span: Span,
): Promise<unknown> {
  const inner = withTrace(call, span)
  return runInCall(inner, () => enter(operation, plan, input, inner))
}

/** Without policies: validate, authorise, invoke. */
function enter(operation: OperationState, plan: Plan, input: unknown, call: CallContext): Promise<unknown> {
  try {
    let parsed = input
    if (plan.validate !== undefined) {
      const result = plan.validate(input)
      const late = promiseOf(result)
      if (late !== undefined)
        return late.then((result) => authoriseAndInvoke(operation, plan, accept(operation, result), call))
      parsed = accept(operation, result)
    }
    return authoriseAndInvoke(operation, plan, parsed, call)
  } catch (error) {
    return Promise.reject(error)
  }
}

function authoriseAndInvoke(
  operation: OperationState,
  plan: Plan,
  input: unknown,
  call: CallContext,
): Promise<unknown> {
  const allowed = promiseOf(plan.authorise?.(input, call))
  if (allowed === undefined) return promised(operation.invoke(input, call))
  return allowed.then(() => operation.invoke(input, call))
}

function promised(result: unknown): Promise<unknown> {
  return promiseOf(result) ?? Promise.resolve(result)
}

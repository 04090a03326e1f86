/** The context that a call runs in: the current one, or one that its caller gives. */
import { type CallChanges, type CallContext, currentCall, deriveCall, runInCall } from '@keelson/kernel'

/**
 * The context of a call of `operation`: the current or given one itself, unless there is something to tell them apart.
 *
 * @param operation `service.operation`
 * @param given in what the call differs from the current one; a whole context stands in its place.
 * @param caller the service that calls, empty when it is none; left out, it is the one that the context names.
 */
export function callOf(operation: string, given: CallChanges | undefined, caller: string | undefined): CallContext {
  const call = given === undefined ? currentCall() : whole(given)
  if (call.key === undefined && (caller === undefined || call.caller === caller)) return call
  return deriveCall(call, { caller, key: call.key?.of(operation) })
}

function whole(given: CallChanges): CallContext {
  // Nothing stands in for these two: what has both is a context, not changes to one.
  return given.origin && given.signal ? (given as CallContext) : deriveCall(currentCall(), given)
}

/**
 * Runs `work` in `call`, entered unless it is as good as the current one. Entering costs more than a whole call, so that a context which
 * differs only in who calls is not entered: facades say that themselves.
 */
export function enterIfOther<T>(call: CallContext, work: () => T): T {
  const current = currentCall()
  const isSame =
    call.origin === current.origin &&
    call.key === current.key &&
    call.trace === current.trace &&
    call.deadlineAt === current.deadlineAt &&
    call.signal === current.signal
  return isSame ? work() : runInCall(call, work)
}

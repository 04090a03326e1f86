import type { CallContext } from '@keelson/kernel'

/** `call` with another signal. Whatever kind of object `call` is: a spread would miss what an object works out when it is asked. */
export function withSignal(call: CallContext, signal: AbortSignal): CallContext {
  const { correlationId, deadlineAt, subject, idempotencyKey, trace } = call
  return { correlationId, signal, deadlineAt, subject, idempotencyKey, trace }
}

/**
 * What a stranger may know of an error: what the contract declares, and what he did wrong himself. An error of something behind the
 * operation (a database, another service) has names, addresses and words of others, which stay in the log.
 */
import { type ErrorDetails, isError, KeelsonError, type Operation } from '@keelson/kernel'

/**
 * The error as a route of the operation shows it: of one that is not declared and tells of what lies behind, only code, kind, whether and
 * when to come back. The whole is its cause where there is more to know than its code.
 *
 * @param name `service.operation`
 */
export function publicError(error: unknown, operation: Operation, name: string): unknown {
  if (!isError(error) || Object.hasOwn(operation.errors, error.code) || !isOfOthers(error)) return error
  const { code, kind, retryable } = error
  return new KeelsonError({
    code,
    kind,
    retryable,
    message: `"${name}" cannot be answered${retryable ? ' now: come back' : ''}`,
    details: whenOf(error.details),
    ...(error.cause !== undefined && { cause: error }),
  })
}

function isOfOthers({ code, kind }: KeelsonError): boolean {
  return kind === 'unavailable' || kind === 'timeout' || /^(REMOTE|PEER)_/.test(code)
}

function whenOf({ retryAfterMs }: ErrorDetails): ErrorDetails {
  return typeof retryAfterMs === 'number' ? { retryAfterMs } : {}
}

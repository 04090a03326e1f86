/** Names what went wrong: what a server may answer for reasons of its own, a lost connection, and everything else as a refusal. */
import { isError, type KeelsonError, kernelErrors, reasonOf, shownReason } from '@keelson/kernel'
import pg from 'pg'

/** How far the work had come when the connection was lost: only a commit that was asked for may have taken effect. */
export type Stage = 'before-commit' | 'committing'

/** The error of a statement that was sent, or was about to be. `values` never appear in it. */
export function statementFailure(error: unknown, values: readonly unknown[], stage: Stage): KeelsonError {
  if (isError(error)) return error
  const sqlState = sqlStateOf(error)
  const reason = shownReason(reasonOf(error), sqlState ?? '', values)
  if (sqlState === undefined || isFarewell(sqlState)) {
    return stage === 'committing'
      ? kernelErrors.DATABASE_OUTCOME_UNKNOWN({ reason })
      : kernelErrors.DATABASE_CONNECTION_LOST({ reason })
  }
  const details = { sqlState, reason }
  // query_canceled comes from the statement time-out, lock_not_available from the lock time-out.
  if (sqlState === '57014' || sqlState === '55P03') return kernelErrors.DATABASE_TIMED_OUT(details)
  if (sqlState === '40001' || sqlState === '40P01') return kernelErrors.DATABASE_CONTENDED(details)
  if (sqlState === '25006') return kernelErrors.DATABASE_READ_ONLY({ reason })
  if (sqlState === '53100' || sqlState === '53200') return kernelErrors.DATABASE_FULL(details)
  return kernelErrors.DATABASE_QUERY_FAILED(details)
}

/** The error of a connection that could not be made. `address` holds no password. */
export function connectFailure(error: unknown, address: string): KeelsonError {
  if (isError(error)) return error
  const sqlState = sqlStateOf(error)
  const reason = error instanceof Error ? messageOf(error) : String(error)
  // Classes 28 (authorisation) and 3D (no such database) do not pass by waiting.
  if (sqlState?.startsWith('28') || sqlState?.startsWith('3D'))
    return kernelErrors.DATABASE_ACCESS_REFUSED({ address, sqlState, reason })
  return kernelErrors.DATABASE_UNREACHABLE({ address, reason })
}

/** Whether nothing more can be sent on the connection on which `error` came. */
export function endsConnection(error: unknown): boolean {
  const sqlState = sqlStateOf(error)
  return sqlState === undefined || isFarewell(sqlState)
}

function sqlStateOf(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined
}

/** The server is shutting down, has crashed, or ends a session that was idle for too long. */
function isFarewell(sqlState: string): boolean {
  return /^(?:57P0[1-5]|08...|25P0[3-4])$/.test(sqlState)
}

/** A name with several addresses fails with one error for each, and no message of its own. */
function messageOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map(String).join('; ')
  return error.message
}

/** Whether a failure is the database's and passes, so that what was tried is no fault of what it was tried with. */
import { isError } from '@keelson/kernel'

export function isAway(error: unknown): boolean {
  if (!isError(error)) return false
  const isItsOwn = error.code.startsWith('DATABASE_') && error.code !== 'DATABASE_QUERY_FAILED'
  return error.retryable || isItsOwn || error.code === 'EVENTS_CLOSED'
}

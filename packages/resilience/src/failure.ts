/** What an error says: that an operation is in trouble, that it was asked for something wrong, or nothing, since the call was given up. */
import { type ErrorKind, isError } from '@keelson/kernel'

/**
 * The kind of whatever was thrown: of a named error its own, `cancelled` for an AbortError of the platform, `timeout` for its TimeoutError, and
 * `internal` for everything else.
 */
export function kindOf(error: unknown): ErrorKind {
  if (isError(error)) return error.kind
  // An error of another realm or package is known by its name alone.
  const name = typeof error === 'object' && error !== null && 'name' in error ? error.name : undefined
  if (name === 'AbortError') return 'cancelled'
  return name === 'TimeoutError' ? 'timeout' : 'internal'
}

/** True for what breakers count and fallbacks answer for: unavailable, timed out, internal, and whatever is no named error at all. */
export function isFailure(error: unknown): boolean {
  const kind = kindOf(error)
  return kind === 'unavailable' || kind === 'timeout' || kind === 'internal'
}

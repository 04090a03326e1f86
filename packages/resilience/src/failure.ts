/** Which errors say that an operation is in trouble, rather than that it was asked for something wrong. */
import { isError } from '@keelson/kernel'

const troubles = new Set(['unavailable', 'timeout', 'internal'])

/** True for what breakers count and fallbacks answer for: unavailable, timed out, internal, and whatever is no named error at all. */
export function isFailure(error: unknown): boolean {
  return !isError(error) || troubles.has(error.kind)
}

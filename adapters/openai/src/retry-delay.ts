/** How long to wait before a failed request is sent again: as long as the endpoint asks for, or ever longer and never all at once. */

const firstDelayMs = 500
const longestDelayMs = 8_000

/** Exponential with jitter: between half and all of 0.5 s, 1 s, 2 s … 8 s. @param random a number from 0 up to 1. */
export function backoffMs(retry: number, random: number): number {
  return Math.min(longestDelayMs, firstDelayMs * 2 ** retry) * (0.5 + random / 2)
}

/**
 * The wait that the headers of an answer ask for (RFC 9110, section 10.2.3, and the finer `retry-after-ms`), in milliseconds; undefined
 * where there is none that can be read.
 */
export function retryAfterMs(headers: Headers, nowMs: number): number | undefined {
  const milliseconds = numberOf(headers.get('retry-after-ms'))
  if (milliseconds !== undefined) return milliseconds
  const after = headers.get('retry-after')
  const seconds = numberOf(after)
  if (seconds !== undefined) return seconds * 1_000
  const date = Date.parse(after ?? '')
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs)
}

function numberOf(text: string | null): number | undefined {
  return text !== null && /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : undefined
}

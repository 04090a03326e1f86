/** When an answer or an error asks to come back. */
import { isError } from '../keelson-error.ts'

/** A server that names a later time has made a mistake; the number stays one that any timer and any JSON can hold. */
const mostMs = 365 * 86_400_000

/**
 * The wait that the headers of an answer ask for, in milliseconds and at most a year: `retry-after` as seconds or a date (RFC 9110,
 * section 10.2.3), as seconds with a fraction, or the finer `retry-after-ms`. Undefined where there is none that can be read.
 *
 * @param nowMs wall-clock time in milliseconds since 1970, for dates.
 */
export function retryAfterIn(headers: Pick<Headers, 'get'>, nowMs: number): number | undefined {
  const finer = numberIn(headers.get('retry-after-ms'))
  const after = headers.get('retry-after')?.trim() ?? ''
  const seconds = numberIn(after)
  const date = seconds === undefined ? dateIn(after) : undefined
  const askedMs = finer ?? (seconds === undefined ? undefined : seconds * 1_000) ?? (date && date - nowMs)
  return askedMs === undefined ? undefined : Math.min(mostMs, Math.max(0, Math.ceil(askedMs)))
}

/** The wait in milliseconds that `details.retryAfterMs` of a named error asks for, at most a year; 0 where an error asks for none. */
export function retryAfterOf(error: unknown): number {
  const after = isError(error) ? error.details['retryAfterMs'] : undefined
  return typeof after === 'number' && after > 0 ? Math.min(mostMs, after) : 0
}

function numberIn(text: string | null): number | undefined {
  return text !== null && /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : undefined
}

/** The three forms of RFC 9110, section 5.6.7: `Date.parse` by itself takes other text for a date as well, and asctime for local time. */
const weekday = '(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?'
const time = String.raw`\d\d:\d\d:\d\d`
const withZone = new RegExp(String.raw`^${weekday}, \d\d[ -][A-Z][a-z]{2}[ -](?:\d{4}|\d\d) ${time} GMT$`)
const asctime = new RegExp(String.raw`^${weekday} [A-Z][a-z]{2} [ \d]\d ${time} \d{4}$`)

function dateIn(text: string): number | undefined {
  const date = withZone.test(text) ? Date.parse(text) : asctime.test(text) ? Date.parse(`${text} GMT`) : Number.NaN
  return Number.isNaN(date) ? undefined : date
}

/** One request on its route, and the few ways of reading and answering that every surface needs. */
import { type CallContext, type Clock, type ErrorDetails, parseJson, reasonOf } from '@keelson/kernel'
import { servicesErrors } from '../errors.ts'
import type { AnswerHeaders, Arrival } from './arrival.ts'
import type { Problem } from './problem.ts'

export interface Exchange extends Omit<Arrival, 'target' | 'gone'> {
  /** The `{name}` parts of the path, decoded. */
  readonly parameters: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly call: CallContext
  /** Aborts when the listener closes: a stream ends then, an answer under way may finish. */
  readonly closing: AbortSignal
  readonly clock: Clock
  /** What a caller may know of an error; the log gets the rest. For an answer that has begun and fails on the way. */
  report(error: unknown): Problem
}

/** Reads a body that is not compressed; rejects as `exchange.readBytes` does, or with REQUEST_TYPE_UNSUPPORTED. */
export function readBytes(exchange: Exchange, maxBytes: number): Promise<Buffer> {
  const encoding = exchange.header('content-encoding') ?? 'identity'
  if (encoding === 'identity') return exchange.readBytes(maxBytes)
  throw servicesErrors.REQUEST_TYPE_UNSUPPORTED({ found: encoding, wanted: 'a body without a content encoding' })
}

/** A body as UTF-8 text, with all that it begins with. Throws REQUEST_MALFORMED. */
export function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw servicesErrors.REQUEST_MALFORMED({ reason: 'the body is not UTF-8 text' })
  }
}

/** Reads the body as JSON; undefined when there is none. */
export async function readJson(exchange: Exchange, maxBytes: number): Promise<unknown> {
  const text = textOf(await readBytes(exchange, maxBytes)).replace(/^\ufeff/, '')
  if (text === '') return undefined
  const found = exchange.header('content-type') ?? 'none'
  if (!/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(found)) {
    throw servicesErrors.REQUEST_TYPE_UNSUPPORTED({ found, wanted: 'application/json' })
  }
  try {
    return parseJson(text)
  } catch (error) {
    throw servicesErrors.REQUEST_MALFORMED({ reason: `the body is not JSON: ${reasonOf(error)}` })
  }
}

export function answerJson(exchange: Exchange, status: number, value: unknown, headers: AnswerHeaders = {}): void {
  exchange.answer(status, { 'content-type': 'application/json; charset=utf-8', ...headers }, JSON.stringify(value))
}

export function answerText(
  exchange: Exchange,
  status: number,
  contentType: string,
  text: string | Uint8Array,
  headers: AnswerHeaders = {},
): void {
  exchange.answer(status, { 'content-type': contentType, ...headers }, text)
}

export function answerProblem(arrival: Arrival, problem: Problem, headers: AnswerHeaders = {}): void {
  const details: ErrorDetails = problem.details ?? {}
  const { allow, retryAfterMs } = details
  arrival.answer(
    problem.status,
    {
      'content-type': 'application/problem+json; charset=utf-8',
      ...(problem.status === 405 && Array.isArray(allow) && { allow: allow.filter(isMethod).join(', ') }),
      ...(typeof retryAfterMs === 'number' && { 'retry-after': wholeSeconds(retryAfterMs) }),
      ...headers,
    },
    JSON.stringify(problem),
  )
}

/** An error may have come from another server, with details that a header must not repeat. */
function isMethod(value: unknown): boolean {
  return typeof value === 'string' && /^[A-Z]{1,20}$/.test(value)
}

const aYear = 366 * 24 * 60 * 60

function wholeSeconds(ms: number): string {
  return String(Math.min(aYear, Math.max(1, Math.ceil(ms / 1000))))
}

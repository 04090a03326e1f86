/** One request and its answer: what a route is given, and the few ways of reading and answering that every surface needs. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type CallContext, type ErrorDetails, reasonOf } from '@keelson/kernel'
import { servicesErrors } from '../errors.ts'
import type { Problem } from '../rest/problem.ts'

export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** The `{name}` parts of the path, decoded. */
  readonly parameters: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly call: CallContext
  /** Aborts when the listener closes: a stream ends then, an answer under way may finish. */
  readonly closing: AbortSignal
}

/** Reads the whole body. Rejects with REQUEST_TOO_LARGE as soon as the limit is passed, or REQUEST_MALFORMED. */
export async function readBytes({ request }: Exchange, maxBytes: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes)
    throw servicesErrors.REQUEST_TOO_LARGE({ limitBytes: maxBytes })
  const chunks: Buffer[] = []
  let size = 0
  try {
    // The stream is left open: what remains of a body that is refused is discarded by the listener, so that the answer can be read.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      // Without an encoding set, a request yields buffers.
      const bytes = chunk as Buffer
      size += bytes.length
      if (size > maxBytes) break
      chunks.push(bytes)
    }
  } catch (cause) {
    throw servicesErrors.REQUEST_MALFORMED({ reason: 'the body ended before all of it had arrived' }, { cause })
  }
  if (size > maxBytes) throw servicesErrors.REQUEST_TOO_LARGE({ limitBytes: maxBytes })
  return Buffer.concat(chunks)
}

/** A body as UTF-8 text. Throws REQUEST_MALFORMED. */
export function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw servicesErrors.REQUEST_MALFORMED({ reason: 'the body is not UTF-8 text' }, { cause })
  }
}

/** Reads the body as JSON; undefined when there is none. */
export async function readJson(exchange: Exchange, maxBytes: number): Promise<unknown> {
  const { headers } = exchange.request
  const text = textOf(await readBytes(exchange, maxBytes))
  if (text === '') return undefined
  const found = headers['content-type'] ?? 'none'
  if (!/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(found)) {
    throw servicesErrors.REQUEST_TYPE_UNSUPPORTED({ found, wanted: 'application/json' })
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw servicesErrors.REQUEST_MALFORMED({ reason: `the body is not JSON: ${reasonOf(cause)}` }, { cause })
  }
}

export function answerJson(
  { response }: Exchange,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  answer(response, status, 'application/json; charset=utf-8', JSON.stringify(value), headers)
}

export function answerText(
  { response }: Exchange,
  status: number,
  contentType: string,
  text: string | Uint8Array,
): void {
  answer(response, status, contentType, text, {})
}

export function answerProblem(response: ServerResponse, problem: Problem): void {
  const details: ErrorDetails = problem.details ?? {}
  const { allow, retryAfterMs } = details
  const headers = {
    ...(problem.status === 405 && Array.isArray(allow) && { allow: allow.filter(isMethod).join(', ') }),
    ...(typeof retryAfterMs === 'number' && { 'retry-after': wholeSeconds(retryAfterMs) }),
  }
  answer(response, problem.status, 'application/problem+json; charset=utf-8', JSON.stringify(problem), headers)
}

/** An error may have come from another server, with details that a header must not repeat. */
function isMethod(value: unknown): boolean {
  return typeof value === 'string' && /^[A-Z]{1,20}$/.test(value)
}

const aYear = 366 * 24 * 60 * 60

function wholeSeconds(ms: number): string {
  return String(Math.min(aYear, Math.max(1, Math.ceil(ms / 1000))))
}

function answer(
  response: ServerResponse,
  status: number,
  contentType: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>>,
): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body), ...headers })
  response.end(body)
}

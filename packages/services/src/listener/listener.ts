/**
 * The one listener of a process: it owns the port, finds the route of a request and gives it a call context. Everything that speaks HTTP
 * here (REST, health, metrics, pages) adds routes to it. On a loopback address it refuses requests whose Host or Origin names anything
 * else, so that a page of another site in the user's browser cannot reach it (DNS rebinding).
 */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isIP, type Socket } from 'node:net'
import { type CallContext, definePort, runInCall, type TraceContext } from '@keelson/kernel'
import type { Log, Tracer } from '@keelson/telemetry'
import findMyWay, { type HTTPMethod } from 'find-my-way'
import { servicesErrors } from '../errors.ts'
import { namedError, problemOf } from '../rest/problem.ts'
import { answerProblem, type Exchange } from './exchange.ts'
import { RequestSpan } from './request-span.ts'

/**
 * Promises:
 * - A route answers once; what it throws becomes a problem+json answer and, when internal, a line in the log.
 * - The call context of a request has its correlation id (taken from `x-correlation-id` when that is sane, sent back in the same header)
 *   and a signal that aborts when the caller goes away.
 */
export interface Listener {
  /** `http://127.0.0.1:4000`, without a slash at the end. */
  readonly url: string
  readonly isLoopback: boolean
  /** Adds a route; `{name}` in the path is a parameter, a closing `*` takes the rest. Throws ROUTE_DUPLICATE. */
  route(method: HTTPMethod, path: string, answer: (exchange: Exchange) => unknown): void
}

export const Listener = definePort<Listener>('listener')

export interface OpenListener extends Listener {
  /** Takes no new request, lets running ones finish for `graceMs` (streams are ended at once), then cuts them off. Safe to repeat. */
  close(): Promise<void>
}

export interface ListenerOptions {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  readonly log: Log
  /** Decides for each request about its trace, continuing the caller's, and records the request when it is sampled. */
  readonly tracer?: Tracer
  readonly graceMs?: number
}

/** Rejects with LISTENER_PORT_TAKEN or LISTENER_PORT_UNUSABLE. */
export async function openListener({
  host,
  port,
  log,
  tracer,
  graceMs = 5_000,
}: ListenerOptions): Promise<OpenListener> {
  const router = findMyWay<findMyWay.HTTPVersion.V1>({ ignoreTrailingSlash: true, maxParamLength: 500 })
  const isLoopback = isLoopbackName(host)
  const closing = new AbortController()
  const paths = new Map<string, Set<string>>()

  // A missing Host is refused below: Node's own answer has no body.
  const options = { maxHeaderSize: 128 * 1024, keepAliveTimeout: 5_000, requireHostHeader: false }
  const server = createServer(options, (request, response) => {
    const traced = tracer && new RequestSpan(tracer, request, response)
    const call = openCall(request, response, traced?.context)
    runInCall(call, () => void serve(request, response, call, traced))
  })
  server.on('clientError', refuseUnreadable)
  const address = await listen(server, host, port)
  const url = `http://${isIP(host) === 6 ? `[${host}]` : host}:${address}`

  async function serve(
    request: IncomingMessage,
    response: ServerResponse,
    call: CallContext,
    traced: RequestSpan | undefined,
  ): Promise<void> {
    response.setHeader('x-correlation-id', call.correlationId)
    response.setHeader('x-content-type-options', 'nosniff')
    try {
      if (request.headers.host === undefined && request.httpVersion === '1.1')
        throw servicesErrors.REQUEST_MALFORMED({ reason: 'it has no Host header' })
      if (isLoopback) refuseForeign(request, address)
      const { path, query } = splitTarget(request.url ?? '/')
      const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET')
      // find-my-way answers null for a method it does not know.
      const found = router.find(method as HTTPMethod, path)
      if (!found) throw unknownRoute(method, path)
      // Routes are added by `route` below only, which stores the path beside the answer function, and that in the handler's place.
      traced?.found(found.store as string)
      const answer = found.handler as unknown as (exchange: Exchange) => unknown
      const parameters = found.params as Record<string, string>
      await answer({ request, response, parameters, query: new URLSearchParams(query), call, closing: closing.signal })
    } catch (error) {
      fail(error, request, response, call)
    }
    if (!request.complete) discardRest(request)
  }

  function fail(error: unknown, request: IncomingMessage, response: ServerResponse, call: CallContext): void {
    const named = namedError(error, `${request.method} ${request.url}`)
    if (named.kind === 'internal') log.error('A request failed', { method: request.method, url: request.url, error })
    if (response.headersSent) {
      response.destroy()
      return
    }
    try {
      answerProblem(response, problemOf(named, call.correlationId))
    } catch (unsaid) {
      // Nothing that a request brings about may end the process, which a rejection here would.
      log.error('An error could not be answered', { method: request.method, url: request.url, error: unsaid })
      response.destroy()
    }
  }

  function unknownRoute(method: string, path: string) {
    const methods: HTTPMethod[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
    const allow = methods.filter((one) => router.find(one, path))
    return allow.length > 0
      ? servicesErrors.ROUTE_METHOD_UNKNOWN({ method, path, allow })
      : servicesErrors.ROUTE_UNKNOWN({ method, path })
  }

  let closed: Promise<void> | undefined
  return {
    url,
    isLoopback,
    route(method, path, answer) {
      const methods = paths.get(path) ?? new Set()
      if (methods.has(method)) throw servicesErrors.ROUTE_DUPLICATE({ method, path })
      paths.set(path, methods.add(method))
      router.on(method, path.replace(/\{(\w+)\}/g, ':$1'), answer as never, path)
    },
    close() {
      closed ??= closeServer(server, closing, graceMs)
      return closed
    },
  }
}

function openCall(request: IncomingMessage, response: ServerResponse, trace: TraceContext | undefined): CallContext {
  const given = request.headers['x-correlation-id']
  const correlationId = typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID()
  const gone = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(servicesErrors.REQUEST_CANCELLED({}))
  })
  const key = request.headers['idempotency-key']
  const idempotencyKey = typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key) ? key : undefined
  return { correlationId, signal: gone.signal, trace, idempotencyKey }
}

/** A caller that is still sending reads no answer, so what it sends is taken and dropped, up to a bound. */
function discardRest(request: IncomingMessage): void {
  let dropped = 0
  request.on('data', (chunk: Buffer) => {
    dropped += chunk.length
    if (dropped > mostDiscardedBytes) request.destroy()
  })
  request.resume()
}

const mostDiscardedBytes = 64 * 1024 * 1024

function splitTarget(target: string): { path: string; query: string } {
  const at = target.indexOf('?')
  const path = at < 0 ? target : target.slice(0, at)
  try {
    decodeURIComponent(path)
  } catch (cause) {
    throw servicesErrors.REQUEST_MALFORMED({ reason: 'the path has a broken percent-encoding' }, { cause })
  }
  return { path, query: at < 0 ? '' : target.slice(at + 1) }
}

/** Host, and Origin when there is one, must name this listener. */
function refuseForeign(request: IncomingMessage, port: number): void {
  const { host, origin } = request.headers
  if (!isOwnAuthority(host ?? '', port)) throw servicesErrors.HOST_REFUSED({ header: 'Host', value: host ?? '' })
  if (origin !== undefined && !(origin.startsWith('http://') && isOwnAuthority(origin.slice('http://'.length), port))) {
    throw servicesErrors.HOST_REFUSED({ header: 'Origin', value: origin })
  }
}

function isOwnAuthority(authority: string, port: number): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].some(
    (name) => authority.toLowerCase() === `${name}:${port}` || (port === 80 && authority.toLowerCase() === name),
  )
}

function isLoopbackName(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host)
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') reject(servicesErrors.LISTENER_PORT_TAKEN({ host, port }, { cause: error }))
      else reject(servicesErrors.LISTENER_PORT_UNUSABLE({ host, port, reason: error.message }, { cause: error }))
    })
    server.listen({ host, port }, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : port)
    })
  })
}

/** What is not HTTP, or has headers beyond all measure, gets an answer in the same form as every other error. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const isHuge = error.code === 'HPE_HEADER_OVERFLOW'
  const named = isHuge
    ? servicesErrors.REQUEST_TOO_LARGE({ limitBytes: 128 * 1024 })
    : servicesErrors.REQUEST_MALFORMED({ reason: 'it is not HTTP/1.1' })
  const status = isHuge ? '431 Request Header Fields Too Large' : '400 Bad Request'
  const body = JSON.stringify({ ...problemOf(named, randomUUID()), status: isHuge ? 431 : 400 })
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/problem+json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}

async function closeServer(server: Server, closing: AbortController, graceMs: number): Promise<void> {
  const done = new Promise<void>((resolve) => server.close(() => resolve()))
  closing.abort(servicesErrors.REQUEST_CANCELLED({}))
  server.closeIdleConnections()
  const cut = setTimeout(() => server.closeAllConnections(), graceMs)
  await done
  clearTimeout(cut)
}

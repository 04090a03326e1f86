/**
 * The listener of a process: it owns a port, finds the route of a request, asks who makes it and gives it a call context. Everything that
 * speaks HTTP here (REST, health, metrics, pages) adds routes to it. Its exposure says for whom it is there: for this machine alone, where
 * requests of other sites' pages and through proxies are refused, or for everybody who reaches the port.
 */
import { isIP } from 'node:net'
import {
  type CallContext,
  type Clock,
  createCall,
  definePort,
  type Identity,
  runInCall,
  systemClock,
} from '@keelson/kernel'
import type { Log, Tracer } from '@keelson/telemetry'
import type { HTTPMethod } from 'find-my-way'
import { servicesErrors } from '../errors.ts'
import type { Arrival } from './arrival.ts'
import { correlationIdOf, deadlineOf, idempotencyKeyOf } from './call-headers.ts'
import { answerProblem, type Exchange } from './exchange.ts'
import { refuseForeign, type TrustedProxy } from './foreign-requests.ts'
import type { Http1Request } from './http1-request.ts'
import { openHttp1Server } from './http1-server.ts'
import { namedError, type Problem, problemOf } from './problem.ts'
import { RequestSpan } from './request-span.ts'
import { RoutedExchange } from './routed-exchange.ts'
import { Routes } from './routes.ts'

/** For whom a listener is there: the programs of this machine, or everybody who reaches its port. */
export type Exposure = 'local' | 'public'

/**
 * Promises:
 * - A route answers once; what it throws becomes a problem+json answer and, when internal, a line in the log.
 * - The call context of a request has its correlation id (taken from `x-correlation-id` when that is sane, sent back in the same header),
 *   a signal that aborts when the caller goes away, and the deadline that a client of ours sent along.
 */
export interface Listener {
  /** `http://127.0.0.1:4000`, without a slash at the end. */
  readonly url: string
  readonly exposure: Exposure
  /**
   * Adds a route; `{name}` in the path is a parameter, a closing `*` takes the rest. A route of GET answers HEAD as well. Throws
   * ROUTE_DUPLICATE.
   */
  route(method: HTTPMethod, path: string, answer: (exchange: Exchange) => unknown): void
}

export const Listener = definePort<Listener>('listener')

export interface OpenListener extends Listener {
  /**
   * Takes no new connection or request, ends streams and kept connections, and resolves once what was accepted is answered. When `cut`
   * aborts, what is left is broken off, and the log says how much. Without it nothing is. Safe to repeat.
   */
  close(cut?: AbortSignal): Promise<void>
}

/** What is known of a request once its route is found, for whoever decides who makes it. */
export interface Asked {
  readonly method: string
  /** With `{name}` for its parameters. */
  readonly route: string
  readonly remoteAddress: string
  header(name: string): string | undefined
}

export interface ListenerOptions {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  /** When left out, `local` on an address of the loopback interface and `public` on any other. */
  readonly exposure?: Exposure | undefined
  /** Whose requests a local listener takes although they were passed on. */
  readonly proxy?: TrustedProxy | undefined
  readonly log: Log
  readonly clock?: Clock
  /** Decides for each request about its trace, continuing the caller's, and records the request when it is sampled. */
  readonly tracer?: Tracer
  /** Says whom a request is made for. What it throws or rejects with refuses the request before its body is read. */
  readonly identify?: (asked: Asked) => PromiseLike<Partial<Identity> | undefined> | Partial<Identity> | undefined
}

/** Rejects with LISTENER_PORT_TAKEN or LISTENER_PORT_UNUSABLE. */
export async function openListener({
  host,
  port,
  exposure = isLoopbackName(host) ? 'local' : 'public',
  proxy,
  log,
  clock = systemClock,
  tracer,
  identify,
}: ListenerOptions): Promise<OpenListener> {
  const routes = new Routes()
  const closing = new AbortController()
  const server = await openHttp1Server({ host, port }, (request) => {
    const traced = tracer && new RequestSpan(tracer, request)
    const call = createCall({ correlationId: correlationIdOf(request), signal: request.gone, trace: traced?.context })
    runInCall(call, () => void serve(request, call, traced))
  })
  const url = `http://${isIP(host) === 6 ? `[${host}]` : host}:${server.port}`

  /** Never rejects. */
  async function serve(request: Http1Request, call: CallContext, traced: RequestSpan | undefined): Promise<void> {
    const report = (error: unknown) => reported(error, request, call, traced)
    try {
      request.setHeader('x-correlation-id', call.origin.correlationId)
      request.setHeader('x-content-type-options', 'nosniff')
      await answer(request, call, report)
    } catch (error) {
      refuse(request, report(error))
    }
    request.discardRest()
  }

  function refuse(request: Http1Request, problem: Problem): void {
    if (request.isAnswered) {
      request.breakOff()
      return
    }
    try {
      answerProblem(request, problem)
    } catch (error) {
      // Nothing that a request brings about may end the process, which a rejection here would.
      log.error('An error could not be answered', { method: request.method, route: request.route, error })
      request.breakOff()
    }
  }

  async function answer(request: Http1Request, call: CallContext, report: (error: unknown) => Problem): Promise<void> {
    if (!request.hasOneHost) throw servicesErrors.REQUEST_MALFORMED({ reason: 'it must have one Host header' })
    const { authority = request.header('host') ?? '', path, query } = targetOf(request)
    if (exposure === 'local') refuseForeign(request, authority, { host, port: server.port, proxy })
    if (request.method === 'OPTIONS') {
      request.answer(204, { allow: routes.methodsOf(path).join(', ') })
      return
    }
    const { route, parameters } = routes.find(request.method, path)
    request.route = route.path
    const key = idempotencyKeyOf(request)
    const identity = await identify?.({
      method: request.method,
      route: route.path,
      remoteAddress: request.remoteAddress,
      header: (name) => request.header(name),
    })
    const { origin, signal, trace } = call
    const deadlineAt = deadlineOf(request, clock)
    const identified = createCall({ correlationId: origin.correlationId, signal, trace, key, deadlineAt, ...identity })
    const exchange = new RoutedExchange(request, {
      parameters,
      query: new URLSearchParams(query),
      call: identified,
      closing: closing.signal,
      clock,
      report,
    })
    await runInCall(identified, () => route.answer(exchange))
  }

  function reported(
    error: unknown,
    request: Http1Request,
    { origin }: CallContext,
    traced: RequestSpan | undefined,
  ): Problem {
    // Without query string and parameters, which may hold secrets.
    const route = request.route || request.target.split('?', 1)[0]
    const named = namedError(error, `${request.method} ${route}`)
    const about = { method: request.method, route, error }
    if (named.kind === 'internal') log.error('A request failed', about)
    // What the caller is not told must be found somewhere.
    else if (named.cause !== undefined && named.kind !== 'cancelled') log.warn('A request was refused', about)
    if (request.isAnswered) traced?.failed(named.code)
    return problemOf(named, origin.correlationId)
  }

  let closed: Promise<void> | undefined
  return {
    url,
    exposure,
    route: (method, path, answer) => routes.add(method, path, answer),
    close(cut) {
      closed ??= (async () => {
        closing.abort(servicesErrors.LISTENER_CLOSING({}))
        const { requests, connections } = await server.close(cut)
        if (requests + connections > 0)
          log.warn('The time to close was over: what was left was cut off', { url, requests, connections })
      })()
      return closed
    },
  }
}

/** The parts of a request's target, which may be a whole URL (RFC 9112, 3.2.2): its authority counts then, not the Host header. */
function targetOf({ target }: Arrival): { authority?: string | undefined; path: string; query: string } {
  const whole = /^https?:\/\/([^/?#]*)(.*)$/i.exec(target)
  const rest = whole?.[2] ?? target
  const at = rest.indexOf('?')
  const path = (at < 0 ? rest : rest.slice(0, at)) || '/'
  try {
    decodeURIComponent(path)
  } catch {
    throw servicesErrors.REQUEST_MALFORMED({ reason: 'the path has a broken percent-encoding' })
  }
  return { ...(whole && { authority: whole[1] }), path, query: at < 0 ? '' : rest.slice(at + 1) }
}

function isLoopbackName(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host)
}

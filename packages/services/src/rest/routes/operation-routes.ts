/**
 * Operations over HTTP: on the routes of their `http()` annotations, and, for the commands of this machine, at
 * `POST /rpc/<service>.<operation>`.
 */
import { isUtf8 } from 'node:buffer'
import { isRecord } from '@keelson/kernel'
import { servicesErrors } from '../../errors.ts'
import { callAtEdge, subscribeAtEdge } from '../../facade/edge.ts'
import type { ServiceHost } from '../../facade/service-host.ts'
import { isFromPeer } from '../../listener/call-headers.ts'
import { answerEvents, answerEventsHead } from '../../listener/event-stream.ts'
import { answerJson, type Exchange, readBytes, readJson, textOf } from '../../listener/exchange.ts'
import type { Listener } from '../../listener/listener.ts'
import { readHttp } from '../http.ts'
import type { HttpRoute } from '../http-route.ts'
import { type InputLayout, layoutOf } from '../input-layout.ts'
import { bytesType, readInput } from '../request-input.ts'
import { publicError } from './public-error.ts'

const defaultMaxBytes = 1024 * 1024

/** Adds the routes of a service's http() annotations. */
export function addOperationRoutes(listener: Listener, host: ServiceHost): void {
  for (const [name, operation] of Object.entries(host.contract.operations)) {
    const route = readHttp(operation)
    if (!route) continue
    const shown = (error: unknown) => publicError(error, operation, `${host.name}.${name}`)
    const layout = layoutOf(operation, route, `${host.name}.${name}`)
    listener.route(route.method, route.path, async (exchange) => {
      if (exchange.method === 'HEAD' && operation.kind === 'command') throw headRefused(route)
      const body = await readBody(exchange, layout)
      const input = readInput(layout, { path: exchange.parameters, query: exchange.query, body })
      try {
        // Beyond this machine anybody may say so, and gain a call without a deadline.
        const isPeer = listener.exposure === 'local' && isFromPeer(exchange)
        await answerCall(exchange, host, name, input, { route, shown, isPeer })
      } catch (error) {
        throw shown(error)
      }
    })
  }
}

/** A caller who asks for the head alone expects that nothing happens. */
function headRefused({ path }: HttpRoute): Error {
  return servicesErrors.ROUTE_METHOD_UNKNOWN({ method: 'HEAD', path, allow: ['GET'] })
}

/** Adds `POST /rpc/<service>.<operation>` for all services. The body is the input as JSON, or nothing. */
export function addRpcRoute(listener: Pick<Listener, 'route'>, hostOf: (service: string) => ServiceHost): void {
  listener.route('POST', '/rpc/{operation}', async (exchange) => {
    const [service = '', name = ''] = (exchange.parameters['operation'] ?? '').split('.', 2)
    const host = hostOf(service)
    const operation = host.operation(name)
    const maxBytes = readHttp(operation)?.options.maxBytes ?? defaultMaxBytes
    // A text of n bytes may take more in JSON, where a quote is two.
    await answerCall(exchange, host, name, await readJson(exchange, maxBytes * 2))
  })
}

interface AnswerOptions {
  readonly route?: HttpRoute
  /** Makes of an error what its caller may know. */
  readonly shown?: (error: unknown) => unknown
  /** Whether a process of ours calls, which has run what protects callers. */
  readonly isPeer?: boolean
}

async function answerCall(
  exchange: Exchange,
  host: ServiceHost,
  name: string,
  input: unknown,
  { route, shown = (error) => error, isPeer = false }: AnswerOptions = {},
): Promise<void> {
  const operation = host.operation(name)
  if (operation.kind === 'subscription') {
    if (exchange.method === 'HEAD') answerEventsHead(exchange)
    else await answerEvents(exchange, subscribeAtEdge(host, name, input, exchange.call), shown)
    return
  }
  const output = await callAtEdge(host, name, input, exchange.call, isPeer)
  const location = route?.options.location?.replace(/\{(\w+)\}/g, (_, key) =>
    encodeURIComponent(String(isRecord(output) ? output[key] : '')),
  )
  const headers: Record<string, string> = location ? { location } : {}
  if (output !== undefined) answerJson(exchange, route?.options.status ?? 200, output, headers)
  else exchange.answer(operation.output ? 204 : (route?.options.status ?? 204), headers)
}

/** The body as its layout wants it: JSON, or the inputs that raw text or bytes make. */
async function readBody(exchange: Exchange, { route, body, required }: InputLayout): Promise<unknown> {
  const { maxBytes = defaultMaxBytes, body: name = '', base64 } = route.options
  if (body === 'none') return undefined
  if (body !== 'text') return readJson(exchange, maxBytes)
  const bytes = await readBytes(exchange, maxBytes)
  const type = exchange.header('content-type')
  if (bytes.length === 0 && type === undefined && !required.has(name)) return undefined
  const isText = base64 === undefined || (type !== bytesType && isUtf8(bytes))
  return {
    [name]: isText ? textOf(bytes) : bytes.toString('base64'),
    ...(base64 !== undefined && { [base64]: isText ? 'utf-8' : 'base64' }),
  }
}

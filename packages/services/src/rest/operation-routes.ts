/**
 * Operations over HTTP: on the routes of their `http()` annotations, and, for the commands of this machine, at
 * `POST /rpc/<service>.<operation>`.
 */
import { isUtf8 } from 'node:buffer'
import { coerceText, isRecord, jsonSchemaOf, type Operation, propertiesOf } from '@keelson/kernel'
import { servicesErrors } from '../errors.ts'
import { callAtEdge, subscribeAtEdge } from '../facade/edge.ts'
import type { ServiceHost } from '../facade/service-host.ts'
import { answerEvents, answerEventsHead } from '../listener/event-stream.ts'
import { answerJson, type Exchange, readJson, textOf } from '../listener/exchange.ts'
import type { Listener } from '../listener/listener.ts'
import { type HttpRoute, readHttp } from './http.ts'
import { publicError } from './public-error.ts'

const defaultMaxBytes = 1024 * 1024

/** Adds the routes of a service's http() annotations. */
export function addOperationRoutes(listener: Listener, host: ServiceHost): void {
  for (const [name, operation] of Object.entries(host.contract.operations)) {
    const route = readHttp(operation)
    if (!route) continue
    const shown = (error: unknown) => publicError(error, operation, `${host.name}.${name}`)
    listener.route(route.method, route.path, async (exchange) => {
      if (exchange.method === 'HEAD' && operation.kind === 'command') throw headRefused(route)
      const input = await readInput(exchange, route, operation)
      try {
        await answerCall(exchange, host, name, input, route, shown)
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
    await answerCall(exchange, host, name, await readJson(exchange, maxBytes * 2), undefined)
  })
}

async function answerCall(
  exchange: Exchange,
  host: ServiceHost,
  name: string,
  input: unknown,
  route: HttpRoute | undefined,
  shown: (error: unknown) => unknown = (error) => error,
): Promise<void> {
  const operation = host.operation(name)
  if (operation.kind === 'subscription') {
    if (exchange.method === 'HEAD') answerEventsHead(exchange)
    else await answerEvents(exchange, subscribeAtEdge(host, name, input, exchange.call), shown)
    return
  }
  const output = await callAtEdge(host, name, input, exchange.call)
  const location = route?.options.location?.replace(/\{(\w+)\}/g, (_, key) =>
    encodeURIComponent(String(isRecord(output) ? output[key] : '')),
  )
  const headers: Record<string, string> = location ? { location } : {}
  if (operation.output) answerJson(exchange, route?.options.status ?? 200, output, headers)
  else exchange.answer(route?.options.status ?? 204, headers)
}

/** Collects the input from path, query string and body, with the types that the operation's JSON Schema asks for. */
async function readInput(exchange: Exchange, { method, options }: HttpRoute, operation: Operation): Promise<unknown> {
  const input: Record<string, unknown> = Object.create(null)
  const hasFields = !options.body && !options.json && method !== 'GET' && method !== 'DELETE'
  if (options.json) {
    const body = await readJson(exchange, options.maxBytes ?? defaultMaxBytes)
    if (body !== undefined) input[options.json] = body
  } else if (hasFields) {
    const body = await readJson(exchange, options.maxBytes ?? defaultMaxBytes)
    if (body !== undefined && !isRecord(body))
      throw servicesErrors.REQUEST_MALFORMED({ reason: 'the body must be a JSON object' })
    Object.assign(input, body)
  } else if (options.body) {
    const bytes = await exchange.readBytes(options.maxBytes ?? defaultMaxBytes)
    const isText = options.base64 === undefined || isUtf8(bytes)
    input[options.body] = isText ? textOf(bytes) : bytes.toString('base64')
    if (options.base64 !== undefined) input[options.base64] = isText ? 'utf-8' : 'base64'
  }
  const properties = operation.input ? propertiesOf(jsonSchemaOf(operation.input, 'input', 'input')) : {}
  for (const key of new Set(exchange.query.keys())) {
    const isTaken = key in input || key in exchange.parameters
    if (isTaken) throw servicesErrors.REQUEST_MALFORMED({ reason: `the parameter "${key}" is given twice` })
    input[key] = coerceText(exchange.query.getAll(key), own(properties, key))
  }
  for (const [key, text] of Object.entries(exchange.parameters)) input[key] = coerceText(text, own(properties, key))
  return operation.input || Object.keys(input).length > 0 ? { ...input } : undefined
}

function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined
}

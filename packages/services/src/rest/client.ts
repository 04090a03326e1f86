/**
 * The typed client of a contract over HTTP, for callers that are not part of a system: on the routes of its `http()` annotations, and at
 * `/rpc` for what has none (loopback listeners only). Whatever speaks those routes may answer, ours or not.
 */
import {
  type CallContext,
  type Contract,
  currentCall,
  isRecord,
  jsonSchemaOf,
  type Operation,
  type Operations,
  problemsOf,
  propertiesOf,
  type ServiceOperations,
} from '@keelson/kernel'
import { servicesErrors } from '../errors.ts'
import { withSignal } from '../facade/call-signal.ts'
import { leavable } from '../facade/leavable.ts'
import { itemsIn } from './event-items.ts'
import { type HttpRoute, placeOf, readHttp } from './http.ts'
import { type ClientHeaders, type HttpAnswer, HttpClient } from './http-client.ts'
import { errorOfAnswer } from './remote-error.ts'

export interface ClientOptions {
  /** Sent with every request: credentials, mostly. A function is asked each time. */
  readonly headers?: ClientHeaders
  /** For a call to be answered, and for a subscription to begin; 30 seconds unless given. */
  readonly timeoutMs?: number
  readonly fetch?: typeof fetch
  /** What the service is known by there, for `/rpc`; the contract's name unless given. A later major version is `<name>-v<major>`. */
  readonly service?: string
}

/** One operation and how it is reached. */
interface Target {
  /** `service.operation` */
  readonly name: string
  readonly operation: Operation
  readonly route: HttpRoute
  /** Some input is a field of the body, so that there is one even when all are left out. */
  readonly hasFields: boolean
}

/**
 * One function per operation, each a request. A call rejects with the callee's named error; with a declared one of the contract where a
 * foreign answer's status fits it; with REMOTE_… by status otherwise; with PEER_UNREACHABLE, REMOTE_TIMEOUT or REMOTE_ANSWER_INVALID.
 * Nothing is repeated. Outputs are checked with the contract's schemas, and lose what those do not know.
 *
 * @example
 * const notes = createClient(Notes, 'http://127.0.0.1:4000')
 * const { id } = await notes.add({ title: 'Keel' })
 */
export function createClient<Ops extends Operations>(
  contract: Contract<string, Ops>,
  url: string,
  options: ClientOptions = {},
): ServiceOperations<Ops> {
  const client = new HttpClient(url, options)
  const entries = Object.entries<Operation>(contract.operations).map(([key, operation]) => {
    const name = `${options.service ?? contract.name}.${key}`
    const target = targetOf(name, operation)
    const isStream = operation.kind === 'subscription'
    const send = (input: unknown, call: CallContext = currentCall()) =>
      isStream ? subscribe(client, target, input, call) : invoke(client, target, input, call)
    return [key, send]
  })
  // One function per operation of the contract, of the kind that the contract names.
  return Object.fromEntries(entries) as ServiceOperations<Ops>
}

function targetOf(name: string, operation: Operation): Target {
  const route = readHttp(operation) ?? { method: 'POST', path: `/rpc/${encodeURIComponent(name)}`, options: {} }
  const properties = operation.input ? propertiesOf(jsonSchemaOf(operation.input, 'input', name)) : {}
  const hasFields = Object.keys(properties).some((key) => placeOf(route, key) === 'field')
  return { name, operation, route, hasFields }
}

async function invoke(client: HttpClient, target: Target, input: unknown, call: CallContext): Promise<unknown> {
  const answer = await send(client, target, input, call)
  const text = await answer.text()
  if (!target.operation.output) return undefined
  return checked(target, text === '' ? undefined : parse(target, answer, text))
}

function subscribe(client: HttpClient, target: Target, input: unknown, call: CallContext): AsyncIterable<unknown> {
  return leavable(call.signal, (signal) => itemsOf(client, target, input, withSignal(call, signal)))
}

async function* itemsOf(
  client: HttpClient,
  target: Target,
  input: unknown,
  call: CallContext,
): AsyncGenerator<unknown> {
  const answer = await send(client, target, input, call)
  for await (const data of itemsIn(answer, target.name)) yield await checkedItem(target, data)
}

async function send(client: HttpClient, target: Target, input: unknown, call: CallContext): Promise<HttpAnswer> {
  const { name, operation, route } = target
  const isStream = operation.kind === 'subscription'
  const request = { operation: name, method: route.method, ...requestOf(target, input), isStream, call }
  const answer = await client.send(request)
  if (!answer.isSuccess) throw await errorOfAnswer(answer, name, operation)
  return answer
}

/** Puts every input where its route wants it. */
function requestOf(
  { name, route, hasFields }: Target,
  input: unknown,
): { path: string; body: string | Uint8Array<ArrayBuffer> | undefined; contentType: string | undefined } {
  const fields: Record<string, unknown> = {}
  const query = new URLSearchParams()
  let path = route.path
  let body: string | Uint8Array<ArrayBuffer> | undefined
  let contentType: string | undefined
  const { base64 } = route.options
  const isBytes = base64 !== undefined && isRecord(input) && input[base64] === 'base64'
  for (const [key, value] of Object.entries(isRecord(input) ? input : {})) {
    if (value === undefined) continue
    const place = placeOf(route, key)
    if (place === 'path') path = path.replace(`{${key}}`, () => segmentOf(name, key, value))
    else if (place === 'query') for (const one of Array.isArray(value) ? value : [value]) query.append(key, textOf(one))
    else if (place === 'field') fields[key] = value
    else if (place === 'text' && isBytes) {
      body = bytesOf(name, key, value)
      contentType = 'application/octet-stream'
    } else if (place !== 'form') {
      body = place === 'text' ? String(value) : JSON.stringify(value)
      contentType = place === 'text' ? 'text/plain; charset=utf-8' : 'application/json'
    }
  }
  const unfilled = /\{(\w+)\}/.exec(path)?.[1]
  if (unfilled !== undefined) throw misplaced(name, unfilled, 'the path of the route needs it')
  if (Object.keys(fields).length > 0 || (hasFields && input !== undefined)) {
    body = JSON.stringify(fields)
    contentType = 'application/json'
  }
  return { path: query.size > 0 ? `${path}?${query}` : path, body, contentType }
}

function bytesOf(operation: string, key: string, value: unknown): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(String(value)), (character) => character.charCodeAt(0))
  } catch {
    throw misplaced(operation, key, 'it is not base64')
  }
}

/** A segment that is empty or only dots would name another path. */
function segmentOf(operation: string, key: string, value: unknown): string {
  const text = textOf(value)
  if (/^\.{0,2}$/.test(text)) throw misplaced(operation, key, `"${text}" cannot be a part of a path`)
  return encodeURIComponent(text)
}

function misplaced(operation: string, path: string, message: string): Error {
  return servicesErrors.OPERATION_INPUT_INVALID({ operation, problems: [{ path, message }] })
}

function textOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
}

function parse({ name }: Target, { headers }: HttpAnswer, text: string): unknown {
  if (!/[/+]json\b/i.test(headers.get('content-type') ?? '')) return text
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw servicesErrors.REMOTE_ANSWER_INVALID({ operation: name, reason: 'it is not JSON' }, { cause })
  }
}

/** What a subscription sends as `null` may be an item without a value. */
async function checkedItem(target: Target, data: unknown): Promise<unknown> {
  if (data !== null) return checked(target, data)
  const { output } = target.operation
  const asNull = await output?.['~standard'].validate(null)
  return checked(target, asNull?.issues ? undefined : null)
}

async function checked({ name, operation }: Target, output: unknown): Promise<unknown> {
  const result = await operation.output?.['~standard'].validate(output)
  if (!result) return undefined
  if (!result.issues) return result.value
  const reason = problemsOf(result.issues).map(({ path, message }) => (path ? `${path}: ${message}` : message))
  throw servicesErrors.REMOTE_ANSWER_INVALID({ operation: name, reason: reason.join('; ') })
}

/**
 * The typed client of a contract over HTTP, for callers that are not part of a system: on the routes of its `http()` annotations, and at
 * `/rpc` for what has none (loopback listeners only). Whatever speaks those routes may answer, ours or not.
 */
import {
  type CallChanges,
  type CallContext,
  type Clock,
  type Contract,
  deriveCall,
  type Operation,
  type Operations,
  problemsOf,
  type ServiceOperations,
} from '@keelson/kernel'
import { servicesErrors } from '../../errors.ts'
import { callOf } from '../../facade/call-of.ts'
import { leavable } from '../../facade/leavable.ts'
import { comesBefore, matchRoutePath } from '../../listener/route-path.ts'
import { readHttp } from '../http.ts'
import type { HttpMethod } from '../http-route.ts'
import { type InputLayout, layoutOf } from '../input-layout.ts'
import { type WrittenInput, writeInput, writeRpcInput } from '../request-input.ts'
import { itemsIn } from './event-items.ts'
import { type ClientHeaders, type HttpAnswer, HttpClient } from './http-client.ts'
import { errorOfAnswer } from './remote-error.ts'

export interface ClientOptions {
  /** Sent with every request: credentials, mostly. A function is asked each time. */
  readonly headers?: ClientHeaders
  /** For a call to be answered, and for a subscription to begin; 30 seconds unless given. */
  readonly timeoutMs?: number
  /** The largest answer that is read; 64 MiB unless given. Of a stream, each event may have 64 MiB. */
  readonly maxAnswerBytes?: number
  readonly fetch?: typeof fetch
  /** What times are measured by: that of the process unless given. */
  readonly clock?: Clock
  /** What the service is known by there, for `/rpc`; the contract's name unless given. A later major version is `<name>-v<major>`. */
  readonly service?: string
}

/** One operation and how it is reached. */
interface Target {
  /** `service.operation` */
  readonly name: string
  readonly operation: Operation
  /** Undefined: by its name at `/rpc`, where the body is the input. */
  readonly layout: InputLayout | undefined
  /** Routes of the same contract that the router asks first, in whose place a value in the path could put a request. */
  readonly before: readonly string[]
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
  const all = Object.values<Operation>(contract.operations)
  const entries = Object.entries<Operation>(contract.operations).map(([key, operation]) => {
    const name = `${options.service ?? contract.name}.${key}`
    const target = targetOf(name, operation, all)
    const isStream = operation.kind === 'subscription'
    const send = (input: unknown, given?: CallChanges) => {
      const call = callOf(name, given, undefined)
      return isStream ? subscribe(client, target, input, call) : invoke(client, target, input, call)
    }
    return [key, send]
  })
  // One function per operation of the contract, of the kind that the contract names.
  return Object.fromEntries(entries) as ServiceOperations<Ops>
}

function targetOf(name: string, operation: Operation, all: readonly Operation[]): Target {
  const route = readHttp(operation)
  if (!route) return { name, operation, layout: undefined, before: [] }
  const others = all.map(readHttp).filter((one) => one?.method === route.method)
  const before = others.map((one) => one?.path ?? '').filter((path) => comesBefore(path, route.path))
  return { name, operation, layout: layoutOf(operation, route, name), before }
}

function requestOf({ name, layout, before }: Target, input: unknown): WrittenInput & { method: HttpMethod } {
  if (!layout) return { method: 'POST', ...writeRpcInput(name, input) }
  const written = writeInput(layout, name, input)
  const taken = before.find((path) => matchRoutePath(path, written.path.replace(/\?.*$/s, '')))
  if (taken === undefined) return { method: layout.route.method, ...written }
  const problems = [{ path: '', message: `the request would reach ${layout.route.method} ${taken}` }]
  throw servicesErrors.OPERATION_INPUT_INVALID({ operation: name, problems })
}

async function invoke(client: HttpClient, target: Target, input: unknown, call: CallContext): Promise<unknown> {
  const answer = await send(client, target, input, call)
  const text = await answer.text()
  if (!target.operation.output) return undefined
  return checked(target, text === '' ? undefined : parse(target, answer, text))
}

function subscribe(client: HttpClient, target: Target, input: unknown, call: CallContext): AsyncIterable<unknown> {
  return leavable(call.signal, (signal) => itemsOf(client, target, input, deriveCall(call, { signal })))
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
  const { name, operation } = target
  const isStream = operation.kind === 'subscription'
  const request = { operation: name, ...requestOf(target, input), isStream, call }
  const answer = await client.send(request)
  if (!answer.isSuccess) throw await errorOfAnswer(answer, name, operation)
  return answer
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

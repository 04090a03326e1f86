/** The other end of `/rpc`: calls operations of a system that runs elsewhere on this machine, by name. */
import { type CallContext, currentCall, deriveCall } from '@keelson/kernel'
import { servicesErrors } from '../../errors.ts'
import { leavable } from '../../facade/leavable.ts'
import { errorOfProblem } from '../../listener/problem.ts'
import { itemsIn } from './event-items.ts'
import { type HttpAnswer, HttpClient } from './http-client.ts'

export interface RpcClient {
  /** Rejects with the callee's named error, REQUEST_CANCELLED, REMOTE_TIMEOUT, REMOTE_ANSWER_INVALID or PEER_UNREACHABLE. */
  call(service: string, operation: string, input: unknown, signal?: AbortSignal): Promise<unknown>
  subscribe(service: string, operation: string, input: unknown, signal?: AbortSignal): AsyncIterable<unknown>
  /** What a system's own page answers, such as `/health/ready`: its JSON, whatever the status. */
  read(path: string, signal?: AbortSignal): Promise<unknown>
  /** The same as text, for pages that are not JSON. Rejects with the peer's named error when it answers with one. */
  readText(path: string, signal?: AbortSignal): Promise<string>
  /** The items of a page that is a stream of events, until it ends. */
  follow(path: string, signal?: AbortSignal): AsyncIterable<unknown>
}

export interface RpcClientOptions {
  /** What the system asks for beyond reading; a system keeps it in its data folder (see `readSystemKey`). */
  readonly key?: string | undefined
}

/** An operation on a command line may work for long; a day is beyond all of them. */
const timeoutMs = 24 * 60 * 60 * 1_000

/** @param url of the peer's listener. */
export function createRpcClient(url: string, { key }: RpcClientOptions = {}): RpcClient {
  const client = new HttpClient(url, { timeoutMs, headers: key === undefined ? {} : { [keyHeader]: key } })

  async function request(path: string, call: CallContext, more: object = {}): Promise<HttpAnswer> {
    return client.send({ operation: path, method: 'GET', path, call, ...more })
  }
  async function post(service: string, operation: string, input: unknown, call: CallContext, isStream: boolean) {
    const name = `${service}.${operation}`
    const body = input === undefined ? undefined : JSON.stringify(input)
    const more = { operation: name, method: 'POST', contentType: 'application/json', body, isStream }
    return succeeded(await request(`/rpc/${encodeURIComponent(name)}`, call, more), name)
  }
  return {
    async call(service, operation, input, signal) {
      const answer = await post(service, operation, input, within(signal), false)
      return parse(await answer.text(), `${service}.${operation}`)
    },
    subscribe(service, operation, input, signal) {
      const outer = within(signal)
      return leavable(outer.signal, async (inner) => {
        const answer = await post(service, operation, input, deriveCall(outer, { signal: inner }), true)
        return itemsIn(answer, `${service}.${operation}`)
      })
    },
    async read(path, signal) {
      return parse(await (await request(path, within(signal))).text(), path)
    },
    async readText(path, signal) {
      return (await succeeded(await request(path, within(signal)), path)).text()
    },
    follow(path, signal) {
      const outer = within(signal)
      return leavable(outer.signal, async (inner) => {
        const answer = await request(path, deriveCall(outer, { signal: inner }), { isStream: true })
        return itemsIn(await succeeded(answer, path), path)
      })
    },
  }
}

/** Where the key travels that a system asks for. */
export const keyHeader = 'x-keelson-key'

function within(signal: AbortSignal | undefined): CallContext {
  return signal ? deriveCall(currentCall(), { signal }) : currentCall()
}

/** Our own listener answers every failure with a problem. */
async function succeeded(answer: HttpAnswer, operation: string): Promise<HttpAnswer> {
  if (answer.isSuccess) return answer
  throw errorOfProblem(parseSafely(await answer.beginning())) ?? servicesErrors.PEER_UNREACHABLE({ operation })
}

function parse(text: string, operation: string): unknown {
  if (text === '') return undefined
  const value = parseSafely(text)
  if (value === undefined) throw servicesErrors.REMOTE_ANSWER_INVALID({ operation, reason: 'it is not JSON' })
  return value
}

function parseSafely(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

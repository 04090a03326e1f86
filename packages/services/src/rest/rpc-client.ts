/** The other end of `/rpc`: calls operations of a system that runs elsewhere on this machine, by name. */
import { currentCall } from '@keelson/kernel'
import { traceHeaders } from '@keelson/telemetry'
import { servicesErrors } from '../errors.ts'
import { errorOfProblem } from '../listener/problem.ts'
import { eventsOf } from './server-sent-events.ts'

export interface RpcClient {
  /** Rejects with the callee's named error, or PEER_UNREACHABLE. */
  call(service: string, operation: string, input: unknown, signal?: AbortSignal): Promise<unknown>
  subscribe(service: string, operation: string, input: unknown, signal?: AbortSignal): AsyncIterable<unknown>
  /** What a system's own page answers, such as `/health/ready`: its JSON, whatever the status. */
  read(path: string, signal?: AbortSignal): Promise<unknown>
  /** The same as text, for pages that are not JSON. Rejects with the peer's named error when it answers with one. */
  readText(path: string, signal?: AbortSignal): Promise<string>
  /** The items of a page that is a stream of events, until it ends. */
  follow(path: string, signal?: AbortSignal): AsyncIterable<unknown>
}

/** @param url of the peer's listener, without a slash at the end. */
export function createRpcClient(url: string): RpcClient {
  async function request(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(`${url}${path}`, init)
    } catch (cause) {
      throw servicesErrors.PEER_UNREACHABLE({ url }, { cause })
    }
  }
  async function post(service: string, operation: string, input: unknown, signal?: AbortSignal): Promise<Response> {
    const response = await request(`/rpc/${encodeURIComponent(`${service}.${operation}`)}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...traceHeaders(currentCall().trace) },
      ...(input !== undefined && { body: JSON.stringify(input) }),
      ...(signal && { signal }),
    })
    if (!response.ok) throw await errorOf(response, url)
    return response
  }
  async function* itemsOf(response: Response): AsyncGenerator<unknown> {
    for await (const { event, data } of eventsOf(response)) {
      if (event === 'end') return
      if (event === 'error') throw errorOfProblem(data) ?? servicesErrors.PEER_UNREACHABLE({ url })
      yield data
    }
    throw servicesErrors.PEER_UNREACHABLE({ url })
  }
  return {
    async call(service, operation, input, signal) {
      const text = await (await post(service, operation, input, signal)).text()
      return text === '' ? undefined : JSON.parse(text)
    },
    async *subscribe(service, operation, input, signal) {
      const response = await post(service, operation, input, signal)
      yield* itemsOf(response)
    },
    async read(path, signal) {
      return (await request(path, signal ? { signal } : {})).json()
    },
    async readText(path, signal) {
      const response = await request(path, signal ? { signal } : {})
      if (!response.ok) throw await errorOf(response, url)
      return response.text()
    },
    async *follow(path, signal) {
      const response = await request(path, signal ? { signal } : {})
      if (!response.ok) throw await errorOf(response, url)
      yield* itemsOf(response)
    },
  }
}

async function errorOf(response: Response, url: string): Promise<Error> {
  // Our own listener answers every failure with a problem.
  const body: unknown = await response.json().catch(() => undefined)
  return errorOfProblem(body) ?? servicesErrors.PEER_UNREACHABLE({ url })
}

import { createCall, deriveCall, rootCall } from '@keelson/kernel'
import { createFakeClock } from '@keelson/kernel/testing'
import { describe, expect, it } from 'vitest'
import { HttpClient, type HttpClientOptions } from '../../../src/rest/clients/http-client.ts'

const request = { operation: 'books.list', method: 'GET', path: '/books', call: rootCall } as const

/** A client whose server the test plays. */
function clientOf(
  answer: (url: string, init: RequestInit) => Response | Promise<Response>,
  options: HttpClientOptions = {},
) {
  const send = async (url: unknown, init: RequestInit = {}) => answer(String(url), init)
  return new HttpClient('http://peer.test/base/', { fetch: send, ...options })
}

/** Never answers, and gives up with its caller as fetch does. */
const silent = (_: string, { signal }: RequestInit) =>
  new Promise<Response>((_, reject) => {
    if (signal?.aborted) reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason))
  })

describe('HttpClient', () => {
  it('sends what belongs to the call, and credentials of its address as such', async () => {
    const seen: [url: string, headers: Record<string, string>][] = []
    const send = async (url: unknown, init: RequestInit = {}) => {
      seen.push([String(url), Object.fromEntries(new Headers(init.headers))])
      return new Response('ok')
    }
    const client = new HttpClient('http://sv%C3%A7:s%3Acret@peer.test/base/?token=x', { fetch: send })
    const call = createCall({ correlationId: 'order-7', key: 'k-1' })
    await client.send({ ...request, call })
    expect(seen).toEqual([
      [
        'http://peer.test/base/books',
        {
          accept: 'application/json, */*;q=0.5',
          authorization: `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode('svç:s:cret')))}`,
          'idempotency-key': 'k-1',
          'x-correlation-id': 'order-7',
        },
      ],
    ])
    const own = new HttpClient('http://a:b@peer.test', { fetch: send, headers: { Authorization: 'Bearer t' } })
    await own.send(request)
    expect(seen[1]?.[1]['authorization']).toBe('Bearer t')
  })

  it('waits longer than a timer can, for the answer and its body', async () => {
    const clock = createFakeClock()
    const timeoutMs = 40 * 24 * 60 * 60 * 1_000
    const late = expect(clientOf(silent, { clock, timeoutMs }).send(request)).rejects.toMatchObject({
      code: 'REMOTE_TIMEOUT',
      details: { operation: 'books.list', timeoutMs },
    })
    await clock.advance(timeoutMs - 1)
    expect(clock.sleeping).toBe(1)
    await clock.advance(1)
    await late
  })

  it('leaves no timer behind, however an answer is taken', async () => {
    const clock = createFakeClock()
    const client = clientOf(() => new Response('text'), { clock })
    expect(await (await client.send(request)).text()).toBe('text')
    await (await client.send(request)).beginning()
    await (await client.send({ ...request, isStream: true })).events().return(undefined)
    await expect(clientOf(() => Promise.reject(new Error('no')), { clock }).send(request)).rejects.toThrow()
    expect(clock.sleeping).toBe(0)
  })

  it('says that its caller left, that nobody answers, and that an answer broke off', async () => {
    const caller = new AbortController()
    const left = clientOf(silent).send({ ...request, call: deriveCall(rootCall, { signal: caller.signal }) })
    caller.abort()
    await expect(left).rejects.toMatchObject({ code: 'REQUEST_CANCELLED', kind: 'cancelled', retryable: false })
    const nobody = clientOf(() => Promise.reject(new TypeError('fetch failed')))
    await expect(nobody.send(request)).rejects.toMatchObject({
      code: 'PEER_UNREACHABLE',
      message: expect.not.stringContaining('peer.test'),
      details: { operation: 'books.list' },
      cause: { message: 'no whole answer from http://peer.test/base' },
    })
    const body = new ReadableStream({
      pull(controller) {
        controller.error(new TypeError('terminated'))
      },
    })
    const broken = await clientOf(() => new Response(body)).send(request)
    await expect(broken.text()).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' })
  })

  it('reads no more than it has to of an answer that never ends', async () => {
    let isLeft = false
    const endless = () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024).fill(97)),
          cancel: () => {
            isLeft = true
          },
        }),
      )
    const answer = await clientOf(endless, { maxAnswerBytes: 3_000_000 }).send(request)
    await expect(answer.text()).rejects.toMatchObject({ code: 'REMOTE_ANSWER_INVALID' })
    expect(isLeft).toBe(true)
    const refused = await clientOf(endless).send(request)
    expect((await refused.beginning()).length).toBeLessThan(4 * 1024 * 1024)
  })
})

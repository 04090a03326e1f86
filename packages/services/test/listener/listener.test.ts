import { once } from 'node:events'
import { connect } from 'node:net'
import { createCall, currentCall, KeelsonError } from '@keelson/kernel'
import { createFakeClock } from '@keelson/kernel/testing'
import { createInMemoryLog } from '@keelson/telemetry'
import { afterEach, describe, expect, it } from 'vitest'
import { answerJson, answerText } from '../../src/listener/exchange.ts'
import { type ListenerOptions, type OpenListener, openListener } from '../../src/listener/listener.ts'
import { HttpClient } from '../../src/rest/clients/http-client.ts'

const open: OpenListener[] = []
async function listenerForTest(options: Partial<ListenerOptions> = {}): Promise<OpenListener> {
  const listener = await openListener({ host: '127.0.0.1', port: 0, log: createInMemoryLog(), ...options })
  open.push(listener)
  return listener
}
afterEach(async () => {
  for (const listener of open.splice(0)) await listener.close()
})

/** Sends bytes as they are and gives all that comes back. */
async function raw(url: string, text: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.end(text)
  let answer = ''
  socket.on('data', (data) => {
    answer += data
  })
  await once(socket, 'close')
  return answer
}

describe('openListener()', () => {
  it('answers routes in a call context with a correlation id, which it sends back', async () => {
    const listener = await listenerForTest()
    listener.route('GET', '/who', (exchange) => answerJson(exchange, 200, { id: currentCall().origin.correlationId }))
    const given = await fetch(`${listener.url}/who`, { headers: { 'x-correlation-id': 'order-7' } })
    expect([await given.json(), given.headers.get('x-correlation-id')]).toEqual([{ id: 'order-7' }, 'order-7'])
    const made = await fetch(`${listener.url}/who`, { headers: { 'x-correlation-id': 'a"b{}' } })
    expect(made.headers.get('x-correlation-id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  it.each([
    ['Host', { Host: 'evil.example' }],
    ['Host', { Host: 'evil.example:4000' }],
    ['Host', { Host: '127.0.0.1' }],
    ['Host', { Host: '127.0.0.1.evil.example:PORT' }],
    ['Origin', { Host: '127.0.0.1:PORT', Origin: 'https://evil.example' }],
    ['Origin', { Host: '127.0.0.1:PORT', Origin: 'null' }],
    ['Origin', { Host: 'localhost:PORT', Origin: 'http://localhost:1' }],
  ])('refuses a foreign %s header: %j', async (header, headers) => {
    const listener = await listenerForTest()
    const { port } = new URL(listener.url)
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value.replace('PORT', port)}\r\n`)
    const answer = await raw(listener.url, `GET / HTTP/1.1\r\n${lines.join('')}connection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1.1 403 /)
    expect(answer).toContain('"code":"HOST_REFUSED"')
    expect(answer).toContain(`the ${header} header`)
  })

  it.each(['localhost:PORT', '127.0.0.1:PORT', '[::1]:PORT', 'LOCALHOST:PORT'])(
    'accepts its own name %s',
    async (name) => {
      const listener = await listenerForTest()
      listener.route('GET', '/', (exchange) => answerText(exchange, 200, 'text/plain', 'in'))
      const authority = name.replace('PORT', new URL(listener.url).port)
      const answer = await raw(
        listener.url,
        `GET / HTTP/1.1\r\nHost: ${authority}\r\nOrigin: http://${authority}\r\nconnection: close\r\n\r\n`,
      )
      expect(answer).toMatch(/^HTTP\/1.1 200 /)
    },
  )

  it('says that a port is taken, and by what name to choose another', async () => {
    const listener = await listenerForTest()
    const port = Number(new URL(listener.url).port)
    await expect(listenerForTest({ port })).rejects.toMatchObject({
      code: 'LISTENER_PORT_TAKEN',
      message: expect.stringContaining('--port'),
    })
  })

  it('refuses the same route twice', async () => {
    const listener = await listenerForTest()
    listener.route('GET', '/x/{a}', () => {})
    listener.route('POST', '/x/{a}', () => {})
    expect(() => listener.route('GET', '/x/{a}', () => {})).toThrow(
      expect.objectContaining({ code: 'ROUTE_DUPLICATE' }),
    )
  })

  it('answers what is not HTTP, or has endless headers, with a problem', async () => {
    const listener = await listenerForTest()
    expect(await raw(listener.url, 'hello?\r\n\r\n')).toContain('"code":"REQUEST_MALFORMED"')
    const nameless = await raw(listener.url, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n')
    expect(nameless).toMatch(/^HTTP\/1.1 400 /)
    expect(nameless).toContain('"code":"REQUEST_MALFORMED"')
    const huge = await raw(listener.url, `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(200_000)}\r\n\r\n`)
    expect(huge).toMatch(/^HTTP\/1.1 431 /)
    expect(huge).toContain('"code":"REQUEST_TOO_LARGE"')
  })

  it('answers an error whatever its details hold', async () => {
    const listener = await listenerForTest()
    const circle: Record<string, unknown> = { count: 10n, retryAfterMs: 1e300, allow: ['GET', 'X\r\nset-cookie: a'] }
    circle['self'] = circle
    listener.route('GET', '/odd', () => {
      throw new KeelsonError({ code: 'ROUTE_METHOD_UNKNOWN', message: 'x', kind: 'invalid', details: circle as never })
    })
    const answer = await fetch(`${listener.url}/odd`)
    expect([answer.status, answer.headers.get('allow'), answer.headers.get('retry-after')]).toEqual([
      405,
      'GET',
      '31622400',
    ])
    expect(await answer.json()).toMatchObject({ kind: 'invalid', details: { count: '10', self: '[circular]' } })
  })

  it('lets a running answer finish when it closes, and takes no new request', async () => {
    const listener = await listenerForTest()
    const entered = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    listener.route('GET', '/slow', async (exchange) => {
      entered.resolve()
      await release.promise
      answerText(exchange, 200, 'text/plain', 'done')
    })
    const answer = fetch(`${listener.url}/slow`).then((response) => response.text())
    await entered.promise
    const closed = listener.close()
    await expect(fetch(`${listener.url}/slow`)).rejects.toThrow()
    release.resolve()
    expect(await answer).toBe('done')
    await closed
  })

  it('asks who makes a request once its route is found, and may refuse it before its body is read', async () => {
    const asked: unknown[] = []
    const listener = await listenerForTest({
      identify: async ({ method, route, header }) => {
        asked.push([method, route])
        const subject = header('authorization')
        if (subject === undefined)
          throw new KeelsonError({ code: 'NOBODY', kind: 'forbidden', message: 'Say who you are' })
        return { subject, tenant: 'acme' }
      },
    })
    listener.route('POST', '/notes/{id}', (exchange) => {
      const { identity } = exchange.call.origin
      answerJson(exchange, 200, { given: identity, found: currentCall().origin.identity === identity })
    })
    const send = (path: string, headers: Record<string, string>) =>
      fetch(`${listener.url}${path}`, { method: 'POST', headers, body: 'x'.repeat(100_000) })
    const answer = await send('/notes/7', { authorization: 'ada' })
    expect(await answer.json()).toEqual({ given: { subject: 'ada', tenant: 'acme', roles: [] }, found: true })
    expect((await send('/notes/7', {})).status).toBe(403)
    expect((await send('/nothing', {})).status).toBe(404)
    expect(asked).toEqual([
      ['POST', '/notes/{id}'],
      ['POST', '/notes/{id}'],
    ])
  })

  it('takes over how long a client of ours waits yet, on its own clock', async () => {
    const clock = createFakeClock()
    await clock.advance(5_000)
    const listener = await listenerForTest({ clock })
    listener.route('GET', '/', (exchange) => answerJson(exchange, 200, { at: exchange.call.deadlineAt }))
    const client = new HttpClient(listener.url, { clock })
    const deadlineAt = async (left: number | undefined) => {
      const call = createCall({ deadlineAt: left === undefined ? undefined : clock.monotonic() + left })
      const answer = await client.send({ operation: 'a.b', method: 'GET', path: '/', call })
      return JSON.parse(await answer.text()).at
    }
    expect(await deadlineAt(1_500)).toBe(clock.monotonic() + 1_500)
    expect(await deadlineAt(-7)).toBe(clock.monotonic())
    expect(await deadlineAt(undefined)).toBeUndefined()
    const odd = await fetch(listener.url, { headers: { 'x-keelson-time-left-ms': '-1e9' } })
    expect(await odd.json()).toEqual({})
  })

  it('aborts the call when the caller goes away', async () => {
    const listener = await listenerForTest()
    const entered = Promise.withResolvers<AbortSignal>()
    listener.route('GET', '/slow', ({ call }) => {
      entered.resolve(call.signal)
      return new Promise((resolve) => call.signal.addEventListener('abort', resolve))
    })
    const leave = new AbortController()
    const answer = fetch(`${listener.url}/slow`, { signal: leave.signal }).catch(() => 'gone')
    const signal = await entered.promise
    leave.abort()
    expect(await answer).toBe('gone')
    if (!signal.aborted) await once(signal, 'abort')
    expect(signal.reason).toMatchObject({ code: 'REQUEST_CANCELLED' })
  })
})

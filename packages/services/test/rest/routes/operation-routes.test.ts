import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunningSystem } from '../../../src/system/start-system.ts'
import { startForTest } from '../../../src/testing.ts'
import { greeter } from '../../greeter.ts'

let system: RunningSystem
beforeAll(async () => {
  system = await startForTest({ services: [greeter], listen: true })
})
afterAll(() => system.close())

async function send(method: string, path: string, body?: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${system.url}${path}`, { method, headers, ...(body !== undefined && { body }) })
  const text = await response.text()
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, headers: response.headers, body: isJson && text !== '' ? JSON.parse(text) : text }
}
const json = { 'content-type': 'application/json' }

describe('operations over REST', () => {
  it('takes input from path and query, with the types of the schema, and strips the output', async () => {
    const answer = await send('GET', '/v1/greetings/Ann?times=2&loud=true')
    expect([answer.status, answer.body]).toEqual([200, { text: 'HELLO, ANN HELLO, ANN' }])
  })

  it('decodes path parameters', async () => {
    expect((await send('GET', '/v1/greetings/J%C3%BCrgen%2Fx')).body).toEqual({ text: 'Hello, Jürgen/x' })
  })

  it('takes a JSON body and answers with status and Location of the annotation', async () => {
    const answer = await send('POST', '/v1/greetings', '{"id":"a b","text":"x"}', json)
    expect([answer.status, answer.headers.get('location'), answer.body]).toEqual([
      201,
      '/v1/greetings/a%20b',
      { id: 'a b' },
    ])
  })

  it('takes a raw body as one input', async () => {
    expect((await send('PUT', '/v1/texts/a', 'grüße')).body).toEqual({ length: 5 })
    expect((await send('PUT', '/v1/texts/a', '')).body).toEqual({ length: 0 })
  })

  it('answers 204 for an operation without output', async () => {
    const answer = await send('DELETE', '/v1/greetings/a')
    expect([answer.status, answer.body]).toEqual([204, ''])
  })

  it('answers HEAD like GET without a body', async () => {
    const answer = await send('HEAD', '/v1/greetings/Ann')
    expect([answer.status, answer.body, answer.headers.get('content-length')]).toEqual([200, '', '21'])
  })

  it.each([
    ['a parameter of the wrong type', 'GET', '/v1/greetings/Ann?times=two', undefined, 400, 'OPERATION_INPUT_INVALID'],
    ['an unknown parameter', 'GET', '/v1/greetings/Ann?tmies=2', undefined, 400, 'OPERATION_INPUT_INVALID'],
    [
      'a parameter of an object prototype',
      'GET',
      '/v1/greetings/Ann?__proto__=2',
      undefined,
      400,
      'OPERATION_INPUT_INVALID',
    ],
    [
      'a repeated parameter that is no list',
      'GET',
      '/v1/greetings/Ann?times=1&times=2',
      undefined,
      400,
      'OPERATION_INPUT_INVALID',
    ],
    ['a parameter that the path has too', 'GET', '/v1/greetings/Ann?name=Bob', undefined, 400, 'REQUEST_MALFORMED'],
    ['broken JSON', 'POST', '/v1/greetings', '{"id":', 400, 'REQUEST_MALFORMED'],
    ['JSON that is no object', 'POST', '/v1/greetings', '[1]', 400, 'REQUEST_MALFORMED'],
    ['no body', 'POST', '/v1/greetings', '', 400, 'OPERATION_INPUT_INVALID'],
    ['an unknown field', 'POST', '/v1/greetings', '{"id":"a","text":"b","txet":"c"}', 400, 'OPERATION_INPUT_INVALID'],
    [
      'a field named __proto__',
      'POST',
      '/v1/greetings',
      '{"id":"a","text":"b","__proto__":{"x":1}}',
      400,
      'OPERATION_INPUT_INVALID',
    ],
    ['a body over the limit', 'PUT', '/v1/texts/a', 'x'.repeat(1_001), 413, 'REQUEST_TOO_LARGE'],
    ['broken percent-encoding', 'GET', '/v1/greetings/%E0%A4%A', undefined, 400, 'REQUEST_MALFORMED'],
    ['an unknown path', 'GET', '/v1/greeting', undefined, 404, 'ROUTE_UNKNOWN'],
    ['a method that the path does not have', 'POST', '/v1/greetings/Ann', '{}', 405, 'ROUTE_METHOD_UNKNOWN'],
    ['an unknown service', 'POST', '/rpc/nobody.greet', '{}', 404, 'SERVICE_UNKNOWN'],
    ['an unknown operation', 'POST', '/rpc/greeter.great', '{}', 404, 'OPERATION_UNKNOWN'],
    [
      'an operation named like a property of objects',
      'POST',
      '/rpc/greeter.constructor',
      '{}',
      404,
      'OPERATION_UNKNOWN',
    ],
    ['an address without operation', 'POST', '/rpc/greeter', '{}', 404, 'OPERATION_UNKNOWN'],
    ['input for an operation that takes none', 'POST', '/rpc/greeter.ping', '{"a":1}', 400, 'OPERATION_INPUT_INVALID'],
  ])('refuses %s by name', async (_, method, path, body, status, code) => {
    const answer = await send(method, path, body, json)
    expect(answer).toMatchObject({ status, body: { code, status, correlationId: expect.stringMatching(/.+/) } })
    expect(answer.headers.get('content-type')).toMatch('application/problem+json')
    if (status === 405) expect(answer.headers.get('allow')).toBe('GET, DELETE')
  })

  it('refuses a body of another type, so that a form of another site cannot send one', async () => {
    expect(
      await send('POST', '/v1/greetings', '{"id":"a","text":"b"}', { 'content-type': 'text/plain' }),
    ).toMatchObject({
      status: 415,
      body: { code: 'REQUEST_TYPE_UNSUPPORTED' },
    })
  })

  it('lets the caller of a body far over the limit read why it is refused, with and without a length', async () => {
    const chunk = new Uint8Array(1024 * 1024)
    const stream = new ReadableStream({
      pull(controller) {
        controller.enqueue(chunk)
        if (++sent === 20) controller.close()
      },
    })
    let sent = 0
    const bodies = [{ body: 'x'.repeat(20 * 1024 * 1024) }, { body: stream, duplex: 'half' as const }]
    for (const init of bodies) {
      const response = await fetch(`${system.url}/v1/texts/a`, { method: 'PUT', ...init })
      expect([response.status, await response.json()]).toMatchObject([413, { code: 'REQUEST_TOO_LARGE' }])
    }
    expect((await send('GET', '/v1/greetings/Ann')).status).toBe(200)
  })

  it('refuses a body that is not UTF-8', async () => {
    const response = await fetch(`${system.url}/v1/texts/a`, { method: 'PUT', body: new Uint8Array([0x61, 0xff]) })
    expect([response.status, await response.json()]).toMatchObject([400, { code: 'REQUEST_MALFORMED' }])
  })

  it.each([
    ['plain', 'OPERATION_FAILED'],
    ['string', 'OPERATION_FAILED'],
    ['output', 'OPERATION_OUTPUT_INVALID'],
  ])('tells nothing of an internal failure (%s) but its code and correlation id', async (how, code) => {
    const { body } = await send('POST', '/rpc/greeter.fail', JSON.stringify({ how }), {
      ...json,
      'x-correlation-id': 'abc-1',
    })
    expect(body).toEqual({
      type: `urn:keelson:error:${code}`,
      title: 'Internal error',
      status: 500,
      detail: expect.not.stringContaining('hunter2'),
      code,
      kind: 'internal',
      retryable: false,
      correlationId: 'abc-1',
    })
  })

  it('reaches every operation by /rpc', async () => {
    expect((await send('POST', '/rpc/greeter.greet', '{"name":"Ann"}', json)).body).toEqual({ text: 'Hello, Ann' })
    expect((await send('POST', '/rpc/greeter.ping')).status).toBe(204)
  })
})

describe('subscriptions over HTTP', () => {
  it('sends one event per item and says when it ends', async () => {
    const answer = await send('GET', '/v1/count/2')
    expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(answer.body).toBe('data: {"n":1}\n\ndata: {"n":2}\n\nevent: end\ndata: {}\n\n')
  })

  it('refuses bad input as an ordinary problem', async () => {
    expect(await send('GET', '/v1/count/many')).toMatchObject({
      status: 400,
      body: { code: 'OPERATION_INPUT_INVALID' },
    })
  })

  it('ends with an error event when it fails on the way, and tells no secret', async () => {
    const { body } = await send('GET', '/v1/count/20')
    expect(body).toContain('data: {"n":12}\n\nevent: error\ndata: {')
    expect(body).toContain('"code":"OPERATION_FAILED"')
    expect(body).not.toContain('hunter2')
  })
})

import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { command, defineContract, errorsOf, isContractError, query } from '@keelson/kernel'
import { afterEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { createClient } from '../../../src/rest/clients/client.ts'
import { remoteOverHttp } from '../../../src/rest/clients/remote-over-http.ts'
import { http } from '../../../src/rest/http.ts'
import { openApiOf } from '../../../src/rest/openapi/openapi.ts'
import { defineService } from '../../../src/service/service.ts'
import { startForTest } from '../../../src/testing.ts'
import { Greeter, greeter } from '../../greeter.ts'

const Item = z.object({ id: z.string(), left: z.int() })
const Shop = defineContract('shop', '1.0.0', {
  take: command(
    {
      input: z.object({ id: z.string(), count: z.int().default(1), dry: z.boolean().optional() }),
      output: Item,
      errors: {
        NOT_FOUND: z.object({ id: z.string() }),
        STOCK_CONFLICT: { message: 'Only {left} are left', details: z.object({ left: z.int() }) },
      },
    },
    http('POST /v1/items/{id}/take', { query: ['dry'] }),
  ),
  import: command(
    { input: z.object({ items: z.array(Item), mode: z.string().optional() }), output: z.object({ count: z.int() }) },
    http('PUT /v1/items', { json: 'items' }),
  ),
  store: command(
    {
      input: z.object({
        name: z.string(),
        content: z.string(),
        encoding: z.enum(['utf-8', 'base64']).default('utf-8'),
      }),
      output: z.object({ encoding: z.string(), bytes: z.array(z.int()) }),
    },
    http('PUT /v1/files/{name}', { body: 'content', base64: 'encoding' }),
  ),
  find: query(
    { input: z.object({ tag: z.array(z.string()).optional() }), output: z.array(Item) },
    http('GET /v1/items'),
  ),
})
const errors = errorsOf(Shop.operations.take)
const seen: unknown[] = []
const shop = defineService(Shop, {
  start: () => ({
    take: (input) => {
      seen.push(input)
      if (input.id === 'none') throw errors.NOT_FOUND({ id: input.id })
      if (input.count > 5) throw errors.STOCK_CONFLICT({ left: 5 })
      return { id: input.id, left: 5 - input.count }
    },
    import: ({ items }) => ({ count: items.length }),
    store: ({ content, encoding }) => ({ encoding, bytes: [...Buffer.from(content, encoding)] }),
    find: ({ tag }) => (tag ?? []).map((id) => ({ id, left: 0 })),
  }),
})

let server: Server | undefined
afterEach(async () => {
  await new Promise<void>((done) => (server ? server.close(() => done()) : done()))
  server = undefined
})

/** A server that is none of ours: answers every request with `answer`. */
async function foreign(
  answer: (request: IncomingMessage, body: string) => [status: number, body: unknown, type?: string],
) {
  server = createServer((request, response) => {
    void text(request).then((content) => {
      const [status, body, type = 'application/json'] = answer(request, content)
      response.writeHead(status, { 'content-type': type, connection: 'close' })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    })
  })
  await new Promise<void>((done) => server?.listen(0, '127.0.0.1', done))
  // A TCP server that listens has an address of this form.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const failure = (call: Promise<unknown>) =>
  call.then(
    () => expect.fail('it was answered'),
    (error: unknown) => error,
  )

describe('createClient()', () => {
  it('sends a raw body as text or as bytes', async () => {
    await using system = await startForTest({ services: [shop], listen: true })
    const client = createClient(Shop, system.url ?? '')
    const text = { name: 'a', content: 'grüße' }
    expect(await client.store(text)).toEqual({ encoding: 'utf-8', bytes: [...Buffer.from('grüße')] })
    expect(await client.store({ ...text, encoding: 'utf-8' })).toMatchObject({ encoding: 'utf-8' })
    const bytes = [0, 255, 254, 7]
    const content = Buffer.from(bytes).toString('base64')
    expect(await client.store({ name: 'a', content, encoding: 'base64' })).toEqual({ encoding: 'base64', bytes })
    // Bytes that read as text are handed on in the form they were given in.
    const plain = { name: 'a', content: Buffer.from('keel').toString('base64'), encoding: 'base64' } as const
    expect(await client.store(plain)).toEqual({ encoding: 'base64', bytes: [...Buffer.from('keel')] })
    await expect(client.store({ name: 'a', content: '%%', encoding: 'base64' })).rejects.toThrow('it is not base64')
    const document = openApiOf({ title: 'Shop', version: '1' }, [Shop])
    expect(JSON.stringify(document)).not.toContain('"name":"encoding"')
  })

  it('calls a system on its routes, with every input in its place', async () => {
    await using system = await startForTest({ services: [shop, greeter], listen: true })
    const client = createClient(Shop, `${system.url}/`)
    expect(await client.take({ id: 'a/b ü', count: 2, dry: true })).toEqual({ id: 'a/b ü', left: 3 })
    expect(seen.at(-1)).toEqual({ id: 'a/b ü', count: 2, dry: true })
    expect(await client.import({ items: [{ id: 'x', left: 1 }], mode: 'all' })).toEqual({ count: 1 })
    expect(await client.find({ tag: ['one', 'two&three'] })).toEqual([
      { id: 'one', left: 0 },
      { id: 'two&three', left: 0 },
    ])
    const hello = createClient(Greeter, `${system.url}`)
    expect(await hello.write({ id: '1', text: 'four' })).toEqual({ length: 4 })
    expect(await hello.forget({ id: '1' })).toBeUndefined()
    expect(await hello.ping()).toBeUndefined()
    const counted: number[] = []
    for await (const { n } of hello.count({ to: 3 })) counted.push(n)
    expect(counted).toEqual([1, 2, 3])
  })

  it('rejects with declared errors, code, message and details', async () => {
    await using system = await startForTest({ services: [shop], listen: true })
    const client = createClient(Shop, `${system.url}`)
    const missing = await failure(client.take({ id: 'none' }))
    expect(isContractError(missing, Shop.operations.take, 'NOT_FOUND') && missing.details).toEqual({ id: 'none' })
    const scarce = await failure(client.take({ id: 'a', count: 9 }))
    expect(scarce).toMatchObject({ code: 'STOCK_CONFLICT', kind: 'conflict', message: 'Only 5 are left' })
    expect(isContractError(scarce, Shop.operations.take)).toBe(true)
    expect(await failure(client.take({ id: 'a', count: 0.5 }))).toMatchObject({ code: 'OPERATION_INPUT_INVALID' })
  })

  it.each(['', '.', '..'])('refuses "%s" as a part of a path', async (id) => {
    const client = createClient(Shop, 'http://127.0.0.1:1')
    expect(await failure(client.take({ id }))).toMatchObject({ code: 'OPERATION_INPUT_INVALID' })
  })

  it('takes the answers of others, and their refusals by what the contract declares', async () => {
    const url = await foreign((request, body) => {
      if (request.url === '/v1/items/7/take') return [200, { id: '7', left: JSON.parse(body).count, more: 'x' }]
      if (request.url === '/v1/items/8/take') return [404, { id: '8' }]
      if (request.url === '/v1/items/9/take') return [409, { message: 'Cannot', left: 'many' }]
      if (request.url === '/v1/items/10/take') return [200, { id: 10 }]
      if (request.url === '/v1/items/11/take') return [200, '{"id":']
      if (request.url === '/v1/items/12/take') return [503, 'try later', 'text/plain']
      return [302, '']
    })
    const { take } = createClient(Shop, url)
    expect(await take({ id: '7', count: 4 })).toEqual({ id: '7', left: 4 })
    const missing = await failure(take({ id: '8' }))
    expect(isContractError(missing, Shop.operations.take, 'NOT_FOUND')).toBe(true)
    expect(await failure(take({ id: '9' }))).toMatchObject({
      code: 'REMOTE_CONFLICT',
      message: 'Cannot call "shop.take": it answered 409',
      cause: { message: 'it answered: Cannot' },
    })
    expect(await failure(take({ id: '10' }))).toMatchObject({ code: 'REMOTE_ANSWER_INVALID' })
    expect(await failure(take({ id: '11' }))).toMatchObject({ code: 'REMOTE_ANSWER_INVALID' })
    expect(await failure(take({ id: '12' }))).toMatchObject({ code: 'REMOTE_BUSY', retryable: true })
    expect(await failure(take({ id: '13' }))).toMatchObject({ code: 'REMOTE_FAILED' })
  })

  it('gives up with the caller, in time, and on nobody', async () => {
    const url = await foreign(() => [200, {}])
    server?.removeAllListeners('request')
    server?.on('request', (request) => setImmediate(() => request.socket.pause()))
    const slow = createClient(Shop, url, { timeoutMs: 20 })
    expect(await failure(slow.take({ id: '1' }))).toMatchObject({ code: 'REMOTE_TIMEOUT' })
    const gone = { signal: AbortSignal.abort() }
    expect(await failure(slow.take({ id: '1' }, gone))).toMatchObject({ code: 'REQUEST_CANCELLED' })
    server?.closeAllConnections()
    const nobody = createClient(Shop, 'http://127.0.0.1:1')
    expect(await failure(nobody.find({}))).toMatchObject({ code: 'PEER_UNREACHABLE' })
  })

  it('ends a stream by name when its reader gives up or it fails', async () => {
    const url = await foreign(() => [200, {}])
    server?.removeAllListeners('request')
    server?.on('request', (request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: {"n":5}\n\n')
      if (request.url === '/v1/count/2') setImmediate(() => response.destroy())
    })
    const { count } = createClient(Greeter, url)
    const reader = new AbortController()
    const read = async (to: number, signal: AbortSignal) => {
      for await (const { n } of count({ to }, { signal })) if (n === 5 && to === 1) reader.abort()
    }
    expect(await failure(read(1, reader.signal))).toMatchObject({ code: 'REQUEST_CANCELLED' })
    expect(await failure(read(2, new AbortController().signal))).toMatchObject({ code: 'PEER_UNREACHABLE' })
    server?.closeAllConnections()
  })

  it('sends the headers it is given, asked anew each time', async () => {
    let token = 0
    const url = await foreign(({ headers }) => [200, [{ id: String(headers['authorization']), left: 0 }]])
    const client = createClient(Shop, url, { headers: async () => ({ authorization: `Bearer ${++token}` }) })
    expect(await client.find({})).toEqual([{ id: 'Bearer 1', left: 0 }])
    expect(await client.find({})).toEqual([{ id: 'Bearer 2', left: 0 }])
  })
})

describe('remoteOverHttp()', () => {
  it('is a service whose routes stay where they are, at the configured address', async () => {
    await using far = await startForTest({ services: [shop], listen: true })
    await using near = await startForTest({
      services: [remoteOverHttp(Shop, { url: 'http://127.0.0.1:1' })],
      config: { shop: { url: `${far.url}` } },
      listen: true,
    })
    expect(await near.get(Shop).take({ id: '1' })).toEqual({ id: '1', left: 4 })
    const missing = await failure(near.get(Shop).take({ id: 'none' }))
    expect(isContractError(missing, Shop.operations.take, 'NOT_FOUND')).toBe(true)
    expect((await fetch(`${near.url}/v1/items`)).status).toBe(404)
    expect(await (await fetch(`${near.url}/openapi.json`)).json()).toMatchObject({ paths: {} })
  })
})

describe('openApiOf()', () => {
  it('describes declared errors and where inputs go', () => {
    const document = openApiOf({ title: 'test', version: '1.0.0' }, [Shop])
    expect(document).toMatchObject({
      paths: {
        '/v1/items/{id}/take': {
          post: {
            parameters: [
              { name: 'id', in: 'path' },
              { name: 'dry', in: 'query', required: false },
            ],
            requestBody: {
              required: false,
              content: { 'application/json': { schema: { properties: { count: {} } } } },
            },
            responses: {
              404: { description: '`NOT_FOUND`: Not found' },
              409: {
                content: {
                  'application/problem+json': {
                    schema: { allOf: [{}, { properties: { code: { const: 'STOCK_CONFLICT' } } }] },
                  },
                },
              },
            },
          },
        },
        '/v1/items': {
          put: {
            parameters: [{ name: 'mode', in: 'query' }],
            requestBody: { required: true, content: { 'application/json': { schema: { type: 'array' } } } },
          },
        },
      },
    })
  })
})

/** Answers of servers that are not ours, or not well. */
import { createServer, type Server, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { defineContract, isError, query, subscription } from '@keelson/kernel'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { createClient } from '../../../src/rest/clients/client.ts'
import { createRpcClient } from '../../../src/rest/clients/rpc-client.ts'
import { http } from '../../../src/rest/http.ts'

const Odd = defineContract('odd', '1.0.0', {
  get: query({ output: z.object({ n: z.int() }) }, http('GET /v1/odd')),
  maybe: query({ output: z.object({ n: z.int() }).optional() }, http('GET /v1/maybe')),
  watch: subscription({ output: z.object({ n: z.int() }) }, http('GET /v1/watch')),
})

let server: Server
let said: (string | Buffer)[]
const sockets = new Set<Socket>()
beforeEach(async () => {
  server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => {
      for (const part of said) socket.write(part)
      socket.end()
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
})
afterEach(() => {
  for (const socket of sockets) socket.destroy()
  sockets.clear()
  server.close()
})

const json = 'content-type: application/json\r\n'
const answer = (status: string, headers: string, body: string | Buffer = '') => [
  `HTTP/1.1 ${status}\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n`,
  body,
]

/** The code that a call fails with, or what it gives. */
async function outcome(call: () => unknown): Promise<unknown> {
  try {
    return await call()
  } catch (error) {
    return isError(error) ? error.code : error
  }
}

function url(): string {
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
}

async function first(items: AsyncIterable<unknown>): Promise<unknown> {
  for await (const item of items) return item
  return 'the end'
}

describe('createClient()', () => {
  it.each([
    ['words', answer('200 OK', json, 'oops'), 'REMOTE_ANSWER_INVALID'],
    ['a page', answer('200 OK', 'content-type: text/html\r\n', '<p>'), 'REMOTE_ANSWER_INVALID'],
    ['nothing', answer('204 No Content', ''), 'REMOTE_ANSWER_INVALID'],
    ['another shape', answer('200 OK', json, '{"n":"one"}'), 'REMOTE_ANSWER_INVALID'],
    ['half an answer', ['HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"n":'], 'PEER_UNREACHABLE'],
    ['half a chunk', ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\n{"n":'], 'PEER_UNREACHABLE'],
    ['no HTTP', ['SSH-2.0-OpenSSH_9.6\r\n'], 'PEER_UNREACHABLE'],
    ['a broken coding', answer('200 OK', `${json}content-encoding: gzip\r\n`, '{"n":1}'), 'PEER_UNREACHABLE'],
    ['a redirect', answer('302 Found', 'location: http://127.0.0.1:1/\r\n'), 'REMOTE_FAILED'],
    [
      'a hint first',
      ['HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n', ...answer('200 OK', json, '{"n":1}')],
      { n: 1 },
    ],
    ['a mark first', answer('200 OK', json, '\ufeff{"n":1,"more":2}'), { n: 1 }],
  ])('names what is wrong with %s', async (_, parts, expected) => {
    said = parts
    expect(await outcome(() => createClient(Odd, url()).get())).toEqual(expected)
  })

  it('takes no content for a value that may be missing', async () => {
    said = answer('204 No Content', '')
    expect(await createClient(Odd, url()).maybe()).toBeUndefined()
  })

  it('reads no more of a packed answer than of any other', async () => {
    const bomb = gzipSync(Buffer.alloc(2_000_000, 0x20))
    said = answer('200 OK', `${json}content-encoding: gzip\r\n`, bomb)
    const client = createClient(Odd, url(), { maxAnswerBytes: 1_000_000 })
    expect(await outcome(() => client.get())).toBe('REMOTE_ANSWER_INVALID')
  })

  it.each([
    ['no stream', answer('200 OK', json, '{"n":1}'), 'REMOTE_ANSWER_INVALID'],
    [
      'an item that is not JSON',
      answer('200 OK', 'content-type: text/event-stream\r\n', 'data: one\n\n'),
      'REMOTE_ANSWER_INVALID',
    ],
    [
      'an item of another shape',
      answer('200 OK', 'content-type: text/event-stream\r\n', 'data: 1\n\n'),
      'REMOTE_ANSWER_INVALID',
    ],
    [
      'an error of its own',
      answer('200 OK', 'content-type: text/event-stream\r\n', 'event: error\ndata: no\n\n'),
      'REMOTE_FAILED',
    ],
    ['an end of its own', answer('200 OK', 'content-type: text/event-stream\r\n', 'data: [DONE]\n\n'), 'the end'],
    ['no end', answer('200 OK', 'content-type: text/event-stream\r\n', ': ping\n\n'), 'the end'],
    [
      'a broken end',
      ['HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9\r\n\r\n: '],
      'PEER_UNREACHABLE',
    ],
  ])('reads a subscription that gives %s', async (_, parts, expected) => {
    said = parts
    expect(await outcome(() => first(createClient(Odd, url()).watch()))).toBe(expected)
  })
})

describe('createRpcClient()', () => {
  it.each([
    ['words', answer('200 OK', json, 'oops'), 'REMOTE_ANSWER_INVALID'],
    ['a page that refuses', answer('403 Forbidden', 'content-type: text/html\r\n', '<p>'), 'PEER_UNREACHABLE'],
    ['no HTTP', ['220 mail.example.com ESMTP\r\n'], 'PEER_UNREACHABLE'],
    ['nothing', answer('204 No Content', ''), undefined],
  ])('names what is wrong with %s', async (_, parts, expected) => {
    said = parts
    expect(await outcome(() => createRpcClient(url()).call('a', 'b', {}))).toEqual(expected)
  })
})

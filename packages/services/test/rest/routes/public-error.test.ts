/** What a stranger is told when what lies behind an operation fails, and what the log has of it. */
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { command, defineContract, errorsOf, KeelsonError, query } from '@keelson/kernel'
import { createInMemoryLog } from '@keelson/telemetry'
import { afterEach, beforeEach, expect, it } from 'vitest'
import * as z from 'zod'
import { remoteOverHttp } from '../../../src/rest/clients/remote-over-http.ts'
import { http } from '../../../src/rest/http.ts'
import { defineService } from '../../../src/service/service.ts'
import { startForTest } from '../../../src/testing.ts'

const Books = defineContract('books', '1.0.0', { list: query({ output: z.object({}) }, http('GET /books')) })
const Shop = defineContract('shop', '1.0.0', {
  show: query({ output: z.object({}) }, http('GET /v1/show')),
  fail: query(
    {
      input: z.object({ how: z.enum(['declared', 'database']) }),
      errors: { SHOP_UNAVAILABLE: z.object({ until: z.string() }) },
    },
    http('GET /v1/fail/{how}'),
  ),
  wipe: command({}, http('GET /v1/wipe')),
})
const { SHOP_UNAVAILABLE } = errorsOf(Shop.operations.fail)
let wiped = 0
const shop = defineService(Shop, {
  uses: { books: Books },
  start: ({ books }) => ({
    show: () => books.list(),
    fail: ({ how }) => {
      if (how === 'declared') throw SHOP_UNAVAILABLE({ until: 'noon' })
      throw new KeelsonError({
        code: 'DATABASE_UNREACHABLE',
        kind: 'unavailable',
        retryable: true,
        message: 'Cannot reach 10.2.3.4:5432 as admin',
        details: { host: '10.2.3.4', retryAfterMs: 3_000 },
      })
    },
    wipe: () => void wiped++,
  }),
})

let server: Server
let answer: (response: ServerResponse) => void
beforeEach(async () => {
  server = createServer((_, response) => answer(response))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

const secrets = /s3cr3t|hunter2|\/srv\/app|127\.0\.0\.1|books|10\.2\.3\.4/

async function start() {
  const log = createInMemoryLog()
  // A TCP server that listens has an address of this form.
  const { port } = server.address() as AddressInfo
  const books = remoteOverHttp(Books, { url: `http://svc:s3cr3t@127.0.0.1:${port}` })
  const system = await startForTest({ services: [shop, books], listen: true, log })
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${system.url}${path}`, init)
    const text = await response.text()
    return { status: response.status, headers: response.headers, text }
  }
  return { ask, log, [Symbol.asyncDispose]: () => system.close() }
}

it.each([
  [
    'failed',
    503,
    'REMOTE_FAILED',
    (response: ServerResponse) => response.writeHead(500).end('hunter2 at /srv/app/db.js'),
  ],
  ['refused', 409, 'REMOTE_CONFLICT', (response: ServerResponse) => response.writeHead(409).end('hunter2 at /srv/app')],
  ['was not there', 503, 'PEER_UNREACHABLE', (response: ServerResponse) => response.destroy()],
])(
  'tells a stranger nothing of another server that %s but a code; the log has the rest, redacted',
  async (_, status, code, how) => {
    answer = how
    await using system = await start()
    const told = await system.ask('/v1/show')
    expect([told.status, JSON.parse(told.text)]).toMatchObject([
      status,
      { code, detail: expect.stringContaining('shop.show') },
    ])
    expect(told.text).not.toMatch(secrets)
    const logged = JSON.stringify(system.log.records)
    expect(logged).toContain(
      code === 'PEER_UNREACHABLE' ? 'no whole answer from http://127.0.0.1' : 'hunter2 at /srv/app',
    )
    expect(logged).not.toContain('s3cr3t')
  },
)

it('shows what the contract declares, and of undeclared failures when to come back', async () => {
  await using system = await start()
  expect(JSON.parse((await system.ask('/v1/fail/declared')).text)).toMatchObject({
    code: 'SHOP_UNAVAILABLE',
    details: { until: 'noon' },
  })
  const { headers, text } = await system.ask('/v1/fail/database')
  expect(JSON.parse(text)).toMatchObject({
    code: 'DATABASE_UNREACHABLE',
    retryable: true,
    details: { retryAfterMs: 3_000 },
  })
  expect(headers.get('retry-after')).toBe('3')
  expect(text).not.toMatch(secrets)
})

it('runs no command for another site, nor for a caller who asks for the head alone', async () => {
  await using system = await start()
  expect((await system.ask('/v1/wipe', { headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403)
  expect((await system.ask('/v1/wipe', { method: 'HEAD' })).status).toBe(405)
  expect(wiped).toBe(0)
  expect((await system.ask('/v1/wipe')).status).toBe(204)
})

/** What a caller may say on a connection, beyond ordinary requests. */
import { createInMemoryLog } from '@keelson/telemetry'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { answerJson } from '../../src/listener/exchange.ts'
import { type OpenListener, openListener } from '../../src/listener/listener.ts'
import { RawConnection } from './raw.ts'

let listener: OpenListener
const asked: string[] = []
beforeEach(async () => {
  listener = await openListener({ host: '127.0.0.1', port: 0, log: createInMemoryLog() })
  const answer = (path: string) =>
    listener.route('GET', path, (exchange) => answerJson(exchange, 200, exchange.parameters))
  for (const path of ['/', '/items/{id}', '/items/{id}:close', '/a:b', '/files/*']) answer(path)
  listener.route('POST', '/echo', async (exchange) => {
    asked.push('echo')
    answerJson(exchange, 200, String(await exchange.readBytes(10)))
  })
})
afterEach(async () => {
  asked.length = 0
  await listener.close()
})

/** All that is answered to bytes as they are, with the port in place of PORT, on a connection that ends then. */
async function answerTo(...lines: string[]): Promise<string> {
  const connection = await new RawConnection(listener.url).opened()
  connection.send(...lines.map((line) => line.replace('PORT', new URL(listener.url).port)))
  connection.socket.end()
  await connection.closed
  return connection.received
}
const host = 'Host: 127.0.0.1:PORT'

describe('a request of HTTP/1.1', () => {
  it.each([
    ['none', []],
    ['two', [host, host]],
    ['two in other letters', [host, 'HOST: 127.0.0.1:PORT']],
  ])('with %s Host headers is refused', async (_, hosts) => {
    expect(await answerTo('GET / HTTP/1.1', ...hosts, '', '')).toMatch(/^HTTP\/1\.1 400 [\s\S]*one Host header/)
  })

  it('with a whole URL is that of its authority', async () => {
    expect(await answerTo('GET http://127.0.0.1:PORT/?a=1 HTTP/1.1', host, '', '')).toMatch(/^HTTP\/1\.1 200 /)
    expect(await answerTo('GET http://evil.example/ HTTP/1.1', host, '', '')).toMatch(/^HTTP\/1\.1 403 /)
  })

  it('with a forwarding header behind thousands of others is refused all the same', async () => {
    const many = Array.from({ length: 3_000 }, (_, n) => `x-${n}: y`)
    expect(await answerTo('GET / HTTP/1.1', host, ...many, 'via: 1.1 tunnel', '', '')).toMatch(/"HOST_REFUSED"/)
  })

  it('that asks what a path answers is told, and begins nothing', async () => {
    expect(await answerTo('OPTIONS / HTTP/1.1', host, '', '')).toMatch(/204 [\s\S]*allow: GET, HEAD, OPTIONS/)
    expect(await answerTo('OPTIONS /none HTTP/1.1', host, '', '')).toMatch(/^HTTP\/1\.1 404 /)
  })

  it('that waits to be told to send its body is told when the body is read, or refused without it', async () => {
    const waiting = ['Expect: 100-continue', 'content-length: 5', 'connection: close', '', 'hello']
    expect(await answerTo('POST /echo HTTP/1.1', host, ...waiting)).toMatch(
      /^HTTP\/1\.1 100 [\s\S]*200 OK[\s\S]*"hello"$/,
    )
    const refused = ['Expect: 100-continue', 'content-length: 5000', '', '']
    expect(await answerTo('POST /echo HTTP/1.1', host, ...refused)).toMatch(/^HTTP\/1\.1 413 [\s\S]*connection: close/i)
    expect(await answerTo('POST /none HTTP/1.1', host, ...refused)).toMatch(/^HTTP\/1\.1 404 [\s\S]*connection: close/i)
  })

  it('with a chunked body, extensions and trailers is read', async () => {
    const chunked = ['transfer-encoding: chunked', 'connection: close', '', '3;a=b', 'abc', '0', 'x-trailer: 1', '', '']
    expect(await answerTo('POST /echo HTTP/1.1', host, ...chunked)).toMatch(/200 OK[\s\S]*"abc"$/)
  })

  it.each([
    ['a broken chunk', ['transfer-encoding: chunked', '', 'zz', 'abc']],
    ['two lengths', ['content-length: 3', 'content-length: 4', '', 'abc']],
    ['a length and chunks', ['content-length: 3', 'transfer-encoding: chunked', '', '0', '', '']],
  ])('with %s is refused', async (_, rest) => {
    expect(await answerTo('POST /echo HTTP/1.1', host, ...rest)).toMatch(/^HTTP\/1\.1 400 [\s\S]*"REQUEST_MALFORMED"/)
  })

  it('keeps its answer although nonsense follows it', async () => {
    const answer = await answerTo('POST /echo HTTP/1.1', host, 'content-length: 2', '', 'hinonsense', '', '')
    expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*"hi"/)
  })

  it('finds routes by their own grammar: a colon is one, a parameter may be long', async () => {
    const long = 'x'.repeat(20_000)
    expect(await answerTo(`GET /items/${long} HTTP/1.1`, host, '', '')).toContain(`{"id":"${long}"}`)
    expect(await answerTo('GET /items/7:close HTTP/1.1', host, '', '')).toContain('{"id":"7"}')
    expect(await answerTo('GET /a:b HTTP/1.1', host, '', '')).toContain('{}')
    expect(await answerTo('GET /axb HTTP/1.1', host, '', '')).toMatch(/404/)
    expect(() => listener.route('GET', '/items/{other}', () => {})).toThrow('taken')
  })
})

import { createInMemoryLog, type InMemoryLog } from '@keelson/telemetry'
import { describe, expect, it } from 'vitest'
import { answerEvents } from '../../src/listener/event-stream.ts'
import { answerText, type Exchange } from '../../src/listener/exchange.ts'
import { type OpenListener, openListener } from '../../src/listener/listener.ts'
import { RawConnection } from './raw.ts'

interface Held {
  readonly listener: OpenListener
  readonly log: InMemoryLog
  /** Requests whose answers the test gives. */
  readonly taken: Exchange[]
  /** Resolves when so many have come. */
  readonly has: (count: number) => Promise<void>
}

async function held(): Promise<Held> {
  const log = createInMemoryLog()
  const listener = await openListener({ host: '127.0.0.1', port: 0, log })
  const taken: Exchange[] = []
  let look = () => {}
  listener.route('GET', '/held/{name}', (exchange) => {
    taken.push(exchange)
    look()
  })
  listener.route('POST', '/body', async (exchange) => {
    taken.push(exchange)
    look()
    answerText(exchange, 200, 'text/plain', await exchange.readBytes(1_000))
  })
  listener.route('GET', '/stream', (exchange) => {
    taken.push(exchange)
    look()
    return answerEvents(
      exchange,
      (async function* () {
        yield 1
        await new Promise((resolve) => exchange.closing.addEventListener('abort', resolve))
      })(),
    )
  })
  const has = async (count: number) => {
    while (taken.length < count) await new Promise<void>((resolve) => (look = resolve))
  }
  return { listener, log, taken, has }
}

const connected = (listener: OpenListener) => new RawConnection(listener.url).opened()

describe('closing a listener', () => {
  it('ends idle connections and half-sent requests at once', async () => {
    const { listener, log } = await held()
    const silent = await connected(listener)
    const half = await connected(listener)
    half.send('GET /held/a HTTP/1.1', 'Ho')
    const kept = await connected(listener)
    kept.request('GET /nothing HTTP/1.1')
    await kept.until(/ROUTE_UNKNOWN/)
    await listener.close()
    await Promise.all([silent.closed, half.closed, kept.closed])
    expect([silent.received, half.received, log.records]).toEqual(['', '', []])
  })

  it('answers every request that it accepted, and says with the last one of a connection that it takes no more', async () => {
    const { listener, taken, has } = await held()
    const pipelined = await connected(listener)
    pipelined.request('GET /held/a HTTP/1.1')
    pipelined.request('GET /held/b HTTP/1.1')
    await has(2)
    const closed = listener.close()
    // It comes behind a request that is being answered.
    pipelined.request('GET /held/c HTTP/1.1')
    for (const exchange of taken) answerText(exchange, 200, 'text/plain', `<${exchange.parameters['name']}>`)
    await closed
    await pipelined.closed
    const [first, second, ...more] = pipelined.received.split(/(?=HTTP\/1\.1 )/)
    expect(first).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: keep-alive[\s\S]*<a>$/i)
    expect(second).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close[\s\S]*<b>$/i)
    expect([more, taken.length]).toEqual([[], 2])
  })

  it('takes nothing new on a connection whose answer has begun, and ends it with that answer', async () => {
    const { listener, taken, has } = await held()
    const kept = await connected(listener)
    kept.request('GET /held/a HTTP/1.1')
    await has(1)
    const stream = taken[0]?.stream(200, { 'content-type': 'text/plain' })
    await kept.until(/200 OK/)
    const closed = listener.close()
    kept.request('GET /held/b HTTP/1.1')
    await stream?.write('part')
    await stream?.end()
    await closed
    await kept.closed
    expect(kept.received).toMatch(/part/)
    expect(taken.length).toBe(1)
  })

  it('tells the readers of streams when to come back', async () => {
    const { listener, has } = await held()
    const reader = await connected(listener)
    reader.request('GET /stream HTTP/1.1')
    await has(1)
    await reader.until(/data: 1/)
    await listener.close()
    await reader.closed
    expect(reader.received).toMatch(/retry: 1000\nevent: error\ndata: \{.*"code":"LISTENER_CLOSING".*"retryable":true/)
    expect(reader.received).not.toContain('event: end')
  })

  it('cuts off what is left when the time is over, and says so', async () => {
    const { listener, log, taken, has } = await held()
    const slow = await connected(listener)
    slow.request('GET /held/a HTTP/1.1')
    const sending = await connected(listener)
    sending.request('POST /body HTTP/1.1', 'content-length: 10')
    sending.send('abc')
    await has(2)
    const time = new AbortController()
    const closed = listener.close(time.signal)
    await new Promise(setImmediate)
    expect([slow.socket.closed, sending.socket.closed]).toEqual([false, false])
    time.abort()
    await closed
    await Promise.all([slow.closed, sending.closed])
    expect(taken.every(({ call }) => call.signal.aborted)).toBe(true)
    expect(log.records).toMatchObject([{ level: 'warn', message: /cut off/, fields: { requests: 2, connections: 0 } }])
  })

  it('finishes the body that was coming in', async () => {
    const { listener, has } = await held()
    const sending = await connected(listener)
    sending.request('POST /body HTTP/1.1', 'content-length: 6')
    sending.send('abc')
    await has(1)
    const closed = listener.close()
    sending.send('def')
    await closed
    await sending.closed
    expect(sending.received).toMatch(/200 OK[\s\S]*abcdef$/)
  })
})

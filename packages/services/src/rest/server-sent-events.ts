/**
 * A subscription over HTTP as server-sent events: one `data:` line of JSON per item, an `event: end` after the last, an `event: error` with
 * a problem when it fails on the way. What fails before the first item is an ordinary problem answer.
 */
import { once } from 'node:events'
import { systemClock } from '@keelson/kernel'
import type { Exchange } from '../listener/exchange.ts'
import { namedError, problemOf } from './problem.ts'

/** Headers are sent after this long even when there is no item yet, so that the caller knows it is connected. */
const patienceMs = 1_000
/** A comment line this often keeps proxies from closing a quiet stream. */
const heartbeatMs = 15_000

export async function answerEvents(
  exchange: Exchange,
  operation: string,
  items: AsyncIterable<unknown>,
): Promise<void> {
  const { response, call, closing } = exchange
  const iterator = items[Symbol.asyncIterator]()
  const leave = () => void Promise.resolve(iterator.return?.()).catch(() => {})
  let next = iterator.next()
  next.catch(() => {})
  const early = new AbortController()
  await Promise.race([next, systemClock.sleep(patienceMs, early.signal).catch(() => {})]).finally(() => early.abort())

  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' })
  response.flushHeaders()
  const heartbeat = setInterval(() => response.write(': \n\n'), heartbeatMs)
  response.once('close', leave)
  closing.addEventListener('abort', leave, { once: true })
  const send = async (text: string) => {
    if (!response.write(text) && !response.destroyed)
      await Promise.race([once(response, 'drain'), once(response, 'close')])
  }
  try {
    for (;;) {
      const { done, value } = await next
      if (done || response.destroyed || closing.aborted) break
      await send(`data: ${JSON.stringify(value)}\n\n`)
      next = iterator.next()
    }
    await send('event: end\ndata: {}\n\n')
  } catch (error) {
    await send(`event: error\ndata: ${JSON.stringify(problemOf(namedError(error, operation), call.correlationId))}\n\n`)
  } finally {
    clearInterval(heartbeat)
    closing.removeEventListener('abort', leave)
    response.end()
  }
}

/** The events of a stream, in the part of the format that our own listener writes: one `data:` line of JSON, perhaps an `event:` line. */
export async function* eventsOf(response: Response): AsyncGenerator<{ event: string; data: unknown }> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of response.body ?? []) {
    const blocks = (rest + decoder.decode(bytes, { stream: true })).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const data = /^data: (.*)$/m.exec(block)?.[1]
      if (data !== undefined) yield { event: /^event: (.*)$/m.exec(block)?.[1] ?? 'message', data: JSON.parse(data) }
    }
  }
}

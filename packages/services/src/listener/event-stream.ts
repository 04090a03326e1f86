/**
 * Items as server-sent events: one `data:` line of JSON per item, `null` for an item without a value; an `event: end` after the last; an
 * `event: error` with a problem when it fails on the way. What fails before the first item is an ordinary problem answer.
 */
import { servicesErrors } from '../errors.ts'
import type { AnswerStream } from './arrival.ts'
import type { Exchange } from './exchange.ts'
import { type Problem, problemOf } from './problem.ts'

/** Headers are sent after this long even when there is no item yet, so that the caller knows it is connected. */
const patienceMs = 1_000
/** A comment line this often keeps proxies from closing a quiet stream. */
const heartbeatMs = 15_000
/** When a reader should come back whose stream failed with an error that may pass. */
const comeBackMs = 1_000
/** A reader that has not taken its last event by then is not waited for at a close. */
const lastWordsMs = 1_000

const headers = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' }

/** Answers HEAD for a stream: nothing begins, since nobody would read it. */
export function answerEventsHead(exchange: Exchange): void {
  exchange.answer(200, headers)
}

/**
 * Sends items until they end, the reader leaves or the listener closes, and then leaves the source at once by `return()`. A reader that is
 * slow holds the source back: no item is asked for before there is room for it.
 *
 * @param shown turns an error into the one that the reader is shown.
 */
export async function answerEvents(
  exchange: Exchange,
  items: AsyncIterable<unknown>,
  shown: (error: unknown) => unknown = (error) => error,
): Promise<void> {
  const { call, closing } = exchange
  const iterator = items[Symbol.asyncIterator]()
  const writing = new EventWriter(exchange)
  const over = AbortSignal.any([call.signal, closing])
  const leave = () => {
    writing.release()
    void leaveQuietly(iterator)
  }
  over.addEventListener('abort', leave, { once: true })
  try {
    writing.start()
    await sendAll(writing, iterator, over)
    if (!over.aborted) await writing.write('event: end\ndata: {}\n\n')
  } catch (error) {
    if (!over.aborted && !exchange.isAnswered) throw error
    if (!over.aborted) await writing.fail(exchange.report(shown(error)))
  } finally {
    over.removeEventListener('abort', leave)
    if (closing.aborted) await writing.fail(problemOf(servicesErrors.LISTENER_CLOSING({}), call.origin.correlationId))
    writing.end()
    leave()
  }
}

async function sendAll(writing: EventWriter, iterator: AsyncIterator<unknown>, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const { done, value } = await iterator.next()
    if (done || over.aborted) return
    await writing.write(`data: ${JSON.stringify(value) ?? 'null'}\n\n`)
  }
}

async function leaveQuietly(iterator: AsyncIterator<unknown>): Promise<void> {
  try {
    await iterator.return?.()
  } catch {
    // Nobody is left who could be told of it.
  }
}

/** The answer, which begins with the first event or when the reader has waited long enough, and is kept alive while it is quiet. */
class EventWriter {
  readonly #exchange: Exchange
  readonly #ended = new AbortController()
  #stream: AnswerStream | undefined
  #isFull = false
  #isReleased = false
  #resume = () => {}

  constructor(exchange: Exchange) {
    this.#exchange = exchange
  }

  start(): void {
    // Rejects when the stream has ended.
    this.#keepAlive().catch(() => {})
  }

  async #keepAlive(): Promise<void> {
    const { clock } = this.#exchange
    await clock.sleep(patienceMs, this.#ended.signal)
    this.#begun()
    for (;;) {
      await clock.sleep(heartbeatMs, this.#ended.signal)
      // A reader that does not keep up needs no more to read.
      if (!this.#isFull) await this.write(': \n\n')
    }
  }

  #begun(): AnswerStream {
    this.#stream ??= this.#exchange.stream(200, headers)
    return this.#stream
  }

  /** Resolves when there is room for more, or nobody waits for that any longer. */
  async write(text: string): Promise<void> {
    const written = this.#begun().write(text)
    if (this.#isReleased) return
    this.#isFull = true
    await new Promise<void>((resolve) => {
      this.#resume = resolve
      void written.then(resolve)
    })
    this.#isFull = false
  }

  /** From now on nothing waits for a reader that does not keep up. */
  release(): void {
    this.#isReleased = true
    this.#resume()
  }

  fail(problem: Problem): Promise<void> {
    const again = problem.retryable ? `retry: ${comeBackMs}\n` : ''
    return this.write(`${again}event: error\ndata: ${JSON.stringify(problem)}\n\n`)
  }

  end(): void {
    this.#ended.abort()
    const taken = this.#stream?.end()
    if (taken && this.#exchange.closing.aborted) void this.#breakOffUnless(taken)
  }

  async #breakOffUnless(taken: Promise<void>): Promise<void> {
    const { clock } = this.#exchange
    const waiting = new AbortController()
    void taken.then(() => waiting.abort())
    await clock.sleep(lastWordsMs, waiting.signal).then(
      () => this.#exchange.breakOff(),
      () => {},
    )
  }
}

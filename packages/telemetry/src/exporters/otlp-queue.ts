/** Rows on their way to a collector: bounded, sent in batches, one request at a time, repeated while there is hope. */
import { backoffMs, type Clock, retryAfterIn } from '@keelson/kernel'

export interface OtlpQueueOptions {
  /** Rows that may wait; the oldest go when there are more. 8,192 by default. */
  readonly queued?: number
  /** Rows of one request; 512 by default. */
  readonly batch?: number
  /** How long a row waits for others; 1,000 by default. */
  readonly everyMs?: number
  /** 10,000 by default. */
  readonly timeoutMs?: number
  /** Attempts per batch; 5 by default. */
  readonly attempts?: number
  readonly send?: typeof fetch
  readonly headers?: Readonly<Record<string, string>>
  readonly random?: () => number
}

type Attempt = { readonly isDone: boolean; readonly isTaken: boolean; readonly waitMs: number | undefined }

const pauses = { firstMs: 500, mostMs: 30_000 }
/** A process that ends does not wait for long. */
const closeMs = 3_000
const passing = new Set([408, 429, 502, 503, 504])

export class OtlpQueue<Row> {
  readonly #url: string
  readonly #body: (rows: readonly Row[]) => object
  readonly #options: Required<Omit<OtlpQueueOptions, 'headers'>> & {
    readonly headers: Readonly<Record<string, string>>
    readonly clock: Clock
  }
  #rows: Row[] = []
  #sending: Promise<void> | undefined
  #isClosed = false
  /** Cuts the waiting for a full batch short. */
  #hurry = new AbortController()
  /** Cuts pauses short: what is under way gets one more attempt. */
  readonly #closing = new AbortController()
  readonly #ending = new AbortController()
  readonly #counts = { sent: 0, dropped: 0, failedRequests: 0 }

  constructor(
    url: string,
    body: (rows: readonly Row[]) => object,
    { clock, ...options }: OtlpQueueOptions & { readonly clock: Clock },
  ) {
    this.#url = url
    this.#body = body
    this.#options = {
      queued: options.queued ?? 8_192,
      batch: options.batch ?? 512,
      everyMs: options.everyMs ?? 1_000,
      timeoutMs: options.timeoutMs ?? 10_000,
      attempts: options.attempts ?? 5,
      send: options.send ?? fetch,
      headers: options.headers ?? {},
      random: options.random ?? Math.random,
      clock,
    }
  }

  get counts(): { readonly sent: number; readonly dropped: number; readonly failedRequests: number } {
    return this.#counts
  }

  add(row: Row): void {
    if (this.#isClosed) {
      this.#counts.dropped++
      return
    }
    const { queued, batch } = this.#options
    this.#rows.push(row)
    // Cut back in one go: taking one row off the front for each that comes would move them all each time.
    if (this.#rows.length >= queued * 1.25 || (queued === 1 && this.#rows.length > 1)) {
      const over = this.#rows.length - queued
      this.#rows.splice(0, over)
      this.#counts.dropped += over
    }
    if (this.#rows.length >= batch) this.#hurry.abort()
    this.#sending ??= this.#run()
  }

  /** Resolves when what is queued now was sent or given up, at the latest after the time of one request. */
  async flush(): Promise<void> {
    await this.#hurried(this.#options.timeoutMs)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#closing.abort()
    await this.#hurried(Math.min(this.#options.timeoutMs, closeMs))
    this.#ending.abort()
    await this.#sending
    this.#counts.dropped += this.#rows.splice(0).length
  }

  async #hurried(atMostMs: number): Promise<void> {
    this.#hurry.abort()
    if (!this.#sending) return
    const done = new AbortController()
    const patience = this.#options.clock.sleep(atMostMs, done.signal).catch(() => {})
    await Promise.race([this.#sending, patience])
    done.abort()
  }

  async #run(): Promise<void> {
    const { everyMs, batch, clock } = this.#options
    try {
      if (!this.#isClosed && this.#rows.length < batch) await clock.sleep(everyMs, this.#hurry.signal).catch(() => {})
      while (this.#rows.length > 0 && !this.#ending.signal.aborted) await this.#deliver(this.#rows.splice(0, batch))
    } finally {
      this.#hurry = new AbortController()
      this.#sending = undefined
    }
  }

  async #deliver(rows: readonly Row[]): Promise<void> {
    const { attempts, random, clock } = this.#options
    const body = JSON.stringify(this.#body(rows))
    for (let attempt = 1; ; attempt++) {
      const isLast = attempt >= attempts || this.#isClosed
      const { isDone, isTaken, waitMs } = await this.#attempt(body)
      if (isTaken) {
        this.#counts.sent += rows.length
        return
      }
      this.#counts.failedRequests++
      const hasHope = !isDone && !isLast
      if (hasHope && !this.#isClosed)
        await clock.sleep(waitMs ?? backoffMs(pauses, attempt, random), this.#closing.signal).catch(() => {})
      if (!hasHope || this.#ending.signal.aborted) {
        this.#counts.dropped += rows.length
        return
      }
    }
  }

  async #attempt(body: string): Promise<Attempt> {
    const { send, headers, timeoutMs, clock } = this.#options
    const over = new AbortController()
    const signal = AbortSignal.any([this.#ending.signal, over.signal])
    const answered = new AbortController()
    const timer = clock.sleep(timeoutMs, answered.signal).then(
      () => over.abort(),
      () => {},
    )
    try {
      const response = await send(this.#url, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body,
        signal,
      })
      // A body that is not read keeps its connection; a collector has little to say.
      await response.body?.cancel()
      const asked = retryAfterIn(response.headers, clock.now())
      return {
        isDone: !passing.has(response.status),
        isTaken: response.ok,
        waitMs: asked === undefined ? undefined : Math.min(asked, pauses.mostMs),
      }
    } catch {
      return { isDone: false, isTaken: false, waitMs: undefined }
    } finally {
      answered.abort()
      await timer
    }
  }
}

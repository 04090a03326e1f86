/** One Qdrant server over HTTP: time-outs, repeats and errors by name; the key stands in none of them. */
import { infrastructureErrors } from '@keelson/infrastructure'
import { backoffMs, type Clock, type KeelsonError, retryAfterIn, type Secret, systemClock } from '@keelson/kernel'

export interface QdrantServerOptions {
  /** `http://127.0.0.1:6333` */
  readonly url: string
  readonly apiKey?: Secret<string> | undefined
  /** Of one request; 30,000 by default. */
  readonly timeoutMs?: number
  /** How often a request is repeated that may succeed later; 4 by default. */
  readonly retries?: number
  readonly clock?: Clock
}

const pauses = { firstMs: 250, mostMs: 8_000 }
/** A server that asks for a longer pause is not waited for. */
const longestPauseMs = 60_000

export class QdrantServer {
  readonly #options: Required<Omit<QdrantServerOptions, 'apiKey'>> & Pick<QdrantServerOptions, 'apiKey'>

  constructor(options: QdrantServerOptions) {
    this.#options = { timeoutMs: 30_000, retries: 4, clock: systemClock, ...options }
  }

  /**
   * The `result` of an answer. Rejects with VECTOR_COLLECTION_UNKNOWN for 404, VECTOR_STORE_REFUSED for what is not taken,
   * VECTOR_STORE_UNAVAILABLE, or the signal's reason.
   */
  async ask(method: string, path: string, body: unknown, signal?: AbortSignal | undefined): Promise<unknown> {
    const { retries, clock } = this.#options
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#once(method, path, body, signal)
      } catch (error) {
        signal?.throwIfAborted()
        const failure = error instanceof Retryable ? error : undefined
        if (!failure) throw error
        const pauseMs = failure.retryAfterMs ?? backoffMs(pauses, attempt + 1)
        if (attempt >= retries || pauseMs > longestPauseMs) throw failure.error
        await clock.sleep(pauseMs, signal)
      }
    }
  }

  /** The error for an answer that is none. */
  garbled(what: string): KeelsonError {
    return infrastructureErrors.VECTOR_STORE_UNAVAILABLE({ reason: `it answers with ${what}` })
  }

  async #once(method: string, path: string, body: unknown, signal: AbortSignal | undefined): Promise<unknown> {
    signal?.throwIfAborted()
    const { url, apiKey, timeoutMs, clock } = this.#options
    const patience = new AbortController()
    const answered = new AbortController()
    clock.sleep(timeoutMs, answered.signal).then(
      () => patience.abort(),
      () => {},
    )
    let response: Response
    let text: string
    try {
      response = await fetch(`${url.replace(/\/$/, '')}${path}`, {
        method,
        redirect: 'error',
        signal: AbortSignal.any([patience.signal, ...(signal ? [signal] : [])]),
        headers: { 'content-type': 'application/json', ...(apiKey && { 'api-key': apiKey.reveal() }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      text = await response.text()
    } catch (cause) {
      const reason = patience.signal.aborted ? `it did not answer within ${timeoutMs} ms` : 'it cannot be reached'
      throw new Retryable(infrastructureErrors.VECTOR_STORE_UNAVAILABLE({ reason }, { cause }))
    } finally {
      answered.abort()
    }
    if (response.ok) return resultOf(text, this)
    throw failureOf(response, text, path, clock.now())
  }
}

/** What may succeed when it is asked again. */
class Retryable extends Error {
  readonly error: KeelsonError
  readonly retryAfterMs: number | undefined

  constructor(error: KeelsonError, retryAfterMs?: number) {
    super(error.message)
    this.error = error
    this.retryAfterMs = retryAfterMs
  }
}

function resultOf(text: string, server: QdrantServer): unknown {
  const value = parsed(text)
  if (typeof value !== 'object' || value === null || !('result' in value)) throw server.garbled('no JSON result')
  return value.result
}

function failureOf(response: Response, text: string, path: string, nowMs: number): Error {
  const { status } = response
  if (status === 404) {
    const collection = decodeURIComponent(/^\/collections\/([^/?]+)/.exec(path)?.[1] ?? '')
    return infrastructureErrors.VECTOR_COLLECTION_UNKNOWN({ collection })
  }
  const reason = reasonIn(text)
  if (status !== 408 && status !== 429 && status < 500)
    return infrastructureErrors.VECTOR_STORE_REFUSED({ status, reason })
  const retryAfterMs = retryAfterIn(response.headers, nowMs)
  return new Retryable(
    infrastructureErrors.VECTOR_STORE_UNAVAILABLE({
      reason: `it answers with status ${status}: ${reason}`,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    }),
    retryAfterMs,
  )
}

function reasonIn(text: string): string {
  const value = parsed(text)
  const status = typeof value === 'object' && value !== null && 'status' in value ? value.status : undefined
  const error = typeof status === 'object' && status !== null && 'error' in status ? status.error : undefined
  return (typeof error === 'string' ? error : 'it does not say why').slice(0, 500)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * One endpoint that speaks OpenAI's HTTP interface, over `fetch`: what all its models share. It sends, waits, tries again where that may
 * help, and turns whatever comes back into an answer or a named error, in which the key never stands.
 */
import { infrastructureErrors } from '@keelson/infrastructure'
import {
  backoffMs,
  type Clock,
  isError,
  isRecord,
  type KeelsonError,
  reasonOf,
  retryAfterIn,
  retryAfterOf,
  type Secret,
  systemClock,
} from '@keelson/kernel'
import { readEvents } from './event-stream.ts'
import { TokenBudget } from './token-budget.ts'

export interface OpenaiEndpointOptions {
  /** What stands before `/embeddings` and `/chat/completions`: `https://api.openai.com/v1` by default. */
  readonly baseUrl?: string
  /** Left out for servers that ask for none. */
  readonly apiKey?: Secret | undefined
  /** How long the endpoint may stay silent: until the whole answer is there, or in a stream until its next part. 60 s by default. */
  readonly timeoutMs?: number
  /** How often a request is sent again that failed without fault of its own. 4 by default. */
  readonly retries?: number
  /** Tokens that may be used through this object; no limit by default. */
  readonly tokenBudget?: number | undefined
  readonly clock?: Clock
  /** Numbers from 0 up to 1. */
  readonly random?: () => number
}

export interface OpenaiRequest {
  readonly path: string
  /** For messages. */
  readonly model: string
  readonly body: Readonly<Record<string, unknown>>
  readonly signal?: AbortSignal | undefined
}

/** An endpoint that asks for more patience is not waited for: the caller may have something better to do. */
const longestWaitMs = 60_000
const pauses = { firstMs: 500, mostMs: 8_000 }
const largestAnswerBytes = 64 * 1024 * 1024

/**
 * Requests fail with MODEL_REQUEST_REFUSED (another status from 300 to 499), MODEL_ANSWER_INVALID (not what was asked for), or, when all
 * retries have failed or the wait that was asked for is longer than a minute, MODEL_UNAVAILABLE (unreachable, silent, cut off, 408, 429,
 * 5xx). They reject with the signal's reason soon after that aborts, also between two attempts.
 */
export class OpenaiEndpoint {
  readonly budget: TokenBudget
  /** OpenAI itself has given `max_tokens` a new name, which others do not know. */
  readonly maxTokensField: 'max_tokens' | 'max_completion_tokens'
  readonly #baseUrl: string
  readonly #apiKey: Secret | undefined
  readonly #timeoutMs: number
  readonly #retries: number
  readonly #clock: Clock
  readonly #random: () => number

  constructor(options: OpenaiEndpointOptions = {}) {
    const { baseUrl = 'https://api.openai.com/v1', apiKey, timeoutMs = 60_000, retries = 4, tokenBudget } = options
    if (!URL.canParse(baseUrl)) throw infrastructureErrors.MODEL_OPTIONS_INVALID({ reason: 'baseUrl is not a URL' })
    this.budget = new TokenBudget(tokenBudget)
    this.maxTokensField = new URL(baseUrl).hostname === 'api.openai.com' ? 'max_completion_tokens' : 'max_tokens'
    this.#baseUrl = baseUrl.replace(/\/+$/, '')
    this.#apiKey = apiKey
    this.#timeoutMs = timeoutMs
    this.#retries = retries
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? Math.random
  }

  /** The answer, read as JSON. */
  async json(request: OpenaiRequest): Promise<unknown> {
    return this.#retrying(request, async () => {
      const exchange = this.#open(request)
      try {
        const text = await exchange.within(async () => this.#textOf(request, await exchange.response()))
        return this.parse(request.model, text)
      } finally {
        exchange.close()
      }
    })
  }

  /**
   * The data of each event of a streamed answer. Nothing is sent before the first is asked for; a failure after the first is not tried
   * again. Leaving the loop early ends the request.
   */
  async *events(request: OpenaiRequest): AsyncGenerator<string> {
    const { exchange, response } = await this.#retrying(request, async () => {
      const exchange = this.#open(request)
      try {
        return { exchange, response: await exchange.within(() => exchange.response()) }
      } catch (error) {
        exchange.close()
        throw error
      }
    })
    try {
      const events = readEvents(this.#chunks(request, response), request.model)
      for (;;) {
        request.signal?.throwIfAborted()
        const next = await exchange.within(() => events.next())
        if (next.done) return
        yield next.value
      }
    } finally {
      exchange.close()
    }
  }

  /** @throws MODEL_ANSWER_INVALID */
  parse(model: string, text: string): unknown {
    try {
      return JSON.parse(text)
    } catch {
      throw infrastructureErrors.MODEL_ANSWER_INVALID({ model, reason: `it is not JSON: ${this.#shown(text)}` })
    }
  }

  /** A message of the endpoint, fit to be shown: short, and without the key. */
  shownMessage(body: unknown): string {
    const error = isRecord(body) && isRecord(body['error']) ? body['error']['message'] : undefined
    return this.#shown(typeof error === 'string' ? error : JSON.stringify(body))
  }

  async #retrying<T>({ signal }: OpenaiRequest, attempt: () => Promise<T>): Promise<T> {
    for (let retry = 0; ; retry++) {
      signal?.throwIfAborted()
      try {
        return await attempt()
      } catch (error) {
        signal?.throwIfAborted()
        if (!isError(error, 'MODEL_UNAVAILABLE') || retry >= this.#retries) throw error
        const waitMs = retryAfterOf(error) || backoffMs(pauses, retry + 1, this.#random)
        if (waitMs > longestWaitMs) throw error
        await this.#clock.sleep(waitMs, signal)
      }
    }
  }

  /** One request on its way. `close` ends it and is safe to repeat. */
  #open(request: OpenaiRequest) {
    const { path, model, body, signal } = request
    const stop = new AbortController()
    const send = () =>
      fetch(this.#baseUrl + path, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(this.#apiKey && { authorization: `Bearer ${this.#apiKey.reveal()}` }),
        },
        body: JSON.stringify(body),
        // The key is for this endpoint and no other.
        redirect: 'manual',
        signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal,
      })
    return {
      response: async () => {
        const response = await send()
        if (!response.ok) throw await this.#failureOf(request, response)
        return response
      },
      /** Runs a part of the exchange; the endpoint may stay silent for `timeoutMs`. */
      within: async <T>(part: () => Promise<T>): Promise<T> => {
        const done = new AbortController()
        const reason = `it took longer than ${this.#timeoutMs} ms`
        this.#clock.sleep(this.#timeoutMs, done.signal).then(
          () => stop.abort(infrastructureErrors.MODEL_UNAVAILABLE({ model, reason })),
          () => {},
        )
        try {
          return await part()
        } catch (error) {
          signal?.throwIfAborted()
          stop.signal.throwIfAborted()
          throw isError(error) ? error : unreachable(model, error)
        } finally {
          done.abort()
        }
      },
      close: () => stop.abort(),
    }
  }

  async #textOf(request: OpenaiRequest, response: Response): Promise<string> {
    const decoder = new TextDecoder()
    let text = ''
    for await (const chunk of this.#chunks(request, response)) text += decoder.decode(chunk, { stream: true })
    return text + decoder.decode()
  }

  async *#chunks({ model }: OpenaiRequest, { body }: Response): AsyncGenerator<Uint8Array> {
    let size = 0
    for await (const chunk of body ?? []) {
      size += chunk.length
      if (size > largestAnswerBytes) {
        throw infrastructureErrors.MODEL_ANSWER_INVALID({
          model,
          reason: `it is larger than ${largestAnswerBytes} bytes`,
        })
      }
      yield chunk
    }
  }

  async #failureOf(request: OpenaiRequest, response: Response): Promise<KeelsonError> {
    const { model } = request
    const { status, headers } = response
    const body = await this.#bodyOfFailure(request, response)
    const reason = status === 401 || status === 403 ? 'the key is missing or not accepted' : this.shownMessage(body)
    if (!mayPass(status) || isOutOfCredit(body)) {
      return infrastructureErrors.MODEL_REQUEST_REFUSED({ model, status, reason })
    }
    const afterMs = retryAfterIn(headers, this.#clock.now())
    const details = { model, reason: `status ${status}: ${reason}` }
    return infrastructureErrors.MODEL_UNAVAILABLE(
      afterMs === undefined ? details : { ...details, retryAfterMs: afterMs },
    )
  }

  async #bodyOfFailure(request: OpenaiRequest, response: Response): Promise<unknown> {
    const decoder = new TextDecoder()
    let text = ''
    for await (const chunk of this.#chunks(request, response)) {
      text += decoder.decode(chunk, { stream: true })
      if (text.length > 10_000) break
    }
    try {
      return JSON.parse(text)
    } catch {
      return text
    }
  }

  #shown(text: string): string {
    const key = this.#apiKey?.reveal()
    const safe = key ? text.replaceAll(key, '[redacted]') : text
    return safe.length > 200 ? `${safe.slice(0, 200)}…` : safe
  }
}

/** Overload and failures of the endpoint pass; what is wrong with the request stays wrong. */
function mayPass(status: number): boolean {
  return status === 408 || status === 429 || status >= 500
}

/** OpenAI answers 429 to an account without credit as well, which no waiting helps. */
function isOutOfCredit(body: unknown): boolean {
  return isRecord(body) && isRecord(body['error']) && body['error']['code'] === 'insufficient_quota'
}

/** `fetch` wraps what went wrong on the wire in an error of its own. */
function unreachable(model: string, error: unknown): KeelsonError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
  const reason = code ?? reasonOf(cause)
  return infrastructureErrors.MODEL_UNAVAILABLE(
    { model, reason: `the endpoint cannot be reached (${reason})` },
    { cause },
  )
}

/**
 * The one HTTP client below the typed client and that of `/rpc`: what every request carries of its call, how long it may take, how much of
 * an answer is read, and by what name it fails when there is none.
 */
import { type CallContext, type Clock, isError, systemClock } from '@keelson/kernel'
import { traceHeaders } from '@keelson/telemetry'
import { servicesErrors } from '../../errors.ts'
import { timeLeftHeader } from '../../listener/call-headers.ts'
import { eventsOf, type ServerSentEvent } from './event-reader.ts'

type Awaitable<T> = T | Promise<T>

/** Headers for every request: credentials, mostly. A function is asked each time. */
export type ClientHeaders = Readonly<Record<string, string>> | (() => Awaitable<Readonly<Record<string, string>>>)

export interface HttpClientOptions {
  readonly headers?: ClientHeaders | undefined
  readonly timeoutMs?: number | undefined
  readonly maxAnswerBytes?: number | undefined
  readonly fetch?: typeof fetch | undefined
  readonly clock?: Clock | undefined
}

export interface HttpRequest {
  /** What is called, for messages. */
  readonly operation: string
  readonly method: string
  /** From the client's address on, with the query string. */
  readonly path: string
  readonly body?: string | Uint8Array<ArrayBuffer> | undefined
  readonly contentType?: string | undefined
  /** Whether the answer is a stream, which may last as long as its reader wants once it has begun. */
  readonly isStream?: boolean
  readonly call: CallContext
}

export interface HttpAnswer {
  readonly status: number
  readonly isSuccess: boolean
  readonly headers: Headers
  /** The body as text. Rejects as `send` does, and with REMOTE_ANSWER_INVALID when it is larger than the client takes. */
  text(): Promise<string>
  /** The first part of a body that may not be worth reading whole; what there is when it breaks off. */
  beginning(): Promise<string>
  /** The body as a stream of events. Rejects as `send` does. */
  events(): AsyncGenerator<ServerSentEvent>
}

const defaultTimeoutMs = 30_000
const defaultMaxAnswerBytes = 64 * 1024 * 1024
const beginningBytes = 1024 * 1024

/** What may stand in a header as it is. */
const plainValue = /^[\x21-\x7e]{1,255}$/

export class HttpClient {
  readonly #address: string
  readonly #authorization: string | undefined
  readonly #headers: ClientHeaders
  readonly #timeoutMs: number
  readonly #maxAnswerBytes: number
  readonly #fetch: typeof fetch
  readonly #clock: Clock

  /** @param url where the paths start; a name and password in it are sent as Basic authentication and shown nowhere. */
  constructor(url: string, { headers = {}, timeoutMs, maxAnswerBytes, fetch: given, clock }: HttpClientOptions) {
    const parsed = URL.parse(url)
    this.#address = (parsed ? `${parsed.protocol}//${parsed.host}${parsed.pathname}` : url).replace(/\/+$/, '')
    this.#authorization = parsed ? basicOf(parsed) : undefined
    this.#headers = headers
    this.#timeoutMs = timeoutMs ?? defaultTimeoutMs
    this.#maxAnswerBytes = maxAnswerBytes ?? defaultMaxAnswerBytes
    this.#fetch = given ?? fetch
    this.#clock = clock ?? systemClock
  }

  /**
   * Resolves with whatever is answered; a redirect is not followed, since that could send credentials to another host. Rejects with
   * REQUEST_CANCELLED, REMOTE_TIMEOUT or PEER_UNREACHABLE.
   */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    const { operation, call, isStream = false } = request
    // Called without an object: a browser's own function refuses any other.
    const send = this.#fetch
    const patience = new Patience(this.#clock, this.#timeoutMs)
    const headers = await this.#headersOf(request).catch((error: unknown) => {
      patience.end()
      throw error
    })
    const lost = (cause: unknown) => this.#lost(request, patience, cause)
    try {
      const response = await send(this.#address + request.path, {
        method: request.method,
        headers,
        redirect: 'manual',
        signal: AbortSignal.any([call.signal, patience.signal]),
        ...(request.body !== undefined && { body: request.body }),
      })
      // A call must be over in time with its body.
      if (isStream) patience.end()
      return new Answer(response, { operation, patience, lost, maxBytes: this.#maxAnswerBytes })
    } catch (cause) {
      patience.end()
      throw lost(cause)
    }
  }

  async #headersOf({ call, contentType, isStream }: HttpRequest): Promise<Headers> {
    const given = typeof this.#headers === 'function' ? await this.#headers() : this.#headers
    const { origin, key, trace, deadlineAt } = call
    const { correlationId } = origin
    const headers = new Headers({
      accept: isStream ? 'text/event-stream' : 'application/json, */*;q=0.5',
      ...(contentType !== undefined && { 'content-type': contentType }),
      ...(plainValue.test(correlationId) && { 'x-correlation-id': correlationId }),
      ...(key && { 'idempotency-key': key.text }),
      ...traceHeaders(trace),
      ...(deadlineAt !== undefined && { [timeLeftHeader]: this.#timeLeft(deadlineAt) }),
      ...(this.#authorization !== undefined && { authorization: this.#authorization }),
    })
    for (const [name, value] of Object.entries(given)) headers.set(name, value)
    return headers
  }

  /** Clocks of two processes differ, so the time that is left travels, in whole milliseconds. */
  #timeLeft(deadlineAt: number): string {
    return String(Math.max(0, Math.ceil(deadlineAt - this.#clock.monotonic())))
  }

  /** What a request that got no whole answer is called. The address is in the cause alone, which the log shows and callers do not. */
  #lost({ operation, call }: HttpRequest, patience: Patience, cause: unknown): Error {
    if (isError(cause)) return cause
    if (call.signal.aborted) return servicesErrors.REQUEST_CANCELLED({}, { cause })
    if (patience.signal.aborted)
      return servicesErrors.REMOTE_TIMEOUT({ operation, timeoutMs: this.#timeoutMs }, { cause })
    const reason = new Error(`no whole answer from ${this.#address}`, { cause })
    return servicesErrors.PEER_UNREACHABLE({ operation }, { cause: reason })
  }
}

/** How long is waited, which may be longer than a timer of Node. */
class Patience {
  readonly #late = new AbortController()
  readonly #ended = new AbortController()

  constructor(clock: Clock, timeoutMs: number) {
    clock.sleep(timeoutMs, this.#ended.signal).then(
      () => this.#late.abort(),
      () => {},
    )
  }

  get signal(): AbortSignal {
    return this.#late.signal
  }

  end(): void {
    this.#ended.abort()
  }
}

interface Reading {
  readonly operation: string
  readonly patience: Patience
  readonly maxBytes: number
  /** Names a body that breaks off. */
  readonly lost: (cause: unknown) => Error
}

class Answer implements HttpAnswer {
  readonly status: number
  readonly isSuccess: boolean
  readonly headers: Headers
  readonly #response: Response
  readonly #reading: Reading

  constructor(response: Response, reading: Reading) {
    this.status = response.status
    this.isSuccess = response.ok
    this.headers = response.headers
    this.#response = response
    this.#reading = reading
  }

  async text(): Promise<string> {
    const decoder = new TextDecoder()
    let text = ''
    let size = 0
    for await (const bytes of this.#bytes()) {
      size += bytes.length
      if (size > this.#reading.maxBytes) throw this.#tooLarge()
      text += decoder.decode(bytes, { stream: true })
    }
    return text + decoder.decode()
  }

  async beginning(): Promise<string> {
    const decoder = new TextDecoder()
    let text = ''
    let size = 0
    try {
      for await (const bytes of this.#bytes()) {
        text += decoder.decode(bytes, { stream: true })
        size += bytes.length
        if (size > beginningBytes) break
      }
    } catch {
      // An error is named by what is known of it.
    }
    return text
  }

  async *events(): AsyncGenerator<ServerSentEvent> {
    yield* eventsOf(this.#bytes(), this.#reading.operation)
  }

  /** Leaving it lets go of the connection. */
  async *#bytes(): AsyncGenerator<Uint8Array> {
    try {
      for await (const bytes of this.#response.body ?? []) yield bytes
    } catch (cause) {
      throw this.#reading.lost(cause)
    } finally {
      this.#reading.patience.end()
    }
  }

  #tooLarge() {
    const { operation, maxBytes } = this.#reading
    return servicesErrors.REMOTE_ANSWER_INVALID({ operation, reason: `it is larger than ${maxBytes} bytes` })
  }
}

function basicOf({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined
  const bytes = new TextEncoder().encode(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`)
  return `Basic ${btoa(String.fromCharCode(...bytes))}`
}

/** A request of HTTP/1.1, on Node's own server. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { servicesErrors } from '../errors.ts'
import type { AnswerHeaders, AnswerStream, Arrival } from './arrival.ts'

const mostDiscardedBytes = 64 * 1024 * 1024

export class Http1Request implements Arrival {
  readonly method: string
  readonly target: string
  /** The path of the route that it has taken; empty until one is found. */
  route = ''
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #gone = new AbortController()
  #mustContinue: boolean

  /** @param mustContinue whether the caller waits for `100 Continue` before it sends the body. */
  constructor(request: IncomingMessage, response: ServerResponse, mustContinue: boolean) {
    this.method = request.method ?? 'GET'
    this.target = request.url ?? '/'
    this.#request = request
    this.#response = response
    this.#mustContinue = mustContinue
    response.once('close', () => {
      if (!response.writableFinished) this.#gone.abort(servicesErrors.REQUEST_CANCELLED({}))
    })
    // A caller that breaks off is told by `gone`; an error that nobody listens to would end the process.
    request.on('error', ignore)
    response.on('error', ignore)
  }

  get remoteAddress(): string {
    return this.#request.socket.remoteAddress ?? ''
  }

  get gone(): AbortSignal {
    return this.#gone.signal
  }

  get isAnswered(): boolean {
    return this.#response.headersSent
  }

  /** Of the answer, once it has begun. */
  get status(): number | undefined {
    return this.#response.headersSent ? this.#response.statusCode : undefined
  }

  get isStream(): boolean {
    return String(this.#response.getHeader('content-type') ?? '').startsWith('text/event-stream')
  }

  /** Whether all of it has arrived, the body too. */
  get isComplete(): boolean {
    return this.#request.complete
  }

  /** HTTP/1.1 asks for exactly one Host. */
  get hasOneHost(): boolean {
    const { rawHeaders, httpVersion } = this.#request
    let hosts = 0
    for (let at = 0; at < rawHeaders.length; at += 2) if (rawHeaders[at]?.toLowerCase() === 'host') hosts++
    return hosts === 1 || (hosts === 0 && httpVersion === '1.0')
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }

  headerNames(): readonly string[] {
    return Object.keys(this.#request.headers)
  }

  /** Adds a header to whatever will be answered. */
  setHeader(name: string, value: string): void {
    this.#response.setHeader(name, value)
  }

  async readBytes(maxBytes: number): Promise<Buffer> {
    if (Number(this.header('content-length') ?? 0) > maxBytes)
      throw servicesErrors.REQUEST_TOO_LARGE({ limitBytes: maxBytes })
    this.#continue()
    const chunks: Buffer[] = []
    let size = 0
    try {
      // The stream is left open: the rest of a body that is refused is discarded later, so that the answer can be read.
      for await (const chunk of this.#request.iterator({ destroyOnReturn: false })) {
        // Without an encoding set, a request yields buffers.
        const bytes = chunk as Buffer
        size += bytes.length
        if (size > maxBytes) break
        chunks.push(bytes)
      }
    } catch {
      throw servicesErrors.REQUEST_MALFORMED({ reason: 'the body ended before all of it had arrived' })
    }
    if (size > maxBytes) throw servicesErrors.REQUEST_TOO_LARGE({ limitBytes: maxBytes })
    return Buffer.concat(chunks)
  }

  #continue(): void {
    if (this.#mustContinue) this.#response.writeContinue()
    this.#mustContinue = false
  }

  answer(status: number, headers: AnswerHeaders, body?: string | Uint8Array): void {
    const response = this.#response
    if (response.headersSent || response.destroyed) return
    const hasNoBody = status === 204 || status === 304
    const length = hasNoBody ? {} : { 'content-length': Buffer.byteLength(body ?? '') }
    response.writeHead(status, { ...length, ...headers, ...this.#connectionHeader() })
    response.end(hasNoBody ? undefined : body)
  }

  stream(status: number, headers: AnswerHeaders): AnswerStream {
    const response = this.#response
    response.writeHead(status, { ...headers, ...this.#connectionHeader() })
    response.flushHeaders()
    let room: PromiseWithResolvers<void> | undefined
    const release = () => {
      room?.resolve()
      room = undefined
    }
    response.on('drain', release).once('close', release)
    return {
      async write(text) {
        if (response.destroyed || response.writableEnded || response.write(text)) return
        room ??= Promise.withResolvers()
        await room.promise
      },
      end() {
        if (response.closed) return Promise.resolve()
        return new Promise((resolve) => {
          response.once('close', resolve)
          response.end()
        })
      },
    }
  }

  /** A caller that was never told to send its body cannot be told so after the answer: the connection ends instead. */
  #connectionHeader(): AnswerHeaders {
    return this.#mustContinue ? { connection: 'close' } : {}
  }

  breakOff(): void {
    this.#response.destroy()
  }

  /** A caller that is still sending reads no answer, so the rest of a body is taken and dropped, up to a bound. */
  discardRest(): void {
    const request = this.#request
    if (request.complete || this.#mustContinue) return
    let dropped = 0
    request.on('data', (chunk: Buffer) => {
      dropped += chunk.length
      if (dropped > mostDiscardedBytes) request.destroy()
    })
    request.resume()
  }

  onClosed(closed: () => void): void {
    this.#response.once('close', closed)
  }

  /** Says with the answer, if it has not begun, that nothing more is taken on this connection. */
  isLast(): void {
    if (!this.#response.headersSent) this.#response.shouldKeepAlive = false
  }
}

function ignore(): void {}

/**
 * The trace of one HTTP request: the caller's, or one that begins here. When it is sampled the request is a span under OpenTelemetry's HTTP
 * conventions; when not, it becomes one at its end if it failed or was slow.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TraceContext } from '@keelson/kernel'
import {
  semanticConventions as names,
  parseTraceContext,
  type Span,
  type SpanAttributes,
  type Tracer,
} from '@keelson/telemetry'

/** Marks the span of an answer that lasts as long as its reader wants. */
export const streamAttribute = 'keelson.stream'

/** What asks all day long whether the system is well is in nobody's interest. */
const unobserved = /^\/(health|metrics|system|docs|openapi\.json)(\/|\?|$)/

export class RequestSpan {
  /** Of everything that the request causes. */
  readonly context: TraceContext
  readonly #span: Span | undefined
  readonly #method: string
  #route = ''

  constructor(tracer: Tracer, request: IncomingMessage, response: ServerResponse) {
    const { traceparent, tracestate } = request.headers
    const decided = tracer.decide(parseTraceContext(single(traceparent), tracestate))
    const isObserved = !unobserved.test(request.url ?? '')
    this.#method = request.method ?? 'GET'
    const startedMs = tracer.now()
    this.#span = isObserved ? tracer.begin(this.#method, 'server', decided, startedMs) : undefined
    this.context = this.#span ?? decided
    if (!isObserved) return
    response.once('close', () => {
      const error = failureOf(response)
      if (this.#span) this.#end(this.#span, response, error)
      else
        tracer.late(this.#name(), 'server', decided, startedMs, tracer.now(), error, this.#attributes(response, error))
    })
  }

  /** The route that the request has taken. */
  found(route: string): void {
    this.#route = route
  }

  #name(): string {
    return this.#route === '' ? this.#method : `${this.#method} ${this.#route}`
  }

  #end(span: Span, response: ServerResponse, error: Error | undefined): void {
    span.rename(this.#name())
    for (const [key, value] of Object.entries(this.#attributes(response, error))) span.set(key, value)
    if (error) span.status('error', error.message)
    span.end()
  }

  #attributes(response: ServerResponse, error: Error | undefined): SpanAttributes {
    return {
      [names.httpRequestMethod]: this.#method,
      ...(this.#route !== '' && { [names.httpRoute]: this.#route }),
      ...(response.headersSent && { [names.httpResponseStatusCode]: response.statusCode }),
      ...(isStream(response) && { [streamAttribute]: true }),
      ...(error && { [names.errorType]: String(response.statusCode) }),
    }
  }
}

function isStream(response: ServerResponse): boolean {
  return String(response.getHeader('content-type') ?? '').startsWith('text/event-stream')
}

/** What is the server's fault; what the caller did wrong is none, as the conventions ask. */
function failureOf(response: ServerResponse): Error | undefined {
  if (!response.headersSent || response.statusCode < 500) return undefined
  // Where this is made says nothing of where it failed.
  return Object.assign(new Error(`answered with status ${response.statusCode}`), { stack: '' })
}

function single(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined
}

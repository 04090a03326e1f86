/**
 * The trace of one HTTP request: the caller's, or one that begins here. When it is sampled the request is a span under OpenTelemetry's HTTP
 * conventions; when not, it becomes one at its end if it failed or was slow.
 */
import type { TraceContext } from '@keelson/kernel'
import {
  semanticConventions as names,
  parseTraceContext,
  type Span,
  type SpanAttributes,
  type Tracer,
} from '@keelson/telemetry'
import type { Http1Request } from './http1-request.ts'

/** Marks the span of an answer that lasts as long as its reader wants. */
export const streamAttribute = 'keelson.stream'

/** What asks all day long whether the system is well is in nobody's interest. */
const unobserved = /^\/(health|metrics|system|docs|openapi\.json)(\/|\?|$)/

export class RequestSpan {
  /** Of everything that the request causes. */
  readonly context: TraceContext
  readonly #request: Http1Request
  readonly #span: Span | undefined
  /** What an answer that had begun failed with on the way. */
  #failure: Error | undefined

  constructor(tracer: Tracer, request: Http1Request) {
    this.#request = request
    const decided = tracer.decide(parseTraceContext(request.header('traceparent'), request.header('tracestate')))
    const isObserved = !unobserved.test(request.target)
    const startedMs = tracer.now()
    this.#span = isObserved ? tracer.begin(request.method, 'server', decided, startedMs) : undefined
    this.context = this.#span ?? decided
    if (!isObserved) return
    request.onClosed(() => {
      const error = this.#failure ?? failureOf(request)
      if (this.#span) this.#end(this.#span, error)
      else tracer.late(this.#name(), 'server', decided, startedMs, tracer.now(), error, this.#attributes(error))
    })
  }

  /** The answer had begun and could not be finished. */
  failed(code: string): void {
    this.#failure = withoutPlace(code)
  }

  #name(): string {
    const { method, route } = this.#request
    return route === '' ? method : `${method} ${route}`
  }

  #end(span: Span, error: Error | undefined): void {
    span.rename(this.#name())
    for (const [key, value] of Object.entries(this.#attributes(error))) span.set(key, value)
    if (error) span.status('error', error.message)
    span.end()
  }

  #attributes(error: Error | undefined): SpanAttributes {
    const { method, route, status, isStream } = this.#request
    return {
      [names.httpRequestMethod]: method,
      ...(route !== '' && { [names.httpRoute]: route }),
      ...(status !== undefined && { [names.httpResponseStatusCode]: status }),
      ...(isStream && { [streamAttribute]: true }),
      ...(error && { [names.errorType]: this.#failure ? error.message : String(status) }),
    }
  }
}

/** What is the server's fault; what the caller did wrong is none, as the conventions ask. */
function failureOf({ status }: Http1Request): Error | undefined {
  return status === undefined || status < 500 ? undefined : withoutPlace(`answered with status ${status}`)
}

/** Where this is made says nothing of where it failed. */
function withoutPlace(message: string): Error {
  return Object.assign(new Error(message), { stack: '' })
}

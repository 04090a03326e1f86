/** A Keelson span as `@opentelemetry/api` sees one. */
import type { TraceContext } from '@keelson/kernel'
import type { AttributeValue, Span, SpanAttributes } from '@keelson/telemetry'
import {
  type Attributes,
  createTraceState,
  type Exception,
  type Link,
  type Span as OtelSpan,
  type SpanContext,
  type SpanStatus,
  SpanStatusCode,
  type TimeInput,
  TraceFlags,
} from '@opentelemetry/api'

export class OpenTelemetrySpan implements OtelSpan {
  readonly inner: Span

  constructor(inner: Span) {
    this.inner = inner
  }

  spanContext(): SpanContext {
    return spanContextOf(this.inner)
  }

  setAttribute(key: string, value: unknown): this {
    const clean = attributeOf(value)
    if (clean !== undefined) this.inner.set(key, clean)
    return this
  }

  setAttributes(attributes: Attributes): this {
    for (const [key, value] of Object.entries(attributes)) this.setAttribute(key, value)
    return this
  }

  addEvent(name: string, attributesOrTime?: Attributes | TimeInput, time?: TimeInput): this {
    const isTime =
      typeof attributesOrTime === 'number' || attributesOrTime instanceof Date || Array.isArray(attributesOrTime)
    // What is no time is attributes, by the signature of the API.
    const attributes = isTime ? {} : ((attributesOrTime ?? {}) as Attributes)
    this.inner.event(name, attributesOf(attributes), monotonicOf(isTime ? attributesOrTime : time))
    return this
  }

  addLink({ context, attributes = {} }: Link): this {
    this.inner.link(traceContextOf(context), attributesOf(attributes))
    return this
  }

  addLinks(links: Link[]): this {
    for (const link of links) this.addLink(link)
    return this
  }

  setStatus({ code, message }: SpanStatus): this {
    if (code === SpanStatusCode.OK) this.inner.status('ok')
    if (code === SpanStatusCode.ERROR) this.inner.status('error', message)
    return this
  }

  updateName(name: string): this {
    this.inner.rename(name)
    return this
  }

  end(endTime?: TimeInput): void {
    this.inner.end(undefined, monotonicOf(endTime))
  }

  isRecording(): boolean {
    return !this.inner.hasEnded
  }

  /** Only an event, as the API has it: the status is set by whoever records. */
  recordException(exception: Exception, time?: TimeInput): void {
    const {
      name = 'Error',
      message = '',
      stack = '',
    } = typeof exception === 'string' ? { message: exception } : exception
    const attributes = { 'exception.type': name, 'exception.message': message, 'exception.stacktrace': stack }
    this.inner.event('exception', attributes, monotonicOf(time))
  }
}

export function spanContextOf({ traceId, spanId, isSampled, traceState }: TraceContext): SpanContext {
  return {
    traceId,
    spanId,
    traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    ...(traceState !== '' && { traceState: createTraceState(traceState) }),
  }
}

export function traceContextOf({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceContext {
  const isSampled = (traceFlags & TraceFlags.SAMPLED) === TraceFlags.SAMPLED
  return { traceId, spanId, isSampled, traceState: traceState?.serialize() ?? '' }
}

export function attributesOf(attributes: Attributes): SpanAttributes {
  const clean: Record<string, AttributeValue> = {}
  for (const [key, value] of Object.entries(attributes)) {
    const one = attributeOf(value)
    if (one !== undefined) clean[key] = one
  }
  return clean
}

/** Instrumentations set undefined, and lists with holes. */
function attributeOf(value: unknown): AttributeValue | undefined {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  if (!Array.isArray(value)) return undefined
  return value.filter((one) => one !== null && one !== undefined).map(String)
}

/** In 1973: no process has run for so long. */
const smallestDateMs = 1e11

/** Times of the API are dates, [seconds, nanoseconds], milliseconds since 1970 or, when small, since the process began. */
export function monotonicOf(time: TimeInput | undefined): number | undefined {
  if (time === undefined) return undefined
  const ms = Array.isArray(time) ? time[0] * 1_000 + time[1] / 1e6 : Number(time)
  return ms < smallestDateMs ? ms : performance.now() - (Date.now() - ms)
}

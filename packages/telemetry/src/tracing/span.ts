/**
 * A span: one piece of work with a beginning and an end, and at the same time the trace context of what happens inside it. It only notes
 * what it is told; everything about formats is left for whoever looks.
 */
import { isError, type TraceContext, withoutCredentials } from '@keelson/kernel'
import { semanticConventions } from '../semantic-conventions.ts'

/** Which side of a conversation the work is on, in OpenTelemetry's words. */
export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer'

export type SpanStatus = 'unset' | 'ok' | 'error'

/** What OpenTelemetry allows as the value of an attribute. */
export type AttributeValue = string | number | boolean | readonly string[] | readonly number[] | readonly boolean[]

export type SpanAttributes = Readonly<Record<string, AttributeValue>>

/** Something that happened at one moment of a span. */
export interface SpanEvent {
  readonly name: string
  /** Milliseconds since 1970, with a fraction. */
  readonly timeMs: number
  readonly attributes: SpanAttributes
}

/** A span of this or another trace that has to do with this one, such as the messages a batch was made of. */
export interface SpanLink {
  readonly traceId: string
  readonly spanId: string
  readonly attributes: SpanAttributes
}

/** What is known of a span once it has ended; everything in it is bounded. */
export interface SpanRecord {
  readonly traceId: string
  readonly spanId: string
  /** Empty for the first span of a trace. */
  readonly parentSpanId: string
  readonly traceState: string
  readonly name: string
  readonly kind: SpanKind
  /** Milliseconds since 1970, with a fraction. */
  readonly startMs: number
  readonly durationMs: number
  readonly status: SpanStatus
  /** Why the status is `error`; empty otherwise. */
  readonly statusMessage: string
  readonly attributes: SpanAttributes
  readonly events: readonly SpanEvent[]
  readonly links: readonly SpanLink[]
  /** Attributes, events and links that found no room. */
  readonly dropped: number
}

/** What a span belongs to: the part of its trace that happens under one beginning in this process. */
export interface SpanHome {
  readonly traceId: string
  /** All its spans have ended: what begins later has another home. */
  readonly isComplete: boolean
  /** Monotonic milliseconds. */
  now(): number
  /** Milliseconds since 1970 for a monotonic time. */
  wallClock(monotonicMs: number): number
  began(): void
  ended(span: Span): void
}

const attributesAtMost = 128
const eventsAtMost = 128
const linksAtMost = 128
const textAtMost = 4_096
const listAtMost = 128

const none: SpanAttributes = {}

export class Span implements TraceContext {
  readonly traceId: string
  readonly spanId: string
  readonly isSampled = true
  readonly traceState: string
  readonly parentSpanId: string
  readonly kind: SpanKind
  /** Monotonic milliseconds. */
  readonly startedMs: number
  /** Who else of this process has a part in the trace; for the tracer. */
  readonly segment: SpanHome
  #name: string
  #attributes: Record<string, AttributeValue> | undefined
  #attributeCount = 0
  #events: SpanEvent[] | undefined
  #links: SpanLink[] | undefined
  #dropped = 0
  #status: SpanStatus = 'unset'
  #statusMessage = ''
  #endedMs = -1

  /** Made by a `Tracer` only. */
  constructor(
    name: string,
    kind: SpanKind,
    segment: SpanHome,
    spanId: string,
    parentSpanId: string,
    traceState: string,
    startedMs: number,
  ) {
    this.#name = name
    this.kind = kind
    this.segment = segment
    this.traceId = segment.traceId
    this.spanId = spanId
    this.parentSpanId = parentSpanId
    this.traceState = traceState
    this.startedMs = startedMs
  }

  get name(): string {
    return this.#name
  }

  get hasEnded(): boolean {
    return this.#endedMs >= 0
  }

  /** True once its status is `error`. */
  get hasFailed(): boolean {
    return this.#status === 'error'
  }

  /** 0 until it has ended. */
  get durationMs(): number {
    return this.hasEnded ? this.#endedMs - this.startedMs : 0
  }

  /** Another name, for what is known only later, such as the route of a request. Nothing after the end. */
  rename(name: string): void {
    if (!this.hasEnded) this.#name = cut(name)
  }

  /** Sets an attribute; the last value under a key stays. Texts are cut at 4,096 characters, lists at 128 values. */
  set(key: string, value: AttributeValue): void {
    if (this.hasEnded || key === '') return
    this.#attributes ??= Object.create(null) as Record<string, AttributeValue>
    if (!(key in this.#attributes) && ++this.#attributeCount > attributesAtMost) this.#dropped++
    else this.#attributes[key] = bounded(value)
  }

  /** Adds what happened now, or at monotonic `atMs`. The first 128 events are kept. */
  event(name: string, attributes: SpanAttributes = none, atMs?: number): void {
    if (this.hasEnded) return
    this.#events ??= []
    if (this.#events.length >= eventsAtMost) this.#dropped++
    else {
      const timeMs = this.segment.wallClock(atMs ?? this.segment.now())
      this.#events.push({ name: cut(name), timeMs, attributes: boundedAll(attributes) })
    }
  }

  /** Adds a link to a span elsewhere. The first 128 are kept. */
  link({ traceId, spanId }: TraceContext, attributes: SpanAttributes = none): void {
    if (this.hasEnded) return
    this.#links ??= []
    if (this.#links.length >= linksAtMost) this.#dropped++
    else this.#links.push({ traceId, spanId, attributes: boundedAll(attributes) })
  }

  /** `ok` says that somebody has judged it, and stands against a later `error` here. */
  status(status: SpanStatus, message = ''): void {
    if (this.hasEnded || this.#status === 'ok') return
    this.#status = status
    this.#statusMessage = status === 'error' ? cut(withoutCredentials(message)) : ''
  }

  /** Notes an error as OpenTelemetry does, an event `exception` with type, message and stack, and makes the status `error`. */
  fail(error: unknown, atMs?: number): void {
    if (this.hasEnded) return
    const { type, message, stack } = describe(error)
    this.set(semanticConventions.errorType, type)
    const { exception, exceptionType, exceptionMessage, exceptionStacktrace } = semanticConventions
    const attributes: Record<string, AttributeValue> = { [exceptionType]: type, [exceptionMessage]: message }
    if (stack !== '') attributes[exceptionStacktrace] = stack
    this.event(exception, attributes, atMs)
    this.status('error', message)
  }

  /**
   * Ends the span; with an error it has failed. Only the first call counts, and nothing changes the span afterwards. When it was the last
   * open one of its trace in this process, the trace is complete.
   *
   * @param endedMs monotonic milliseconds, when the caller has just read the clock.
   */
  end(error?: unknown, endedMs: number = this.segment.now()): void {
    if (this.hasEnded) return
    if (error !== undefined) this.fail(error, endedMs)
    this.#endedMs = Math.max(endedMs, this.startedMs, 0)
    this.segment.ended(this)
  }

  record(): SpanRecord {
    return {
      traceId: this.traceId,
      spanId: this.spanId,
      parentSpanId: this.parentSpanId,
      traceState: this.traceState,
      name: this.#name,
      kind: this.kind,
      startMs: this.segment.wallClock(this.startedMs),
      durationMs: this.durationMs,
      status: this.#status,
      statusMessage: this.#statusMessage,
      attributes: { ...this.#attributes },
      events: this.#events ?? [],
      links: this.#links ?? [],
      dropped: this.#dropped,
    }
  }
}

function describe(error: unknown): { type: string; message: string; stack: string } {
  try {
    if (!(error instanceof Error)) return { type: typeof error, message: safeText(String(error)), stack: '' }
    const type = isError(error) ? error.code : error.name
    return { type: safeText(type) || 'Error', message: safeText(error.message), stack: safeText(error.stack ?? '') }
  } catch {
    // A thrown thing may itself throw when it is looked at.
    return { type: 'unreadable', message: '', stack: '' }
  }
}

function safeText(text: unknown): string {
  return cut(withoutCredentials(String(text)))
}

function boundedAll(attributes: SpanAttributes): SpanAttributes {
  const entries = Object.entries(attributes).slice(0, attributesAtMost)
  return Object.fromEntries(entries.map(([key, value]) => [key, bounded(value)]))
}

function bounded(value: AttributeValue): AttributeValue {
  if (typeof value === 'string') return cut(value)
  if (typeof value === 'number' || typeof value === 'boolean') return value
  if (!Array.isArray(value)) return cut(String(value))
  // A list of attributes has values of one type, and cutting a text keeps it one.
  return value.slice(0, listAtMost).map((one) => (typeof one === 'string' ? cut(one) : one)) as readonly string[]
}

function cut(text: string): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed()
  return whole.length <= textAtMost ? whole : `${whole.slice(0, textAtMost - 1).toWellFormed()}…`
}

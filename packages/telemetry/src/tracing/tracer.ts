/**
 * Spans of a process. Whether a trace is recorded is decided first, at its beginning, and inherited from there on, so that a call of a trace
 * that is not recorded costs a comparison. What then fails or is slow is recorded all the same, as one span made at its end.
 */
import { type Clock, systemClock, type TraceContext } from '@keelson/kernel'
import { Span, type SpanAttributes, type SpanKind } from './span.ts'
import { TraceBuffer, type TraceBufferOptions } from './trace-buffer.ts'
import { createTraceIds, type Random } from './trace-ids.ts'
import { type SegmentOwner, TraceSegment } from './trace-segment.ts'

export interface Sampling {
  /** The share of traces begun here that are recorded, 0 to 1; 0.01 by default. */
  readonly share?: number
  /** From this duration on a call is slow, and its trace kept; 1,000 by default. */
  readonly slowMs?: number
  /** Spans a second that are made for calls of unrecorded traces that failed or were slow; 100 by default. */
  readonly latePerSecond?: number
}

export interface TracerOptions extends Sampling, TraceBufferOptions {
  readonly clock?: Clock
  readonly random?: Random
}

/** How many spans went where since the tracer was made. */
export interface TracerCounts {
  readonly ended: number
  /** Made at the end of a call whose trace was not recorded. */
  readonly late: number
  /** Not made, or not kept, since there was no room. */
  readonly dropped: number
}

/** How far the two clocks may drift apart before the wall clock is believed again: it was set, or the machine slept. */
const driftAtMostMs = 50

/**
 * Promises: everything is synchronous and nothing throws; what is recorded is bounded however much happens; a context is decided once and
 * every span under it follows.
 */
export class Tracer {
  /** Completed traces. */
  readonly traces: TraceBuffer
  readonly #clock: Clock
  readonly #random: Random
  readonly #ids: ReturnType<typeof createTraceIds>
  readonly #owner: SegmentOwner
  readonly #listeners = new Set<(segment: TraceSegment) => void>()
  #share = 0
  #slowMs = 0
  #latePerSecond = 0
  /** Traces to let pass before the next that is recorded: one draw per recorded trace instead of one per call. */
  #skip = 0
  #originMs: number
  #lateSecond = -1
  #lateLeft = 0
  #ended = 0
  #late = 0
  #dropped = 0

  constructor(options: TracerOptions = {}) {
    const { clock = systemClock, random = Math.random } = options
    this.traces = new TraceBuffer(options)
    this.#clock = clock
    this.#random = random
    this.#ids = createTraceIds(random)
    this.#owner = { now: () => clock.monotonic(), completed: (segment) => this.#completed(segment) }
    this.#originMs = clock.now() - clock.monotonic()
    this.configure(options)
  }

  /** Monotonic milliseconds of the clock that spans are timed by. */
  now(): number {
    return this.#clock.monotonic()
  }

  get slowMs(): number {
    return this.#slowMs
  }

  get counts(): TracerCounts {
    return { ended: this.#ended, late: this.#late, dropped: this.#dropped }
  }

  /** Changes the sampling of what begins from now on; what is left out takes its default. */
  configure({ share = 0.01, slowMs = 1_000, latePerSecond = 100 }: Sampling): void {
    this.#share = Math.min(Math.max(share, 0), 1) || 0
    this.#slowMs = slowMs
    this.#latePerSecond = latePerSecond
    this.#skip = this.#nextSkip()
  }

  /**
   * The context of a request that comes from outside: the caller's, when it sent one, and otherwise the beginning of a trace, for which it
   * is decided here whether it is recorded. Done at edges, so that a log line and the next process know the trace even when it is not.
   */
  decide(parent?: TraceContext): TraceContext {
    return parent ?? new TraceBeginning(this.#ids.trace(), this.#ids.span(), this.#isChosen())
  }

  /**
   * Begins a span under `parent`, or the first of a trace when there is none; undefined when that trace is not recorded. The span is the
   * context of what happens inside it.
   *
   * @param startedMs monotonic milliseconds, when the caller has just read the clock.
   */
  begin(name: string, kind: SpanKind, parent: TraceContext | undefined, startedMs?: number): Span | undefined {
    if (parent === undefined ? !this.#isChosen() : !parent.isSampled) return undefined
    return this.#span(name, kind, parent, startedMs ?? this.#clock.monotonic())
  }

  /**
   * The end of a call for which `begin` gave no span. When it failed or was slow it is recorded after all: one span, without what happened
   * inside it, in its trace. Costs two comparisons otherwise, and is bounded per second.
   *
   * @param startedMs monotonic, like `endedMs`
   * @param error what it failed with, undefined when it did not
   */
  late(
    name: string,
    kind: SpanKind,
    parent: TraceContext | undefined,
    startedMs: number,
    endedMs: number,
    error?: unknown,
    attributes?: SpanAttributes,
  ): Span | undefined {
    if (error === undefined && endedMs - startedMs < this.#slowMs) return undefined
    if (!this.#hasRoomForLate(endedMs)) {
      this.#dropped++
      return undefined
    }
    this.#late++
    const span = this.#span(name, kind, parent, startedMs)
    span.set('keelson.sampling', 'late')
    if (error !== undefined) span.fail(error, endedMs)
    for (const key in attributes) span.set(key, attributes[key] ?? '')
    span.end(undefined, endedMs)
    return span
  }

  /** Calls `listener` with every trace as it completes, until the returned function is called. It must be quick and not throw. */
  onCompleted(listener: (segment: TraceSegment) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #span(name: string, kind: SpanKind, parent: TraceContext | undefined, startedMs: number): Span {
    const isLocal = parent instanceof Span
    const segment =
      isLocal && !parent.segment.isComplete
        ? parent.segment
        : new TraceSegment(parent?.traceId ?? this.#ids.trace(), this.#origin(), this.#owner)
    const parentSpanId = parent === undefined || parent instanceof TraceBeginning ? '' : parent.spanId
    segment.began()
    return new Span(name, kind, segment, this.#ids.span(), parentSpanId, parent?.traceState ?? '', startedMs)
  }

  #isChosen(): boolean {
    if (this.#skip > 0) {
      this.#skip--
      return false
    }
    const isChosen = this.#share > 0
    this.#skip = this.#nextSkip()
    return isChosen
  }

  /** How many are passed over before the next: geometric, so that each trace has the same chance as if it were drawn by itself. */
  #nextSkip(): number {
    if (this.#share >= 1) return 0
    if (this.#share <= 0) return Number.MAX_SAFE_INTEGER
    return Math.floor(Math.log(1 - this.#random()) / Math.log(1 - this.#share))
  }

  #origin(): number {
    const originMs = this.#clock.now() - this.#clock.monotonic()
    if (Math.abs(originMs - this.#originMs) > driftAtMostMs) this.#originMs = originMs
    return this.#originMs
  }

  #hasRoomForLate(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1_000)
    if (second !== this.#lateSecond) {
      this.#lateSecond = second
      this.#lateLeft = this.#latePerSecond
    }
    if (this.#lateLeft <= 0) return false
    this.#lateLeft--
    return true
  }

  #completed(segment: TraceSegment): void {
    this.#ended += segment.spans.length
    this.#dropped += segment.dropped
    this.traces.add(segment, segment.hasFailed || segment.durationMs >= this.#slowMs)
    for (const listener of this.#listeners) listener(segment)
  }
}

/** A decision that no span has been begun for: the first is then the root of its trace. */
class TraceBeginning implements TraceContext {
  readonly traceId: string
  /** Stands for the caller when an unrecorded trace leaves the process. */
  readonly spanId: string
  readonly isSampled: boolean
  readonly traceState = ''

  constructor(traceId: string, spanId: string, isSampled: boolean) {
    this.traceId = traceId
    this.spanId = spanId
    this.isSampled = isSampled
  }
}

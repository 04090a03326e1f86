/**
 * The part of a trace that happens under one beginning in this process. It is complete when none of its spans is open, and held by its
 * spans only, so that a span that somebody forgets to end costs nothing once nobody knows it any more.
 */
import type { Span, SpanHome } from './span.ts'

/** What a segment needs of its tracer. */
export interface SegmentOwner {
  /** Monotonic milliseconds. */
  now(): number
  completed(segment: TraceSegment): void
}

const spansAtMost = 1_000

export class TraceSegment implements SpanHome {
  readonly traceId: string
  /** Adds up with monotonic milliseconds to milliseconds since 1970. */
  readonly #originMs: number
  readonly #owner: SegmentOwner
  readonly #spans: Span[] = []
  #open = 0
  #hasFailed = false
  #isComplete = false
  /** Spans that found no room. */
  #dropped = 0

  constructor(traceId: string, originMs: number, owner: SegmentOwner) {
    this.traceId = traceId
    this.#originMs = originMs
    this.#owner = owner
  }

  /** In the order in which they ended, 1,000 at most. */
  get spans(): readonly Span[] {
    return this.#spans
  }

  get hasFailed(): boolean {
    return this.#hasFailed
  }

  /** True when all its spans have ended: what begins later under one of them is a segment of its own. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  get dropped(): number {
    return this.#dropped
  }

  /** The longest of its spans. */
  get durationMs(): number {
    return this.#spans.reduce((longest, { durationMs }) => Math.max(longest, durationMs), 0)
  }

  now(): number {
    return this.#owner.now()
  }

  /** Milliseconds since 1970 for a monotonic time. */
  wallClock(monotonicMs: number): number {
    return this.#originMs + monotonicMs
  }

  began(): void {
    this.#open++
  }

  ended(span: Span): void {
    if (span.hasFailed) this.#hasFailed = true
    // The last one has the whole under it and stays, whatever there was before.
    if (this.#spans.length < spansAtMost || this.#open === 1) this.#spans.push(span)
    else this.#dropped++
    this.#open--
    if (this.#open > 0) return
    this.#isComplete = true
    this.#owner.completed(this)
  }
}

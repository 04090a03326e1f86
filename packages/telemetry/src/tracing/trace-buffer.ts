/**
 * The completed traces of a process, bounded in traces and in spans. What failed or was slow has a ring of its own, so that no amount of
 * ordinary traffic pushes out what somebody will look for.
 */
import type { SpanRecord } from './span.ts'
import type { TraceSegment } from './trace-segment.ts'

export interface TraceBufferOptions {
  /** Completed traces of each of the two rings; 500 by default. */
  readonly traces?: number
  /** Spans of each of the two rings; 20,000 by default. */
  readonly spans?: number
}

/** A trace as a line of a list. */
export interface TraceSummary {
  readonly traceId: string
  /** The name of its first span. */
  readonly name: string
  /** Milliseconds since 1970. */
  readonly startMs: number
  /** From the beginning of the first span to the end of the last. */
  readonly durationMs: number
  readonly spans: number
  readonly hasFailed: boolean
}

export interface TraceQuery {
  /** The newest this many; 50 by default. */
  readonly limit?: number
  readonly failedOnly?: boolean
  readonly atLeastMs?: number
}

/** Segments, oldest first; the first of them go when there are too many. */
interface Ring {
  segments: TraceSegment[]
  first: number
  spans: number
}

export class TraceBuffer {
  readonly #tracesAtMost: number
  readonly #spansAtMost: number
  readonly #ordinary: Ring = { segments: [], first: 0, spans: 0 }
  readonly #kept: Ring = { segments: [], first: 0, spans: 0 }

  constructor({ traces = 500, spans = 20_000 }: TraceBufferOptions = {}) {
    this.#tracesAtMost = Math.max(1, traces)
    this.#spansAtMost = Math.max(1, spans)
  }

  /** @param isKept it failed or was slow. */
  add(segment: TraceSegment, isKept: boolean): void {
    const ring = isKept ? this.#kept : this.#ordinary
    ring.segments.push(segment)
    ring.spans += segment.spans.length
    while (this.#isOver(ring)) {
      ring.spans -= ring.segments[ring.first]?.spans.length ?? 0
      ring.first++
    }
    // The array is cut back now and then rather than at each trace, which would move all of it.
    if (ring.first > this.#tracesAtMost) {
      ring.segments = ring.segments.slice(ring.first)
      ring.first = 0
    }
  }

  /** All spans of a trace that are still here, in the order of their beginning. Undefined when there is none. */
  get(traceId: string): readonly SpanRecord[] | undefined {
    const spans = this.#segments()
      .filter((segment) => segment.traceId === traceId)
      .flatMap((segment) => segment.spans.map((span) => span.record()).reverse())
    return spans.length > 0 ? spans.sort((a, b) => a.startMs - b.startMs) : undefined
  }

  /** The newest first. */
  list({ limit = 50, failedOnly = false, atLeastMs = 0 }: TraceQuery = {}): readonly TraceSummary[] {
    const byTrace = Map.groupBy(this.#segments(), ({ traceId }) => traceId)
    return Array.from(byTrace.values(), summaryOf)
      .filter(({ hasFailed, durationMs }) => (hasFailed || !failedOnly) && durationMs >= atLeastMs)
      .sort((a, b) => b.startMs - a.startMs)
      .slice(0, Math.max(0, limit))
  }

  #segments(): TraceSegment[] {
    return [this.#kept, this.#ordinary].flatMap(({ segments, first }) => segments.slice(first))
  }

  /** The newest segment stays, however large it is. */
  #isOver({ segments, first, spans }: Ring): boolean {
    const count = segments.length - first
    return count > this.#tracesAtMost || (spans > this.#spansAtMost && count > 1)
  }
}

function summaryOf(segments: readonly TraceSegment[]): TraceSummary {
  let [startMs, endMs, name, spans] = [Number.POSITIVE_INFINITY, 0, '', 0]
  for (const segment of segments) {
    for (const span of segment.spans) {
      const begun = segment.wallClock(span.startedMs)
      // Of spans that began together the outermost ended last.
      if (begun <= startMs) [startMs, name] = [begun, span.name]
      endMs = Math.max(endMs, begun + span.durationMs)
      spans++
    }
  }
  const traceId = segments[0]?.traceId ?? ''
  return {
    traceId,
    name,
    startMs,
    durationMs: endMs - startMs,
    spans,
    hasFailed: segments.some((one) => one.hasFailed),
  }
}

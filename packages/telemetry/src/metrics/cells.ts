/**
 * Cells: one metric under one set of label values, bound once and then written without a lookup or an allocation. Each keeps its numbers
 * in a typed array, where adding is a load and a store.
 */
import type { TraceContext } from '@keelson/kernel'

/** A number that only grows. */
export class CounterCell {
  readonly #value = new Float64Array(1)
  #read: (() => number) | undefined

  /** Adds `amount`, 1 by default. What is negative or not finite is ignored: a counter never goes back. */
  add(amount = 1): void {
    if (amount >= 0 && amount < Number.POSITIVE_INFINITY) this.#value[0] = (this.#value[0] ?? 0) + amount
  }

  /** From now on the value is what `read` gives when somebody looks, for what is counted elsewhere already. It must never go back. */
  readFrom(read: () => number): void {
    this.#read = read
  }

  /** The value now; undefined when the function it is read from throws. */
  read(): number | undefined {
    return this.#read ? attempted(this.#read) : (this.#value[0] ?? 0)
  }
}

/** A number that goes up and down. */
export class GaugeCell {
  readonly #value = new Float64Array(1)
  #read: (() => number) | undefined

  set(value: number): void {
    this.#value[0] = value
  }

  /** Adds `amount`, which may be negative. */
  add(amount: number): void {
    this.#value[0] = (this.#value[0] ?? 0) + amount
  }

  /** From now on the value is what `read` gives when somebody looks; `set` and `add` have no effect any more. */
  readFrom(read: () => number): void {
    this.#read = read
  }

  /** The value now; undefined when the function it is read from throws. */
  read(): number | undefined {
    return this.#read ? attempted(this.#read) : (this.#value[0] ?? 0)
  }
}

/** One observation that stands for its bucket: the trace it was made in leads to what happened there. */
export interface Exemplar {
  readonly value: number
  readonly traceId: string
  readonly spanId: string
  /** Milliseconds since 1970; undefined when nobody looked. */
  readonly timeMs: number | undefined
}

/** How many observations fell into each bucket, and their sum. */
export class HistogramCell {
  readonly #bounds: Float64Array
  /** A count per bucket, one for what is above all of them, then the sum. */
  readonly #values: Float64Array
  /** The last of each bucket. */
  #exemplars: (Exemplar | undefined)[] | undefined

  /** @param bounds the upper bounds of the buckets, inclusive and ascending; they may be shared between cells. */
  constructor(bounds: Float64Array) {
    this.#bounds = bounds
    this.#values = new Float64Array(bounds.length + 2)
  }

  /**
   * Counts one observation. NaN and infinity are ignored; what is negative, as a clock set back makes it, counts as 0. When it is made in a
   * sampled trace that is given, it becomes the exemplar of its bucket.
   *
   * @param timeMs milliseconds since 1970, for the exemplar.
   */
  record(value: number, trace?: TraceContext, timeMs?: number): void {
    if (!(value < Number.POSITIVE_INFINITY)) return
    const observed = value > 0 ? value : 0
    const bounds = this.#bounds
    const values = this.#values
    let low = 0
    // Most local calls fall into the first bucket: they are not searched for.
    let high = observed <= (bounds[0] ?? 0) ? 0 : bounds.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (observed > (bounds[middle] ?? 0)) low = middle + 1
      else high = middle
    }
    values[low] = (values[low] ?? 0) + 1
    values[bounds.length + 1] = (values[bounds.length + 1] ?? 0) + observed
    if (trace?.isSampled) {
      this.#exemplars ??= new Array(bounds.length + 1).fill(undefined)
      this.#exemplars[low] = { value: observed, traceId: trace.traceId, spanId: trace.spanId, timeMs }
    }
  }

  /** One per bucket, where there is one; empty when there is none at all. */
  exemplars(): readonly (Exemplar | undefined)[] {
    return this.#exemplars?.slice() ?? []
  }

  get sum(): number {
    return this.#values[this.#bounds.length + 1] ?? 0
  }

  /** Observations per bucket, the last being those above all bounds. Not cumulative. */
  counts(): number[] {
    return [...this.#values.subarray(0, -1)]
  }

  get count(): number {
    return this.counts().reduce((total, count) => total + count, 0)
  }

  /**
   * The value below which the share `share` (0 to 1) of observations lies, taking those of a bucket to be spread evenly, as PromQL's
   * `histogram_quantile` does; the highest bound for what lies above it. Undefined without observations.
   */
  quantile(share: number): number | undefined {
    const counts = this.counts()
    const rank = Math.min(Math.max(share, 0), 1) * this.count
    let below = 0
    for (const [bucket, count] of counts.entries()) {
      if (count > 0 && below + count >= rank) return this.#within(bucket, (rank - below) / count)
      below += count
    }
    return undefined
  }

  #within(bucket: number, share: number): number | undefined {
    const lower = this.#bounds[bucket - 1] ?? 0
    const upper = this.#bounds[bucket]
    return upper === undefined ? this.#bounds.at(-1) : lower + (upper - lower) * share
  }
}

function attempted(read: () => number): number | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

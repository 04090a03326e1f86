/**
 * The last measurements of a process as they were made, so that a window of time can be looked at exactly: a ring of numbers, some 1.3 MB
 * whatever happens.
 */
import type { Clock } from '@keelson/kernel'
import type { LabelSet } from './family.ts'

/** One series over a window. */
export interface SeriesAggregate {
  readonly name: string
  readonly labels: LabelSet
  readonly count: number
  readonly perSecond: number
  readonly sum: number
  readonly mean: number
  readonly min: number
  readonly max: number
  /** The last one. */
  readonly last: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

export interface Aggregate {
  readonly windowMs: number
  /** False when older points of the window have been overwritten. */
  readonly isWhole: boolean
  /** Points of series beyond the 10,000 that are told apart, since the beginning. */
  readonly dropped: number
  readonly series: readonly SeriesAggregate[]
}

const capacity = 65_536
const seriesAtMost = 10_000

export class RecentPoints {
  readonly #clock: Clock
  readonly #times = new Float64Array(capacity)
  readonly #values = new Float64Array(capacity)
  readonly #series = new Uint32Array(capacity)
  readonly #known: { readonly name: string; readonly labels: LabelSet }[] = []
  readonly #indexes = new Map<string, number>()
  #added = 0
  #dropped = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(name: string, labels: LabelSet, value: number): void {
    const index = this.#indexOf(name, labels)
    if (index === undefined) {
      this.#dropped++
      return
    }
    const place = this.#added++ % capacity
    this.#times[place] = this.#clock.monotonic()
    this.#values[place] = value
    this.#series[place] = index
  }

  aggregate(windowMs: number): Aggregate {
    const sinceMs = this.#clock.monotonic() - windowMs
    const bySeries = new Map<number, number[]>()
    const oldest = Math.max(0, this.#added - capacity)
    let isWhole = oldest === 0
    for (let one = oldest; one < this.#added; one++) {
      const place = one % capacity
      if ((this.#times[place] ?? 0) < sinceMs) {
        isWhole = true
        continue
      }
      const index = this.#series[place] ?? 0
      const values = bySeries.get(index)
      if (values) values.push(this.#values[place] ?? 0)
      else bySeries.set(index, [this.#values[place] ?? 0])
    }
    const series = [...bySeries].flatMap(([index, values]) => {
      const known = this.#known[index]
      return known ? [{ ...known, ...summary(values, windowMs) }] : []
    })
    return { windowMs, isWhole, dropped: this.#dropped, series }
  }

  #indexOf(name: string, labels: LabelSet): number | undefined {
    const key = JSON.stringify([name, ...Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))])
    const before = this.#indexes.get(key)
    if (before !== undefined) return before
    if (this.#known.length >= seriesAtMost) return undefined
    this.#known.push({ name, labels: { ...labels } })
    this.#indexes.set(key, this.#known.length - 1)
    return this.#known.length - 1
  }
}

/** @param values at least one, in the order they came. */
function summary(values: readonly number[], windowMs: number): Omit<SeriesAggregate, 'name' | 'labels'> {
  const sorted = Float64Array.from(values).sort()
  const rank = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
  const sum = values.reduce((total, value) => total + value, 0)
  return {
    count: values.length,
    perSecond: windowMs > 0 ? values.length / (windowMs / 1_000) : 0,
    sum,
    mean: sum / values.length,
    min: sorted[0] ?? 0,
    max: sorted.at(-1) ?? 0,
    last: values.at(-1) ?? 0,
    p50: rank(0.5),
    p95: rank(0.95),
    p99: rank(0.99),
  }
}

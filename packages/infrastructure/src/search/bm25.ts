/**
 * Okapi BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009), with the idf that stays above zero, and the counts
 * that it needs of the index as a whole.
 */
import type { Segment } from './segment.ts'

const k1 = 1.2
const b = 0.75

/** Per unit of weight, what no term ever reaches. */
export const highestScore = k1 + 1

/** What a query's scores are made of, over all segments. */
export interface Statistics {
  /** Live entries. */
  readonly size: number
  /** Words of an entry on average; 0 when all are of stop words alone. */
  readonly averageLength: number
}

export function statisticsOf(segments: readonly Segment[]): Statistics {
  const size = sum(segments, (segment) => segment.liveCount)
  return { size, averageLength: sum(segments, (segment) => segment.liveLength) / size }
}

export function inverseFrequency(size: number, holders: number): number {
  return Math.log(1 + (size - holders + 0.5) / (holders + 0.5))
}

/** What a term adds to an entry of `length` words that holds it `count` times, per unit of weight: below `highestScore`. */
export function saturated(count: number, length: number, averageLength: number): number {
  // When all texts are of stop words alone, any average will do.
  const norm = averageLength > 0 ? 1 - b + (b * length) / averageLength : 1 - b
  return (count * highestScore) / (count + k1 * norm)
}

function sum(segments: readonly Segment[], of: (segment: Segment) => number): number {
  return segments.reduce((total, segment) => total + of(segment), 0)
}

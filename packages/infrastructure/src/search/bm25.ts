/**
 * Okapi BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009) over segments, with the idf that stays above zero.
 * Counts are taken over live entries only, and an entry's terms are added up in the order of the query: a score does not depend on how
 * the entries are spread over segments.
 */
import type { BestOf, Scored } from '../best-of.ts'
import type { SegmentFilter } from './filters.ts'
import type { Segment } from './segment.ts'

/** An entry of a segment with its score. */
export interface ScoredEntry extends Scored {
  readonly segment: Segment
  readonly entry: number
}

/** Equal scores go by id. Numbers of entries stand in the order of their ids. */
export function comesFirst(a: ScoredEntry, b: ScoredEntry): boolean {
  if (a.segment === b.segment) return a.entry < b.entry
  return a.segment.parts.ids.compare(a.entry, b.segment.parts.ids, b.entry) < 0
}

const k1 = 1.2
const b = 0.75

/** Scores entries. Holds one array that every query uses again. */
export class Bm25 {
  #scores = new Float64Array()

  /**
   * Offers every live entry that holds a term and passes the filter to `top`, and returns their number.
   *
   * @param terms with their weights.
   */
  rank(
    segments: readonly Segment[],
    terms: ReadonlyMap<string, number>,
    filter: SegmentFilter,
    top: BestOf<ScoredEntry>,
  ): number {
    const asked = askedTerms(segments, terms)
    const averageLength = sum(segments, (segment) => segment.liveLength) / sum(segments, (segment) => segment.liveCount)
    let total = 0
    for (const [index, segment] of segments.entries()) {
      const scores = this.#cleared(segment.size)
      for (const { positions, weight } of asked) {
        const position = positions[index] ?? -1
        if (position >= 0) addScores(scores, segment, position, weight, averageLength)
      }
      total += offerScored(scores, segment, filter, top)
    }
    return total
  }

  #cleared(size: number): Float64Array {
    if (this.#scores.length < size) this.#scores = new Float64Array(size)
    return this.#scores.subarray(0, size).fill(0)
  }
}

interface AskedTerm {
  /** By segment: where the term is, or -1. */
  readonly positions: readonly number[]
  /** The highest score the term alone can give. */
  readonly weight: number
}

function askedTerms(segments: readonly Segment[], terms: ReadonlyMap<string, number>): AskedTerm[] {
  const size = sum(segments, (segment) => segment.liveCount)
  const asked: AskedTerm[] = []
  for (const [term, times] of terms) {
    const positions = segments.map((segment) => segment.parts.terms.find(term))
    const holders = positions.reduce(
      (count, position, index) => count + (position < 0 ? 0 : (segments[index]?.holders(position) ?? 0)),
      0,
    )
    if (holders === 0) continue
    const idf = Math.log(1 + (size - holders + 0.5) / (holders + 0.5))
    asked.push({ positions, weight: times * idf * (k1 + 1) })
  }
  return asked
}

function addScores(scores: Float64Array, segment: Segment, term: number, weight: number, averageLength: number): void {
  const { postingStarts, postingEntries, postingCounts, lengths } = segment.parts
  // A text of stop words alone has no length; when all are such, any average will do.
  const perWord = averageLength > 0 ? (k1 * b) / averageLength : 0
  const end = postingStarts[term + 1] ?? 0
  for (let at = postingStarts[term] ?? 0; at < end; at++) {
    const entry = postingEntries[at] ?? 0
    const count = postingCounts[at] ?? 0
    const saturation = count + k1 * (1 - b) + perWord * (lengths[entry] ?? 0)
    scores[entry] = (scores[entry] ?? 0) + (weight * count) / saturation
  }
}

function offerScored(scores: Float64Array, segment: Segment, filter: SegmentFilter, top: BestOf<ScoredEntry>): number {
  const admissions = filter(segment.parts)
  if (!admissions) return 0
  const { struck } = segment
  let total = 0
  entries: for (let entry = 0; entry < scores.length; entry++) {
    const score = scores[entry] ?? 0
    if (score === 0 || struck[entry] === 1) continue
    for (const { codes, admitted } of admissions) if (admitted[codes[entry] ?? 0] === 0) continue entries
    total++
    if (top.mayTake(score)) top.offer({ segment, entry, score })
  }
  return total
}

function sum(segments: readonly Segment[], of: (segment: Segment) => number): number {
  return segments.reduce((total, segment) => total + of(segment), 0)
}

/**
 * Ranks the entries of all segments: BM25 of their words, and before that how exactly they match. Counts are taken over live entries only,
 * and an entry's words are added up in the order of the query: a score does not depend on how the entries are spread over segments.
 */
import type { BestOf, Scored } from '../best-of.ts'
import type { AskedWord, FoundTerm } from './asked-words.ts'
import { highestScore, saturated, statisticsOf } from './bm25.ts'
import { holdingRequired, visitExact } from './exact-match.ts'
import type { FacetCounts } from './facet-counts.ts'
import type { SegmentFilter } from './filters.ts'
import type { QueryPlan } from './query-plan.ts'
import type { Segment } from './segment.ts'

/** An entry of a segment with its score. */
export interface ScoredEntry extends Scored {
  readonly segment: Segment
  readonly entry: number
  /** The part of the score that an exact match gave. */
  readonly boost: number
}

/** Equal scores go by id. Numbers of entries stand in the order of their ids. */
export function comesFirst(a: ScoredEntry, b: ScoredEntry): boolean {
  if (a.segment === b.segment) return a.entry < b.entry
  return a.segment.parts.ids.compare(a.entry, b.segment.parts.ids, b.entry) < 0
}

/** What one exact match is worth: more than the words of the query can give an entry together. */
export function exactBoost(asked: readonly AskedWord[]): number {
  return asked.reduce((total, { word, idf }) => total + word.times * idf * highestScore, 0)
}

/** What is to be ranked. */
export interface Ranked {
  readonly plan: QueryPlan
  readonly asked: readonly AskedWord[]
  readonly filter: SegmentFilter
  readonly accepts?: ((id: string) => boolean) | undefined
}

/** Where the entries found go. */
export interface Collected {
  readonly top: BestOf<ScoredEntry>
  readonly facets: FacetCounts
}

/** Scores entries. Holds arrays that every query uses again. */
export class Ranking {
  #scores = new Float64Array()
  #wordScores = new Float64Array()
  #exact = new Uint8Array()

  /** Offers every live entry that holds a word, all phrases required and passes the filter to `top`, and returns their number. */
  rank(segments: readonly Segment[], { plan, asked, filter, accepts }: Ranked, { top, facets }: Collected): number {
    const { averageLength } = statisticsOf(segments)
    const boost = exactBoost(asked)
    let total = 0
    for (const [index, segment] of segments.entries()) {
      const admissions = filter(segment.parts)
      if (!admissions) continue
      this.#makeRoom(segment.size)
      const scores = this.#scores.subarray(0, segment.size).fill(0)
      for (const word of asked) this.#addWord(scores, segment, index, word, averageLength)
      const exact = this.#exact.subarray(0, segment.size).fill(0)
      visitExact(segment, plan, (entry) => exact.fill((exact[entry] ?? 0) + 1, entry, entry + 1))
      const held = holdingRequired(segment, plan)
      total += offerScored({ segment, scores, exact, boost, admissions, held, accepts }, { top, facets })
    }
    return total
  }

  #makeRoom(size: number): void {
    if (this.#scores.length >= size) return
    this.#scores = new Float64Array(size)
    this.#wordScores = new Float64Array(size)
    this.#exact = new Uint8Array(size)
  }

  /** A word that stands for several terms counts by the one that gives most, so that many spellings do not outweigh a match. */
  #addWord(scores: Float64Array, segment: Segment, index: number, word: AskedWord, averageLength: number): void {
    const here = word.terms.filter(({ positions }) => (positions[index] ?? -1) >= 0)
    const [only] = here
    if (!only) return
    if (here.length === 1) {
      visitScores(segment, index, word, only, averageLength, (entry, score) => {
        scores[entry] = (scores[entry] ?? 0) + score
      })
      return
    }
    const best = this.#wordScores.subarray(0, segment.size).fill(0)
    for (const term of here) {
      visitScores(segment, index, word, term, averageLength, (entry, score) => {
        if (score > (best[entry] ?? 0)) best[entry] = score
      })
    }
    for (let entry = 0; entry < best.length; entry++) scores[entry] = (scores[entry] ?? 0) + (best[entry] ?? 0)
  }
}

function visitScores(
  segment: Segment,
  index: number,
  { word, idf }: AskedWord,
  { positions, weight }: FoundTerm,
  averageLength: number,
  visit: (entry: number, score: number) => void,
): void {
  const { postingStarts, postingEntries, postingCounts, lengths } = segment.parts
  const term = positions[index] ?? -1
  const factor = word.times * idf * weight
  const end = postingStarts[term + 1] ?? 0
  for (let at = postingStarts[term] ?? 0; at < end; at++) {
    const entry = postingEntries[at] ?? 0
    visit(entry, factor * saturated(postingCounts[at] ?? 0, lengths[entry] ?? 0, averageLength))
  }
}

interface ScoredSegment {
  readonly segment: Segment
  readonly scores: Float64Array
  /** By entry: the number of ways in which it matches exactly. */
  readonly exact: Uint8Array
  readonly boost: number
  readonly admissions: NonNullable<ReturnType<SegmentFilter>>
  /** By entry: 1 when it holds all phrases required; `undefined` when there are none. */
  readonly held: Uint8Array | undefined
  readonly accepts: ((id: string) => boolean) | undefined
}

function offerScored(
  { segment, scores, exact, boost, admissions, held, accepts }: ScoredSegment,
  { top, facets }: Collected,
): number {
  const { struck } = segment
  const counting = facets.in(segment.parts)
  let total = 0
  entries: for (let entry = 0; entry < scores.length; entry++) {
    const words = scores[entry] ?? 0
    if (words === 0 || struck[entry] === 1 || held?.[entry] === 0) continue
    for (const { codes, admitted } of admissions) if (admitted[codes[entry] ?? 0] === 0) continue entries
    if (accepts && !accepts(segment.parts.ids.at(entry))) continue
    total++
    counting.add(entry)
    const exactly = boost * (exact[entry] ?? 0)
    if (top.mayTake(words + exactly)) top.offer({ segment, entry, score: words + exactly, boost: exactly })
  }
  counting.end()
  return total
}

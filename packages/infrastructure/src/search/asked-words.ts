/** Which terms of the index the words of a query stand for, and how much each counts. */
import { inverseFrequency } from './bm25.ts'
import type { QueryPlan, QueryWord } from './query-plan.ts'
import type { Segment } from './segment.ts'

/** How a term of the index answers to a word of the query. */
export type TermMatch = 'exact'

export interface AskedWord {
  readonly word: QueryWord
  /** Of the term that most entries hold: a misspelling is rare, but not worth more for it. */
  readonly idf: number
  /** At least one. */
  readonly terms: readonly FoundTerm[]
}

export interface FoundTerm {
  readonly term: string
  readonly match: TermMatch
  /** 1 for the word itself, less for what only resembles it. */
  readonly weight: number
  /** By segment: where the term is, or -1. */
  readonly positions: readonly number[]
  /** Live entries that hold it. */
  readonly holders: number
}

/** Words that no entry holds are left out. */
export function askWords(segments: readonly Segment[], { words }: QueryPlan): AskedWord[] {
  const size = segments.reduce((total, segment) => total + segment.liveCount, 0)
  return words.flatMap((word) => {
    const exact = findTerm(segments, word.term, 'exact', 1)
    if (!exact) return []
    return [{ word, idf: inverseFrequency(size, exact.holders), terms: [exact] }]
  })
}

function findTerm(segments: readonly Segment[], term: string, match: TermMatch, weight: number): FoundTerm | undefined {
  const positions = segments.map((segment) => segment.parts.terms.find(term))
  const holders = positions.reduce(
    (count, position, index) => count + (position < 0 ? 0 : (segments[index]?.holders(position) ?? 0)),
    0,
  )
  return holders === 0 ? undefined : { term, match, weight, positions, holders }
}

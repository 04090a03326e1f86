/** Works out how the score of a hit came about. */
import type { AskedWord, FoundTerm } from './asked-words.ts'
import { type Statistics, saturated } from './bm25.ts'
import { type ExactKind, visitExact } from './exact-match.ts'
import type { Explanation, WordExplanation } from './explanation.ts'
import { visitPositions } from './phrase-match.ts'
import type { QueryPlan } from './query-plan.ts'
import { exactBoost, type ScoredEntry } from './ranking.ts'
import type { Segment } from './segment.ts'

interface Explained {
  readonly segments: readonly Segment[]
  readonly plan: QueryPlan
  readonly asked: readonly AskedWord[]
  readonly statistics: Statistics
}

export function explainHit(hit: ScoredEntry, { segments, plan, asked, statistics }: Explained): Explanation {
  const { segment, entry } = hit
  const length = segment.parts.lengths[entry] ?? 0
  const { averageLength } = statistics
  const index = segments.indexOf(segment)
  const words = asked.flatMap((word) => {
    const ways = word.terms.flatMap((term) => {
      const frequency = frequencyOf(segment, term.positions[index] ?? -1, entry)
      return frequency ? [wordExplanation(word, term, frequency, { length, averageLength })] : []
    })
    const best = ways.reduce<WordExplanation | undefined>((a, b) => (a && a.score >= b.score ? a : b), undefined)
    return best ? [best] : []
  })
  const kinds: ExactKind[] = []
  visitExact(segment, plan, (matching, kind) => {
    if (matching === entry) kinds.push(kind)
  })
  const score = exactBoost(asked)
  return { score: hit.score, words, exact: kinds.map((kind) => ({ kind, score })), length, averageLength }
}

function wordExplanation(
  { word, idf }: AskedWord,
  { term, match, weight }: FoundTerm,
  frequency: { readonly title: number; readonly text: number },
  { length, averageLength }: { readonly length: number; readonly averageLength: number },
): WordExplanation {
  const count = frequency.title + frequency.text
  const score = word.times * idf * weight * saturated(count, length, averageLength)
  return { word: word.text, term, match, weight, times: word.times, idf, frequency, score }
}

function frequencyOf(segment: Segment, term: number, entry: number): { title: number; text: number } | undefined {
  if (term < 0) return undefined
  let frequency: { title: number; text: number } | undefined
  const titleEnd = segment.parts.titleEnds[entry] ?? 0
  visitPositions(segment, term, (holder, from, to) => {
    if (holder !== entry) return
    const title = segment.parts.positions.subarray(from, to).filter((position) => position < titleEnd).length
    frequency = { title, text: to - from - title }
  })
  return frequency
}

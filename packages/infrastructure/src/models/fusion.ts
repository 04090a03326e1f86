/**
 * One ranking out of two: what was found by words and what was found by meaning. Scores of both are brought to 0..1 and added, rather than
 * ranks as in reciprocal rank fusion: with a dense ranking that is weaker than BM25, ranks lose much and a weighted sum loses nothing.
 */
import { infrastructureErrors } from '../errors.ts'

export interface RankedHit {
  readonly id: string
  /** Higher is better; the scale is the list's own. */
  readonly score: number
  /** The part of the score that an exact match gave, as a `SearchHit` says; it is no measure of relevance and is taken out of the sum. */
  readonly boost?: number
}

export interface FusionOptions {
  /** 0 to 1; the dense list has the rest. */
  readonly keywordWeight?: number
}

/**
 * The weighted sum of both lists' scores, each list brought to 0..1 by the least and greatest score in it (min-max of this query).
 *
 * Promises:
 * - Each id of either list is there once, best first, with a score from 0 to 1; equal scores are ordered by id, UTF-16 unit by unit.
 * - A list adds 0 for what it does not hold. Where all scores of a list are equal, each counts 1: it was found, and nothing tells them apart.
 * - Only differences within a list count: adding to all its scores, or multiplying them by something above 0, changes nothing but rounding.
 * - Keyword hits with a boost come first, those with more before those with less, unless `keywordWeight` is 0.
 * - If one list is empty, the order is that of the other. The order in which hits are given does not matter; of equal ids in a list the
 *   best counts.
 *
 * What is not in a list may well have been found behind its end, so give both lists longer than what is wanted: 100 for the best 10.
 *
 * @throws FUSION_INVALID for a weight outside 0..1 or a score that is not finite.
 */
export function fuse(
  keyword: readonly RankedHit[],
  dense: readonly RankedHit[],
  { keywordWeight = 0.8 }: FusionOptions = {},
): RankedHit[] {
  if (!(keywordWeight >= 0 && keywordWeight <= 1)) {
    throw infrastructureErrors.FUSION_INVALID({ reason: `keywordWeight must be from 0 to 1, not ${keywordWeight}` })
  }
  const scores = new Map<string, number>()
  // What only one list holds is all there is to go by when the other is empty, whatever the weights.
  addScaled(scores, keyword, dense.length === 0 ? 1 : keywordWeight)
  addScaled(scores, dense, keyword.length === 0 ? 1 : 1 - keywordWeight)
  if (keywordWeight > 0) addBoosts(scores, keyword)
  return [...scores].map(([id, score]) => ({ id, score })).sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))
}

function addScaled(scores: Map<string, number>, hits: readonly RankedHit[], weight: number): void {
  const best = new Map<string, number>()
  for (const { id, score, boost = 0 } of hits) {
    const relevance = score - boost
    if (!Number.isFinite(relevance)) {
      throw infrastructureErrors.FUSION_INVALID({ reason: `"${id}" has the score ${score}` })
    }
    best.set(id, Math.max(best.get(id) ?? Number.NEGATIVE_INFINITY, relevance))
  }
  let least = Number.POSITIVE_INFINITY
  let greatest = Number.NEGATIVE_INFINITY
  for (const score of best.values()) {
    least = Math.min(least, score)
    greatest = Math.max(greatest, score)
  }
  // Halves, so that the distance of two finite scores is finite too.
  const spread = greatest / 2 - least / 2
  for (const [id, score] of best) {
    const scaled = spread === 0 ? 1 : (score / 2 - least / 2) / spread
    scores.set(id, (scores.get(id) ?? 0) + weight * scaled)
  }
}

/** Puts hits on steps by their boosts, each as high as all of the sum, and brings the whole back to 0..1. */
function addBoosts(scores: Map<string, number>, hits: readonly RankedHit[]): void {
  const boosts = new Map<string, number>()
  for (const { id, boost = 0 } of hits) if (boost > 0) boosts.set(id, Math.max(boosts.get(id) ?? 0, boost))
  if (boosts.size === 0) return
  const steps = [...new Set(boosts.values())].sort((a, b) => a - b)
  for (const [id, score] of scores) {
    const step = steps.indexOf(boosts.get(id) ?? 0) + 1
    scores.set(id, (score + step) / (1 + steps.length))
  }
}

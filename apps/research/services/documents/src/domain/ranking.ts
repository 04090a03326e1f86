/**
 * One ranking out of what was found by words and what was found by meaning. Meaning has no end: what it alone finds must be nearly as near
 * to the question as the nearest, since the twentieth passage that has a little to do with it is no answer. Only the first of both are weighed against each other; what
 * words find beyond them follows in its own order, so that every page of an answer is cut from the same ranking.
 */
import { fuse, type RankedHit } from '@keelson/infrastructure'
import { chunkId, parseChunkId } from './document-draft.ts'

/** So many hits of each kind are fused. Fixed, so that a page does not depend on its size or place. */
export const fusedHits = 200

export interface KeywordHits {
  /** The best, at least `fusedHits` of them where there are as many. */
  readonly hits: readonly RankedHit[]
  readonly total: number
}

export interface RankedPassage {
  /** The passage that ranks the group. */
  readonly id: string
  /** Positions in its document that belong together, ascending: the passage and those neighbours that were found too. */
  readonly positions: readonly number[]
  /** 0 to 1. */
  readonly score: number
}

export interface Ranking {
  readonly passages: readonly RankedPassage[]
  /** All matching passages. */
  readonly total: number
  /** Hits that paging can reach: neighbours that stand together are one. */
  readonly totalHits: number
}

/**
 * Ranks by words alone when `semantic` is empty, by meaning alone when `keyword` is.
 *
 * @param semantic scores are cosines.
 * @param nearEnough share of the best cosine that a passage must reach which no word finds.
 */
export function rank(keyword: KeywordHits, semantic: readonly RankedHit[], nearEnough = 0.7): Ranking {
  const weighed = keyword.hits.slice(0, fusedHits)
  const known = new Set(keyword.hits.map(({ id }) => id))
  const least = nearEnough * Math.max(0, ...semantic.map(({ score }) => score))
  const fused = fuse(
    weighed,
    semantic.filter(({ id, score }) => known.has(id) || score > least),
  )
  const passages = mergeNeighbours(fused)
  const inFused = new Set(fused.map(({ id }) => id))
  const rest = keyword.hits.slice(fusedHits).filter(({ id }) => !inFused.has(id))
  // Some of what seems to be found by meaning alone may stand beyond the hits that were asked for: then it is counted already.
  const isWhole = keyword.hits.length === keyword.total
  const byMeaningOnly = isWhole ? fused.filter(({ id }) => !known.has(id)).length : 0
  const total = keyword.total + byMeaningOnly
  return {
    passages: [...passages, ...rest.map(({ id }) => ({ id, positions: [parseChunkId(id).position], score: 0 }))],
    total,
    totalHits: total - (fused.length - passages.length),
  }
}

/**
 * Passages overlap, so neighbours often answer together: each hit takes in the passage before it and the one after it when they were found
 * too. Three passages at most stand together, so that a long document that is all about the question does not become one hit.
 */
function mergeNeighbours(ranked: readonly RankedHit[]): RankedPassage[] {
  const left = new Set(ranked.map(({ id }) => id))
  const groups: RankedPassage[] = []
  for (const { id, score } of ranked) {
    if (!left.delete(id)) continue
    const { documentId, position } = parseChunkId(id)
    const positions = [position - 1, position, position + 1].filter(
      (one) => one === position || left.delete(chunkId(documentId, one)),
    )
    groups.push({ id, positions, score })
  }
  return groups
}

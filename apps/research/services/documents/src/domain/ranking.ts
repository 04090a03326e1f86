/**
 * One ranking out of what was found by words and what was found by meaning. Only the first of both are weighed against each other; what
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
  /** All hits that paging can reach. */
  readonly total: number
}

/** Ranks by words alone when `semantic` is empty, by meaning alone when `keyword` is. */
export function rank(keyword: KeywordHits, semantic: readonly RankedHit[]): Ranking {
  const weighed = keyword.hits.slice(0, fusedHits)
  const fused = fuse(weighed, semantic)
  const passages = mergeNeighbours(fused)
  const inFused = new Set(fused.map(({ id }) => id))
  const rest = keyword.hits.slice(fusedHits).filter(({ id }) => !inFused.has(id))
  const known = new Set(keyword.hits.map(({ id }) => id))
  const byMeaningOnly = fused.filter(({ id }) => !known.has(id)).length
  return {
    passages: [...passages, ...rest.map(({ id }) => ({ id, positions: [parseChunkId(id).position], score: 0 }))],
    total: keyword.total + byMeaningOnly - (fused.length - passages.length),
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

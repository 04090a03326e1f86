/** What every vector store checks before it asks anybody, and the reading on behind filters that a store does not have itself. */
import { infrastructureErrors } from '../errors.ts'
import { matcherOf, requireCount, type SearchFilter } from '../query.ts'
import type { VectorEntry, VectorQuery, VectorResult } from './vector-index.ts'
import type { VectorCollection } from './vector-store.ts'

const longestId = 500

/** @throws VECTOR_INDEX_INVALID */
export function requireCollection({ name, dimension }: VectorCollection): void {
  if (!/^[\w-]{1,60}$/.test(name))
    throw infrastructureErrors.VECTOR_INDEX_INVALID({
      option: 'name',
      reason: `must be 1 to 60 letters, digits, hyphens and underscores, not ${JSON.stringify(name.slice(0, 100))}`,
    })
  if (!Number.isInteger(dimension) || dimension < 1 || dimension > 2_000)
    throw infrastructureErrors.VECTOR_INDEX_INVALID({
      option: 'dimension',
      reason: `must be a whole number from 1 to 2000, not ${dimension}`,
    })
}

/** The entries to write: of equal ids the last. @throws VECTOR_INVALID */
export function requireEntries(entries: readonly VectorEntry[], dimension: number): VectorEntry[] {
  for (const { id, vector } of entries) {
    const subject = `the vector of ${JSON.stringify(id.slice(0, 100))}`
    if (id === '' || id.length > longestId)
      throw infrastructureErrors.VECTOR_INVALID({
        subject,
        reason: `has an id that is empty or longer than ${longestId}`,
      })
    requireVector(vector, dimension, subject)
  }
  return [...new Map(entries.map((entry) => [entry.id, entry])).values()]
}

/** @throws VECTOR_INVALID, SEARCH_QUERY_INVALID */
export function requireQuery({ vector, limit, filters = [] }: VectorQuery, dimension: number): void {
  requireCount('limit', limit)
  requireVector(vector, dimension, 'the vector to search for')
  for (const filter of filters) matcherOf(filter)
}

function requireVector(vector: Float32Array, dimension: number, subject: string): void {
  const refuse = (reason: string) => infrastructureErrors.VECTOR_INVALID({ subject, reason })
  if (vector.length !== dimension) throw refuse(`has ${vector.length} numbers instead of ${dimension}`)
  if (!vector.every(Number.isFinite)) throw refuse('holds a number that is not finite')
  if (vector.every((value) => value === 0)) throw refuse('is zero and has no direction')
}

/** One hit of a store, with what filters look at. */
export interface StoredHit {
  readonly id: string
  readonly score: number
  readonly attributes: Readonly<Record<string, string>>
}

/**
 * The best hits that pass `filters`, read page by page from a store that gives hits in order.
 *
 * @param page the hits from `offset`, `size` of them or, at the end, fewer.
 */
export async function readFiltered(
  { limit }: Pick<VectorQuery, 'limit'>,
  filters: readonly SearchFilter[],
  page: (offset: number, size: number) => Promise<readonly StoredHit[]>,
): Promise<VectorResult> {
  const matchers = filters.map((filter) => ({ attribute: filter.attribute, matches: matcherOf(filter) }))
  const passes = ({ attributes }: StoredHit) =>
    matchers.every(({ attribute, matches }) => {
      const value = attributes[attribute]
      return value !== undefined && matches(value)
    })
  const hits: { id: string; score: number }[] = []
  let size = matchers.length > 0 ? Math.max(50, limit * 4) : limit
  for (let offset = 0; hits.length < limit; offset += size, size = Math.min(size * 2, 2_000)) {
    const read = await page(offset, size)
    for (const hit of read) if (passes(hit)) hits.push({ id: hit.id, score: hit.score })
    if (read.length < size) break
  }
  return { hits: hits.slice(0, limit) }
}

/**
 * The port of vector search: an index of vectors in this process, ranked by cosine similarity. It holds no text; whoever owns the texts
 * keeps them and their vectors in its database and can build the index again from there.
 *
 * Promises:
 * - `upsert` replaces what is there under the same id; within one call the last of equal ids wins. `remove` of an unknown id is nothing.
 *   A call that throws has changed nothing.
 * - A change is visible to the next search, whatever is still to settle. Searches and changes are synchronous and never see half of one
 *   another.
 * - Vectors are copied and normalised: their length does not matter, and the caller may go on using them. A vector of another dimension,
 *   with a number that is not finite, or of length zero (it has no direction) is refused, in an entry as in a query.
 * - A score is the cosine of the angle to the query, from -1 to 1, right to 0.000002. Equal scores are ordered by id, UTF-16 unit by unit.
 * - A search gives as many hits as the limit asks for, as long as that many entries pass the filters.
 * - An exact index gives the best hits there are: they depend on what it holds now, never on the order or history of changes. An
 *   approximate one gives at least 98 of 100 of the ten best, on the average over queries that are like the entries, with the scores of
 *   an exact one.
 */
import type { SearchFilter } from '../query.ts'

export interface VectorIndex {
  /** How many numbers a vector has. */
  readonly dimension: number
  /** The model that made the vectors, with its version: those of another cannot be compared with them. */
  readonly model: string
  /** Number of entries. */
  readonly size: number
  /** @throws VECTOR_INVALID, or VECTOR_INDEX_FULL when there is no memory for so many. */
  upsert(entries: readonly VectorEntry[]): void
  remove(ids: readonly string[]): void
  /** @throws VECTOR_INVALID, or SEARCH_QUERY_INVALID for a negative or fractional limit or a glob that cannot be read. */
  search(query: VectorQuery): VectorResult
  /** The whole index as bytes, marked with what the caller needs to know where it stands (for instance a change counter). */
  snapshot(mark: string): Uint8Array
  /**
   * Resolves when the index has done what changes left for later to make searches fast; rejects with the signal's reason when it aborts.
   * Nobody has to call it: the index does the same by itself, as long as it is not closed.
   */
  settle(signal?: AbortSignal): Promise<void>
  /** Ends what the index does by itself. It still answers and takes changes. Safe to call twice. */
  close(): void
}

export interface VectorEntry {
  readonly id: string
  readonly vector: Float32Array
  /** Exact values to filter by. */
  readonly attributes: Readonly<Record<string, string>>
}

export interface VectorQuery {
  readonly vector: Float32Array
  /** Hits returned at most. */
  readonly limit: number
  readonly filters?: readonly SearchFilter[]
}

export interface VectorResult {
  /** Best first. */
  readonly hits: readonly { readonly id: string; readonly score: number }[]
}

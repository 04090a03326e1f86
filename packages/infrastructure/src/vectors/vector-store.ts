/**
 * The port of vectors that are kept elsewhere: by a database or a server, in collections of one dimension each. Who outgrows the index in
 * this process moves here; who does not, searches there in a fraction of the time.
 */
import { definePort } from '@keelson/kernel'
import type { VectorEntry, VectorQuery, VectorResult } from './vector-index.ts'

/**
 * Promises:
 * - `create` of a collection that is there with this dimension is nothing; with another it rejects with VECTOR_COLLECTION_CONFLICT. `drop`
 *   of one that is not there is nothing. Everything else rejects with VECTOR_COLLECTION_UNKNOWN then. Vectors of two models belong into two
 *   collections: the name says whose they are.
 * - `upsert` replaces what is there under the same id; within one call the last of equal ids wins. `remove` of an unknown id is nothing.
 *   When either resolves, every later search sees it. One that rejects for an entry has changed nothing; one that rejects for the store
 *   (VECTOR_STORE_UNAVAILABLE) may have, and may be repeated.
 * - A vector of another dimension, with a number that is not finite, or of length zero is refused with VECTOR_INVALID, in an entry as in a
 *   query. Ids are any text of up to 500 characters.
 * - Scores are cosines, right to 0.001, best first. Filters are those of every index; what a store cannot filter by itself it reads on for.
 *   A store may be approximate above some thousands of entries.
 * - All stop soon after the signal aborts, and reject with its reason.
 */
export interface VectorStore {
  create(collection: VectorCollection, options?: StoreOptions): Promise<void>
  drop(collection: string, options?: StoreOptions): Promise<void>
  upsert(collection: string, entries: readonly VectorEntry[], options?: StoreOptions): Promise<void>
  remove(collection: string, ids: readonly string[], options?: StoreOptions): Promise<void>
  /** Rejects with SEARCH_QUERY_INVALID for a negative or fractional limit or a glob that cannot be read. */
  search(collection: string, query: VectorQuery, options?: StoreOptions): Promise<VectorResult>
  /** Number of entries. */
  count(collection: string, options?: StoreOptions): Promise<number>
}

export const VectorStore = definePort<VectorStore>('vector-store')

export interface VectorCollection {
  /** Letters, digits, hyphens and underscores, at most 60: it becomes part of what the store calls it. */
  readonly name: string
  /** Numbers in a vector, from 1 to 2,000. */
  readonly dimension: number
}

export interface StoreOptions {
  readonly signal?: AbortSignal | undefined
}

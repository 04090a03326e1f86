/**
 * The vector index that looks at every entry: exact, ready at once, and fast enough for some 20,000 entries. It is the reference for
 * whatever answers faster.
 */
import { requireCount } from '../query.ts'
import { type IndexShape, requireShape } from './index-shape.ts'
import type { VectorEntry, VectorIndex, VectorQuery, VectorResult } from './vector-index.ts'
import { VectorRows } from './vector-rows.ts'
import { encodeVectorSnapshot } from './vector-snapshot.ts'

/**
 * An empty exact index. A search takes time in proportion to its entries, some 2 ms for 20,000 of dimension 384; a change to its own
 * size, and now and then, when most entries are gone, to that of the index.
 *
 * @throws VECTOR_INDEX_INVALID for a dimension that is not a whole number from 1 to 65,536.
 */
export function createExactVectorIndex(shape: IndexShape): VectorIndex {
  requireShape(shape)
  return new ExactVectorIndex(shape)
}

class ExactVectorIndex implements VectorIndex {
  readonly dimension: number
  readonly model: string
  #rows: VectorRows

  constructor({ dimension, model }: IndexShape) {
    this.dimension = dimension
    this.model = model
    this.#rows = new VectorRows(dimension)
  }

  get size(): number {
    return this.#rows.size
  }

  upsert(entries: readonly VectorEntry[]): void {
    this.#rows.upsert(entries)
  }

  remove(ids: readonly string[]): void {
    this.#rows.remove(ids)
    if (this.#rows.isSparse) this.#rows = this.#rows.compacted()
  }

  search({ vector, limit, filters = [] }: VectorQuery): VectorResult {
    requireCount('limit', limit)
    this.#rows.setQuery(vector, 'the vector of the query')
    const admitted = this.#rows.admitted(filters)
    const nearest = this.#rows.nearest(limit)
    this.#rows.scan(admitted, nearest)
    return { hits: this.#rows.hits(nearest) }
  }

  snapshot(mark: string): Uint8Array {
    return encodeVectorSnapshot(this, this.#rows, undefined, mark)
  }

  async settle(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
  }

  close(): void {}
}

/** The vector index to take: exact as long as that is fast, a graph from then on, without the caller doing anything. */
import type { Clock } from '@keelson/kernel'
import { infrastructureErrors } from '../errors.ts'
import { type HnswOptions, HnswVectorIndex, hnswDefaults } from './hnsw-vector-index.ts'
import { type IndexShape, requireShape } from './index-shape.ts'
import type { VectorIndex } from './vector-index.ts'
import { decodeVectorSnapshot } from './vector-snapshot.ts'

export interface VectorIndexOptions extends IndexShape, VectorIndexTuning {}

export interface VectorIndexTuning {
  /** Entries up to which searches look at all of them, 20,000 by default: exact, in a tenth of a microsecond for each. */
  readonly exactUpTo?: number
  readonly clock?: Clock
}

/**
 * An empty index: exact up to 20,000 entries, approximate above, where it keeps measuring how far a search must look to find what is
 * promised. For vectors that no graph helps with it goes on looking at all.
 *
 * A change takes time in proportion to its own size, about a microsecond for each hundred numbers, and now and then, when most entries
 * are gone, to that of the index. Building the graph is left for later: it goes on by itself in slices of some 8 ms, between which
 * whatever else the process has to do is done, and does not keep the process alive. Until then new entries are looked at one by one:
 * searches take longer, but miss nothing. `settle` waits until all is built.
 *
 * @throws VECTOR_INDEX_INVALID for a dimension that is not a whole number from 1 to 65,536, or an `exactUpTo` that is negative.
 *
 * @example
 * const index = createVectorIndex({ dimension: 384, model: 'all-MiniLM-L6-v2' })
 * index.upsert([{ id: 'a', vector: await embed('A keelson ties the frames.'), attributes: { path: 'ships/keel.md' } }])
 * index.search({ vector: await embed('frames'), limit: 10 }) // { hits: [{ id: 'a', score: 0.61… }] }
 */
export function createVectorIndex({ dimension, model, ...tuning }: VectorIndexOptions): VectorIndex {
  const shape = { dimension, model }
  requireShape(shape)
  requireTuning(tuning)
  return new HnswVectorIndex(shape, optionsOf(tuning))
}

/**
 * The index that `snapshot` of any vector index wrote, as `createVectorIndex` makes them, and its mark. What was left to be built goes on.
 * See that `model` and `dimension` are those of the vectors to come. The bytes are copied.
 *
 * @throws VECTOR_SNAPSHOT_INVALID when they are damaged, cut short, of another version or no snapshot.
 */
export function openVectorSnapshot(
  bytes: Uint8Array,
  tuning: VectorIndexTuning = {},
): { readonly index: VectorIndex; readonly mark: string } {
  requireTuning(tuning)
  const { shape, mark, rows, graph } = decodeVectorSnapshot(bytes)
  return { index: new HnswVectorIndex(shape, optionsOf(tuning), rows, graph), mark }
}

function requireTuning({ exactUpTo = 0 }: VectorIndexTuning): void {
  if (exactUpTo >= 0) return
  throw infrastructureErrors.VECTOR_INDEX_INVALID({ option: 'exactUpTo', reason: `must not be ${exactUpTo}` })
}

function optionsOf({ exactUpTo, clock }: VectorIndexTuning): HnswOptions {
  return { ...hnswDefaults, scanUpTo: exactUpTo ?? hnswDefaults.scanUpTo, clock: clock ?? hnswDefaults.clock }
}

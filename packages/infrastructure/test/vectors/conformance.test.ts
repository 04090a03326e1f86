/** Every vector index of this package against the port's promises, and against itself saved and opened after each change. */
import { describe, it } from 'vitest'
import { createVectorIndex, openVectorSnapshot } from '../../src/vectors/create-vector-index.ts'
import { createExactVectorIndex } from '../../src/vectors/exact-vector-index.ts'
import { type HnswOptions, HnswVectorIndex, hnswDefaults } from '../../src/vectors/hnsw-vector-index.ts'
import { vectorIndexConformance } from '../../src/vectors/vector-index.conformance.ts'
import type { VectorIndex } from '../../src/vectors/vector-index.ts'
import { decodeVectorSnapshot } from '../../src/vectors/vector-snapshot.ts'

const model = 'random'
const graphOnly: HnswOptions = { ...hnswDefaults, scanUpTo: 0, scans: 'never', linking: 'at once' }

const subjects: Readonly<Record<string, (dimension: number) => VectorIndex>> = {
  'the exact index': (dimension) => createExactVectorIndex({ dimension, model }),
  'the index that chooses': (dimension) => createVectorIndex({ dimension, model }),
  'the graph': (dimension) => new HnswVectorIndex({ dimension, model }, graphOnly),
  'the graph, built in slices': (dimension) =>
    new HnswVectorIndex({ dimension, model }, { ...graphOnly, linking: 'in slices' }),
  'an exact index that is saved and opened after each change': (dimension) =>
    reopened(createExactVectorIndex({ dimension, model }), (bytes) => openVectorSnapshot(bytes).index),
  'a graph that is saved and opened after each change': (dimension) =>
    reopened(new HnswVectorIndex({ dimension, model }, graphOnly), (bytes) => {
      const { shape, rows, graph } = decodeVectorSnapshot(bytes)
      return new HnswVectorIndex(shape, graphOnly, rows, graph)
    }),
}

for (const [name, create] of Object.entries(subjects)) {
  describe(name, () => {
    for (const { name, run } of vectorIndexConformance) it(name, () => run(create))
  })
}

function reopened(fresh: VectorIndex, open: (bytes: Uint8Array) => VectorIndex): VectorIndex {
  let index = fresh
  const reopen = () => {
    index = open(index.snapshot(''))
  }
  return {
    dimension: fresh.dimension,
    model: fresh.model,
    get size() {
      return index.size
    },
    upsert(entries) {
      index.upsert(entries)
      reopen()
    },
    remove(ids) {
      index.remove(ids)
      reopen()
    },
    search: (query) => index.search(query),
    snapshot: (mark) => index.snapshot(mark),
    settle: (signal) => index.settle(signal),
    close: () => index.close(),
  }
}

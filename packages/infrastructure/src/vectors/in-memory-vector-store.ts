/** The vector store in this process, over the index: for tests, and as the reference of the port. */
import { infrastructureErrors } from '../errors.ts'
import { createExactVectorIndex } from './exact-vector-index.ts'
import { requireCollection, requireEntries, requireQuery } from './vector-checks.ts'
import type { VectorIndex } from './vector-index.ts'
import type { VectorStore } from './vector-store.ts'

export function createInMemoryVectorStore(): VectorStore {
  const collections = new Map<string, VectorIndex>()
  const open = (name: string): VectorIndex => {
    const index = collections.get(name)
    if (!index) throw infrastructureErrors.VECTOR_COLLECTION_UNKNOWN({ collection: name })
    return index
  }
  return {
    async create(collection, { signal } = {}) {
      signal?.throwIfAborted()
      requireCollection(collection)
      const { name, dimension } = collection
      const found = collections.get(name)
      if (!found) collections.set(name, createExactVectorIndex({ dimension, model: name }))
      else if (found.dimension !== dimension)
        throw infrastructureErrors.VECTOR_COLLECTION_CONFLICT({ collection: name, found: found.dimension, dimension })
    },
    async drop(name, { signal } = {}) {
      signal?.throwIfAborted()
      collections.get(name)?.close()
      collections.delete(name)
    },
    async upsert(name, entries, { signal } = {}) {
      signal?.throwIfAborted()
      const index = open(name)
      index.upsert(requireEntries(entries, index.dimension))
    },
    async remove(name, ids, { signal } = {}) {
      signal?.throwIfAborted()
      open(name).remove(ids)
    },
    async search(name, query, { signal } = {}) {
      signal?.throwIfAborted()
      const index = open(name)
      requireQuery(query, index.dimension)
      return index.search(query)
    },
    async count(name, { signal } = {}) {
      signal?.throwIfAborted()
      return open(name).size
    },
  }
}

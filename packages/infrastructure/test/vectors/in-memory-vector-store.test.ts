import { describe, it } from 'vitest'
import { createInMemoryVectorStore } from '../../src/vectors/in-memory-vector-store.ts'
import { vectorStoreConformance } from '../../src/vectors/vector-store.conformance.ts'

describe('createInMemoryVectorStore() as a VectorStore', () => {
  for (const { name, run } of vectorStoreConformance) it(name, () => run(createInMemoryVectorStore()))
})

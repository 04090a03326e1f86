import { describe, it } from 'vitest'
import { createInMemorySearch } from '../../src/search/in-memory-search.ts'
import { searchConformance } from '../../src/search/search.conformance.ts'

describe('createInMemorySearch()', () => {
  for (const { name, run } of searchConformance) it(name, () => run(createInMemorySearch))
})

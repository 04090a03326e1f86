import { describe, it } from 'vitest'
import { createSearchIndex, openSnapshot } from '../../src/search/bm25-index.ts'
import { searchIndexConformance } from '../../src/search/search-index.conformance.ts'
import type { SearchIndex } from '../../src/search/search-index.ts'

describe('createSearchIndex()', () => {
  for (const { name, run } of searchIndexConformance) it(name, () => run(createSearchIndex))
})

describe('an index that is saved and opened after each change', () => {
  for (const { name, run } of searchIndexConformance) it(name, () => run(createReopened))
})

function createReopened(): SearchIndex {
  let index = createSearchIndex()
  const reopen = () => {
    index = openSnapshot(index.snapshot('')).index
  }
  return {
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
  }
}

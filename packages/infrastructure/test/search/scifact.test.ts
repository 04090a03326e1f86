/** Quality on labelled data. */
import { expect, it } from 'vitest'
import { hasScifact, normalisedGain, readScifact, recall } from '../../../../tools/scifact.ts'
import { createSearchIndex } from '../../src/search/bm25-index.ts'

const isSkipped = !hasScifact() && process.env.KEELSON_REQUIRE_SERVERS !== '1'

it.skipIf(isSkipped)('search() ranks the abstracts of SciFact as well as BM25 is known to', () => {
  const { passages, queries, relevant } = readScifact()
  const index = createSearchIndex()
  index.upsert(passages.map((passage) => ({ ...passage, attributes: {} })))
  let gain = 0
  let found = 0
  for (const [query, wanted] of relevant) {
    const ids = index.search({ text: queries.get(query) ?? '', limit: 100 }).hits.map((hit) => hit.id)
    gain += normalisedGain(ids, wanted)
    found += recall(ids, wanted)
  }
  expect(relevant.size).toBe(300)
  expect(gain / relevant.size).toBeGreaterThanOrEqual(0.69)
  expect(found / relevant.size).toBeGreaterThanOrEqual(0.92)
})

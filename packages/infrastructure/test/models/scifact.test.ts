/** Quality on labelled data. */
import { expect, it } from 'vitest'
import { hasScifact, normalisedGain, readScifact } from '../../../../tools/scifact.ts'
import { fuse, type RankedHit } from '../../src/models/fusion.ts'
import { fitLsa } from '../../src/models/lsa-model.ts'
import { createSearchIndex } from '../../src/search/bm25-index.ts'

const isSkipped = !hasScifact() && process.env.KEELSON_REQUIRE_SERVERS !== '1'

it.skipIf(isSkipped)(
  'fitLsa() finds the abstracts of SciFact, and fused with BM25 it finds more than BM25 alone',
  { timeout: 300_000 },
  async () => {
    const { passages: documents, queries: claims, relevant } = readScifact()
    const index = createSearchIndex()
    index.upsert(documents.map((document) => ({ ...document, attributes: {} })))
    const passages = documents.map(({ title, text }) => `${title}\n${text}`)
    const model = await fitLsa(passages)
    const vectors = await model.embed(passages)

    const gains = { keyword: 0, dense: 0, fused: 0 }
    for (const [query, wanted] of relevant) {
      const text = claims.get(query) ?? ''
      const [direction = new Float32Array()] = await model.embed([text])
      const keyword = index.search({ text, limit: 100 }).hits
      const dense = nearest(direction, vectors, documents)
      gains.keyword += normalisedGain(idsOf(keyword), wanted) / relevant.size
      gains.dense += normalisedGain(idsOf(dense), wanted) / relevant.size
      gains.fused += normalisedGain(idsOf(fuse(keyword, dense)), wanted) / relevant.size
    }
    expect(relevant.size).toBe(300)
    expect(model.dimension).toBe(256)
    expect(gains.dense).toBeGreaterThanOrEqual(0.53)
    expect(gains.fused).toBeGreaterThanOrEqual(gains.keyword)
  },
)

function nearest(
  direction: Float32Array,
  vectors: readonly Float32Array[],
  documents: readonly { readonly id: string }[],
): RankedHit[] {
  return documents
    .map(({ id }, at) => ({ id, score: dot(direction, vectors[at]) }))
    .sort((a, b) => b.score - a.score)
    .slice(0, 100)
}

function dot(one: Float32Array, other: Float32Array = new Float32Array()): number {
  let sum = 0
  for (let i = 0; i < one.length; i++) sum += (one[i] ?? 0) * (other[i] ?? 0)
  return sum
}

function idsOf(hits: readonly RankedHit[]): string[] {
  return hits.map(({ id }) => id)
}

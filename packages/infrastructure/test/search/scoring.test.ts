import { describe, expect, it } from 'vitest'
import { queryTerms, tokenize } from '../../src/search/analyzer.ts'
import { createSearchIndex } from '../../src/search/bm25-index.ts'
import type { SearchEntry } from '../../src/search/search-index.ts'

/** BM25 as the books write it, over all texts at each call. */
function referenceScores(entries: readonly SearchEntry[], query: string): Map<string, number> {
  const texts = entries.map((entry) => [...tokenize(entry.title), ...tokenize(entry.text)])
  const lengths = texts.map((tokens) => tokens.filter((token) => token.kind === 'word').length)
  const averageLength = lengths.reduce((sum, length) => sum + length, 0) / entries.length
  const scores = new Map<string, number>()
  for (const [term, times] of queryTerms(query)) {
    const counts = texts.map((tokens) => tokens.filter((token) => token.term === term).length)
    const holders = counts.filter((count) => count > 0).length
    const idf = Math.log(1 + (entries.length - holders + 0.5) / (holders + 0.5))
    for (const [position, { id }] of entries.entries()) {
      const count = counts[position] ?? 0
      if (count === 0) continue
      const norm = 1 - 0.75 + (0.75 * (lengths[position] ?? 0)) / averageLength
      scores.set(id, (scores.get(id) ?? 0) + (times * idf * count * (1.2 + 1)) / (count + 1.2 * norm))
    }
  }
  return scores
}

const vocabulary = 'keel keelson frames ships sailing fooBar e-mail 安装搜索 the of mast rope anchor sail'.split(' ')

function makeEntries(count: number, step: number): SearchEntry[] {
  return Array.from({ length: count }, (_, number) => ({
    id: `id-${number}`,
    title: vocabulary[(number * step) % vocabulary.length] ?? '',
    text: Array.from(
      { length: (number * step) % 23 },
      (_, place) => vocabulary[(number * place * step + place) % vocabulary.length],
    ).join(' '),
    attributes: {},
  }))
}

describe('search() scores', () => {
  for (const query of [
    'keel',
    'frames of the ship',
    'foobar mail 安装',
    'the of',
    'keel keel mast',
    vocabulary.join(' '),
  ]) {
    it(`are those of BM25 for "${query}"`, () => {
      const entries = makeEntries(60, 7)
      const index = createSearchIndex()
      for (let from = 0; from < entries.length; from += 9) index.upsert(makeEntries(60, 5).slice(from, from + 13))
      for (const entry of entries) index.upsert([entry])
      const { hits, total } = index.search({ text: query, limit: 1_000 })
      const expected = referenceScores(entries, query)
      expect(total).toBe(expected.size)
      for (const { id, score, boost } of hits) expect(score - boost).toBeCloseTo(expected.get(id) ?? Number.NaN, 10)
    })
  }

  it('are numbers when no entry has a word that counts', () => {
    const index = createSearchIndex()
    index.upsert([{ id: 'a', title: '', text: 'to be', attributes: {} }])
    expect(index.search({ text: 'to be', limit: 1 }).hits[0]?.score).toBeGreaterThan(0)
  })

  it('are the same however many words and entries a change brings', () => {
    const entries = makeEntries(5_000, 11)
    const [once, bitByBit] = [createSearchIndex(), createSearchIndex()]
    once.upsert(entries)
    for (let from = 0; from < entries.length; from += 617) bitByBit.upsert(entries.slice(from, from + 617))
    const query = { text: 'keelson rope foobar', limit: 5_000 }
    expect(bitByBit.search(query)).toEqual(once.search(query))
  })

  it('count a word that stands more often than an array element can hold as often as that', () => {
    const index = createSearchIndex()
    index.upsert([
      { id: 'a', title: '', text: 'keel '.repeat(70_000), attributes: {} },
      { id: 'b', title: '', text: 'mast', attributes: {} },
    ])
    expect(index.search({ text: 'keel', limit: 1 }).total).toBe(1)
  })
})

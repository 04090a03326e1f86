import { describe, expect, it } from 'vitest'
import { createSearchIndex } from '../../src/search/bm25-index.ts'
import { randomNumbers } from '../../src/search/random-history.ts'

describe('a quoted phrase', () => {
  it('is found where a comparison word by word finds it, however the entries came', () => {
    const random = randomNumbers(5)
    const words = ['keel', 'mast', 'the', 'of', 'oak', 'rope']
    const text = (length: number) =>
      Array.from({ length }, () => words[Math.floor(random() * words.length)] ?? '').join(' ')
    const texts = new Map<string, string>()
    const index = createSearchIndex()
    for (let round = 0; round < 40; round++) {
      const ids = Array.from({ length: 9 }, () => `id-${Math.floor(random() * 120)}`)
      for (const id of ids) texts.set(id, text(Math.floor(random() * 25)))
      index.upsert(ids.map((id) => ({ id, title: '', text: texts.get(id) ?? '', attributes: {} })))
      const gone = `id-${Math.floor(random() * 120)}`
      texts.delete(gone)
      index.remove([gone])
    }
    for (let round = 0; round < 60; round++) {
      const phrase = text(2 + (round % 3))
      const expected = [...texts].flatMap(([id, one]) => (` ${one} `.includes(` ${phrase} `) ? [id] : []))
      const found = index.search({ text: `"${phrase}"`, limit: 200 }).hits.map(({ id }) => id)
      expect(found.toSorted(), phrase).toEqual(expected.toSorted())
    }
  })

  it('is found up to the last place that is kept, and never beyond', () => {
    const index = createSearchIndex()
    const filler = (count: number) => 'oak '.repeat(count)
    // The title takes no place, the text begins at 1.
    index.upsert([
      { id: 'last', title: '', text: `${filler(65_532)} mast keel ${filler(100)}`, attributes: {} },
      { id: 'apart', title: '', text: `${filler(65_533)} mast ${filler(100)} keel`, attributes: {} },
      { id: 'beyond', title: '', text: `${filler(70_000)} mast keel`, attributes: {} },
    ])
    const ids = index.search({ text: '"mast keel"', limit: 10 }).hits.map(({ id }) => id)
    expect(ids).toEqual(['last'])
    expect(index.search({ text: 'mast keel', limit: 10 }).total).toBe(3)
  })
})

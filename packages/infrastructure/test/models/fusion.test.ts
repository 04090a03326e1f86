import { describe, expect, it } from 'vitest'
import { fuse, type RankedHit } from '../../src/models/fusion.ts'

const keyword = hits({ a: 12, b: 8, c: 4 })
const dense = hits({ c: 0.9, d: 0.7, a: 0.5 })

describe('fuse()', () => {
  it('adds the scores of both lists, each brought to 0..1, at 0.8 and 0.2', () => {
    expect(rounded(fuse(keyword, dense))).toEqual({ a: 0.8, b: 0.4, c: 0.2, d: 0.1 })
  })

  it('weighs as it is told', () => {
    expect(rounded(fuse(keyword, dense, { keywordWeight: 0.5 }))).toEqual({ a: 0.5, c: 0.5, b: 0.25, d: 0.25 })
    expect(ids(fuse(keyword, dense, { keywordWeight: 1 })).slice(0, 2)).toEqual(['a', 'b'])
    expect(ids(fuse(keyword, dense, { keywordWeight: 0 })).slice(0, 2)).toEqual(['c', 'd'])
  })

  it('orders equal scores by id, UTF-16 unit by unit', () => {
    expect(ids(fuse(hits({ z: 1, é: 1, Z: 1, a: 1 }), hits({ a: 3, é: 3, z: 3, Z: 3 })))).toEqual(['Z', 'a', 'z', 'é'])
  })

  it('gives the order of one list when the other is empty, whatever the weights', () => {
    for (const keywordWeight of [0, 0.8, 1]) {
      expect(ids(fuse(keyword, [], { keywordWeight }))).toEqual(['a', 'b', 'c'])
      expect(ids(fuse([], dense, { keywordWeight }))).toEqual(['c', 'd', 'a'])
    }
    expect(fuse([], [])).toEqual([])
  })

  it('counts 1 for each of a list whose scores are all equal, and for a single hit', () => {
    expect(rounded(fuse(hits({ a: 3 }), hits({ b: 0.2, c: 0.2 })))).toEqual({ a: 0.8, b: 0.2, c: 0.2 })
  })

  it('does not depend on the order or the scale of the lists', () => {
    const scaled = keyword.map(({ id, score }) => ({ id, score: score * 7 - 100 })).reverse()
    expect(rounded(fuse(scaled, dense.toReversed()))).toEqual(rounded(fuse(keyword, dense)))
  })

  it('takes the best of equal ids', () => {
    expect(rounded(fuse([...keyword, { id: 'b', score: 12 }], []))).toEqual({ a: 1, b: 1, c: 0 })
  })

  it('gives scores from 0 to 1 for scores at the ends of what there is', () => {
    expect(rounded(fuse(hits({ a: Number.MAX_VALUE, b: -Number.MAX_VALUE }), []))).toEqual({ a: 1, b: 0 })
    expect(rounded(fuse(hits({ a: Number.MIN_VALUE, b: 0 }), []))).toEqual({ a: 1, b: 1 })
  })

  it('puts exact matches first and weighs everything else as if there were none', () => {
    const boosted = keyword.map((hit) => ({ ...hit, score: hit.score + (hit.id === 'c' ? 40 : 0) }))
    const exact = boosted.map((hit) => ({ ...hit, boost: hit.id === 'c' ? 40 : 0 }))
    expect(ids(fuse(exact, dense))).toEqual(['c', 'a', 'b', 'd'])
    expect(rounded(fuse(exact, dense))).toEqual({ c: 0.6, a: 0.4, b: 0.2, d: 0.05 })
    expect(ids(fuse(exact, dense, { keywordWeight: 0 }))).toEqual(ids(fuse(keyword, dense, { keywordWeight: 0 })))
    const more = exact.map((hit) => (hit.id === 'b' ? { ...hit, score: hit.score + 80, boost: 80 } : hit))
    expect(ids(fuse(more, dense))).toEqual(['b', 'c', 'a', 'd'])
    expect(fuse(more, dense).every(({ score }) => score >= 0 && score <= 1)).toBe(true)
  })

  it('refuses a weight outside 0..1 and scores that are not finite', () => {
    const isRefused = expect.objectContaining({ code: 'FUSION_INVALID' })
    for (const keywordWeight of [-0.1, 1.1, Number.NaN])
      expect(() => fuse([], [], { keywordWeight })).toThrow(isRefused)
    for (const score of [Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => fuse(hits({ a: score }), [])).toThrow(isRefused)
  })
})

function hits(scores: Readonly<Record<string, number>>): RankedHit[] {
  return Object.entries(scores).map(([id, score]) => ({ id, score }))
}

function ids(list: readonly RankedHit[]): string[] {
  return list.map(({ id }) => id)
}

function rounded(list: readonly RankedHit[]): Record<string, number> {
  return Object.fromEntries(list.map(({ id, score }) => [id, Number(score.toFixed(9))]))
}

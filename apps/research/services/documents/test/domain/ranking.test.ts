import { describe, expect, test } from 'vitest'
import { fusedHits, rank } from '../../src/domain/ranking.ts'

const scored = (...ids: string[]) => ids.map((id, at) => ({ id, score: 100 - at }))
const keyword = (...ids: string[]) => ({ hits: scored(...ids), total: ids.length })
const idsOf = ({ passages }: ReturnType<typeof rank>) => passages.map(({ id }) => id)

describe('rank()', () => {
  test('is the order of the words when nothing is found by meaning', () => {
    const ranking = rank(keyword('a-0', 'b-0', 'c-0'), [])
    expect(idsOf(ranking)).toEqual(['a-0', 'b-0', 'c-0'])
    expect(ranking.total).toBe(3)
  })

  test('is the order of meaning when no word is found', () => {
    expect(idsOf(rank(keyword(), scored('b-4', 'a-7')))).toEqual(['b-4', 'a-7'])
  })

  test('counts what was found in either way once', () => {
    const ranking = rank({ hits: scored('a-0', 'b-0'), total: 2 }, scored('b-0', 'c-0'))
    expect(new Set(idsOf(ranking))).toEqual(new Set(['a-0', 'b-0', 'c-0']))
    expect(ranking.total).toBe(3)
  })

  test('puts neighbours that were found too with the best of them, three at most', () => {
    const ranking = rank(keyword('a-4', 'a-5', 'b-1', 'a-3', 'a-6', 'a-2'), [])
    expect(ranking.passages.map(({ id, positions }) => [id, positions])).toEqual([
      ['a-4', [3, 4, 5]],
      ['b-1', [1]],
      ['a-6', [6]],
      ['a-2', [2]],
    ])
    expect(ranking).toMatchObject({ total: 6, totalHits: 4 })
  })

  test('leaves out what is found by meaning alone and is not nearly as near as the nearest', () => {
    const near = [
      { id: 'a-0', score: 0.9 },
      { id: 'b-0', score: 0.7 },
      { id: 'c-0', score: 0.5 },
      { id: 'd-0', score: 0.1 },
    ]
    expect(idsOf(rank(keyword('d-0'), near))).toEqual(['d-0', 'a-0', 'b-0'])
  })

  test('goes on in the order of the words behind what is fused, and every page is cut from it', () => {
    const ids = Array.from({ length: fusedHits + 50 }, (_, at) => `d${at}-0`)
    const { passages, total } = rank(keyword(...ids), scored('d3-0', 'e-0', `d${fusedHits + 2}-0`))
    expect(total).toBe(fusedHits + 51)
    expect(passages.length).toBe(fusedHits + 51)
    expect(new Set(passages.map(({ id }) => id)).size).toBe(passages.length)
    expect(passages.at(-1)?.id).toBe(`d${fusedHits + 49}-0`)
    const scores = passages.map(({ score }) => score)
    expect(scores).toEqual(scores.toSorted((a, b) => b - a))
  })
})

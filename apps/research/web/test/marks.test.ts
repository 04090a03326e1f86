import { describe, expect, it } from 'vitest'
import { piecesOf, snippetRange } from '../src/marks.ts'

describe('piecesOf()', () => {
  it('piecesOf() cuts at marks, whatever their order and overlap', () => {
    expect(
      piecesOf(0, 10, [
        [6, 8],
        [1, 3],
        [2, 4],
      ]),
    ).toEqual([
      { start: 0, end: 1, marked: false },
      { start: 1, end: 3, marked: true },
      { start: 3, end: 4, marked: true },
      { start: 4, end: 6, marked: false },
      { start: 6, end: 8, marked: true },
      { start: 8, end: 10, marked: false },
    ])
  })

  it('piecesOf() cuts off marks that reach beyond the part', () => {
    expect(piecesOf(5, 8, [[0, 6]])).toEqual([
      { start: 5, end: 6, marked: true },
      { start: 6, end: 8, marked: false },
    ])
  })
})

describe('snippetRange()', () => {
  const text = `${'calm words '.repeat(30)}keel ${'after it '.repeat(60)}`

  it('snippetRange() finds the snippet in the passage, dots at its ends or not', () => {
    expect(snippetRange('one two three four', '… two three …', [])).toEqual([4, 13])
  })

  it('snippetRange() shows the surroundings of the first mark when the snippet is not part of the passage', () => {
    const at = text.indexOf('keel')
    const [start, end] = snippetRange(text, 'words put together', [[at, at + 4]])
    expect(start).toBeLessThan(at)
    expect(end).toBeGreaterThan(at + 4)
    expect(end - start).toBeLessThan(320)
    expect(text[start - 1]).toBe(' ')
  })
})

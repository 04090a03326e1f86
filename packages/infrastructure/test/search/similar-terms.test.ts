import { describe, expect, it } from 'vitest'
import { randomNumbers } from '../../src/search/random-history.ts'
import { allowedEdits, visitSimilar } from '../../src/search/similar-terms.ts'
import { StringTable } from '../../src/search/string-table.ts'

/** Restricted Damerau-Levenshtein distance as the books write it. */
function distance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => Array.from({ length: b.length + 1 }, (_, j) => i + j))
  const at = (i: number, j: number) => rows[i]?.[j] ?? 0
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let least = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, at(i - 2, j - 2) + 1)
      rows[i]?.splice(j, 1, least)
    }
  }
  return at(a.length, b.length)
}

function similar(table: StringTable, word: string, most: number): Map<string, number> {
  const found = new Map<string, number>()
  visitSimilar(table, word, most, (position, edits) => found.set(table.at(position), edits))
  return found
}

describe('visitSimilar()', () => {
  it('finds what a comparison with every string finds', () => {
    const random = randomNumbers(3)
    const randomWord = (letters: string, length: number) =>
      Array.from({ length }, () => letters[Math.floor(random() * letters.length)]).join('')
    for (const letters of ['ab', 'abcd', 'abcdefgh']) {
      const words = new Set(Array.from({ length: 1_500 }, () => randomWord(letters, 1 + Math.floor(random() * 9))))
      const table = StringTable.from([...words].sort())
      for (let round = 0; round < 40; round++) {
        const word = randomWord(letters, 3 + Math.floor(random() * 7))
        for (const most of [1, 2]) {
          const expected = new Map<string, number>()
          for (const one of [...words].sort()) {
            const edits = distance(word, one)
            if (one[0] === word[0] && edits > 0 && edits <= most) expected.set(one, edits)
          }
          expect([...similar(table, word, most)], `${word} within ${most}`).toEqual([...expected])
        }
      }
    }
  })

  it('finds nothing in an empty table, for an empty word and within no edits', () => {
    const table = StringTable.from(['keel', 'keels'])
    expect(similar(StringTable.from([]), 'keel', 2).size).toBe(0)
    expect(similar(table, '', 2).size).toBe(0)
    expect(similar(table, 'keel', 0).size).toBe(0)
  })

  it('copes with words longer than any string and strings longer than any word', () => {
    const table = StringTable.from(['k', 'kee', 'keel', `keel${'x'.repeat(60_000)}`])
    expect(similar(table, 'k'.repeat(64), 2).size).toBe(0)
    expect([...similar(table, 'keels', 1)]).toEqual([['keel', 1]])
  })
})

describe('allowedEdits()', () => {
  it('grows with the word', () => {
    expect([1, 3, 4, 7, 8, 30].map(allowedEdits)).toEqual([0, 0, 1, 1, 2, 2])
  })
})

import { describe, expect, it } from 'vitest'
import { StringTable } from '../../src/search/string-table.ts'

const strings = ['', 'a', 'ab', 'abc', 'abd', 'b', 'ba', 'z\ud800', 'é'].sort()
const table = StringTable.from(strings)

describe('StringTable', () => {
  it('says where strings begin that are not before another', () => {
    for (const text of ['', 'a', 'aa', 'abc', 'abe', 'c', 'z', 'ü']) {
      const expected = strings.findIndex((one) => one >= text)
      expect(table.startOf(text), text).toBe(expected < 0 ? strings.length : expected)
    }
  })

  it('says where strings with the same beginning end', () => {
    for (const prefix of ['', 'a', 'ab', 'abd', 'b', 'c', 'z', 'é', 'ü']) {
      const from = table.startOf(prefix)
      const expected = strings.filter((one) => one.startsWith(prefix))
      expect(strings.slice(from, table.endOfPrefix(prefix, from)), prefix).toEqual(expected)
    }
  })
})

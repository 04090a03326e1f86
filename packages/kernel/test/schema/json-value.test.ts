import { describe, expect, test } from 'vitest'
import { jsonProblems, parseJson } from '../../src/index.ts'

describe('parseJson()', () => {
  test('refuses numbers that would not be what was written', () => {
    for (const text of ['9007199254740993', '{"a":[1e400]}', '[1e-400]'])
      expect(() => parseJson(text), text).toThrow(SyntaxError)
  })

  test('takes every other number, and keys of prototypes as they are', () => {
    const text =
      '{"__proto__":[0.30000000000000004,1e+21,10276984324097000000,9007199254740991,5e-324,"9007199254740993"]}'
    expect(JSON.stringify(parseJson(text))).toBe(text)
  })
})

describe('parseJson(), of what is nested', () => {
  const nested = (levels: number, inside = '1') => `${'[{"a":'.repeat(levels / 2)}${inside}${'}]'.repeat(levels / 2)}`

  test('refuses more than 500 levels, however many there are, and not what only looks like it', () => {
    for (const levels of [502, 40_000]) expect(() => parseJson(nested(levels))).toThrow('nested deeper than 500 levels')
    for (const inside of ['"]"', JSON.stringify('['.repeat(1_000)), JSON.stringify('\\"[\\'.repeat(1_000)), '[1]'])
      expect(JSON.stringify(parseJson(nested(498, inside)))).toBe(nested(498, inside))
    expect(parseJson(JSON.stringify(Array.from({ length: 1_000 }, () => ({}))))).toHaveLength(1_000)
  })

  test('leaves what is not JSON to the parser', () => {
    for (const text of [`"${'['.repeat(2_000)}`, `${'\\'.repeat(2_000)}"`, `[${']'.repeat(2_000)}`])
      expect(() => parseJson(text)).toThrow(SyntaxError)
  })
})

describe('jsonProblems()', () => {
  test('names everything that JSON would change or refuse, with its path', () => {
    const cyclic: { self?: unknown } = {}
    cyclic.self = cyclic
    const value = { a: [Number.NaN, undefined, 1n], b: new Date(0), c: new Map(), d: () => {}, e: undefined, f: null }
    expect(jsonProblems(value).map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'a.0: NaN has no JSON form',
      'a.1: undefined has no JSON form',
      'a.2: bigint has no JSON form',
      'b: an object with toJSON (Date) has no JSON form',
      'c: an object of another kind (Map) has no JSON form',
      'd: function has no JSON form',
    ])
    expect(jsonProblems(cyclic)).toHaveLength(1)
    expect(jsonProblems({ ...JSON.parse('{"__proto__":1}'), x: [{}, Object.create(null), '', 0, false] })).toEqual([])
  })
})

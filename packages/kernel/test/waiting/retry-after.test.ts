import { describe, expect, test } from 'vitest'
import { KeelsonError, retryAfterIn, retryAfterOf } from '../../src/index.ts'

const now = Date.UTC(1994, 10, 6, 8, 49, 30)
const year = 365 * 86_400_000

describe('retryAfterIn()', () => {
  const read = (after: string) => retryAfterIn(new Headers({ 'retry-after': after }), now)

  test.each([
    ['0', 0],
    ['120', 120_000],
    [' 7 ', 7_000],
    ['45.5', 45_500],
    ['1.5', 1_500],
    ['0.0001', 1],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 7_000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 7_000],
    ['Sun Nov  6 08:49:37 1994', 7_000],
    ['Sun, 06 Nov 1994 08:00:00 GMT', 0],
    ['99999999999999999999', year],
    ['9'.repeat(400), year],
    ['Sun, 06 Nov 2994 08:49:37 GMT', year],
  ])('reads %s', (after, expected) => {
    expect(read(after)).toBe(expected)
  })

  test.each(['', 'soon', '-5', '1e9', 'Infinity', '120, 60', '1994-11-06', '45,5', 'Sun, 66 Nov 1994 08:49:37 GMT'])(
    'is undefined for "%s"',
    (after) => {
      expect(read(after)).toBeUndefined()
    },
  )

  test('prefers the finer header, and is undefined without any', () => {
    expect(retryAfterIn(new Headers({ 'retry-after': '2', 'retry-after-ms': '1200' }), now)).toBe(1_200)
    expect(retryAfterIn(new Headers({ 'retry-after': '2', 'retry-after-ms': 'soon' }), now)).toBe(2_000)
    expect(retryAfterIn(new Headers(), now)).toBeUndefined()
  })
})

describe('retryAfterOf()', () => {
  const error = (retryAfterMs: number | string) =>
    new KeelsonError({ code: 'BUSY', kind: 'unavailable', message: 'busy', details: { retryAfterMs } })

  test('gives the wait that a named error asks for, and 0 where there is none', () => {
    expect(retryAfterOf(error(1_500))).toBe(1_500)
    expect([error(-1), error(Number.NaN), error('5'), new Error('other'), undefined].map(retryAfterOf)).toEqual([
      0, 0, 0, 0, 0,
    ])
    expect(retryAfterOf(error(Number.POSITIVE_INFINITY))).toBe(year)
  })
})

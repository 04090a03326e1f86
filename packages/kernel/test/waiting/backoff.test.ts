import { describe, expect, test } from 'vitest'
import { backoffMs } from '../../src/index.ts'

describe('backoffMs()', () => {
  const backoff = { firstMs: 100, mostMs: 1_000 }

  test('draws from 1 ms up to a bound that doubles with each failure, and no further than its limit', () => {
    const bounds = [1, 2, 3, 4, 5, 10_000].map((failures) => backoffMs(backoff, failures, () => 1))
    expect(bounds).toEqual([100, 200, 400, 800, 1_000, 1_000])
    expect(backoffMs(backoff, 3, () => 0)).toBe(1)
    expect(backoffMs(backoff, 3, () => 0.5)).toBe(200)
  })

  test('is a number for every count and bound', () => {
    expect(backoffMs({ firstMs: 0, mostMs: 1_000 }, 5_000, () => 0.5)).toBe(0)
    expect(backoffMs(backoff, 0, () => 1)).toBe(100)
  })
})

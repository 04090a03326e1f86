import { describe, expect, test } from 'vitest'
import { createMetrics, durationBuckets } from '../../src/index.ts'

const histogram = (buckets: readonly number[]) =>
  createMetrics().histogram({ name: 'sizes', help: 'Sizes', buckets }).cell()

describe('counter', () => {
  test('add() adds one, or what it is given', () => {
    const cell = createMetrics().counter({ name: 'calls_total', help: 'Calls' }).cell()
    cell.add()
    cell.add(2.5)
    expect(cell.read()).toBe(3.5)
  })

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('add() ignores %s', (amount) => {
    const cell = createMetrics().counter({ name: 'calls_total', help: 'Calls' }).cell()
    cell.add(amount)
    expect(cell.read()).toBe(0)
  })
})

describe('gauge', () => {
  test('set() and add() move it both ways', () => {
    const cell = createMetrics().gauge({ name: 'jobs', help: 'Jobs' }).cell()
    cell.set(5)
    cell.add(-7)
    expect(cell.read()).toBe(-2)
  })

  test('readFrom() reads each time somebody looks', () => {
    const queue: string[] = []
    const cell = createMetrics().gauge({ name: 'jobs', help: 'Jobs' }).cell()
    cell.readFrom(() => queue.length)
    expect(cell.read()).toBe(0)
    queue.push('a')
    expect(cell.read()).toBe(1)
  })
})

describe('histogram', () => {
  test('record() counts a value in the first bucket whose bound is not below it', () => {
    const cell = histogram([1, 2, 3])
    for (const value of [0, 1, 1.5, 2, 2.000001, 3, 4, 1e9]) cell.record(value)
    expect(cell.counts()).toEqual([2, 2, 2, 2])
    expect(cell.count).toBe(8)
    expect(cell.sum).toBeCloseTo(1_000_000_013.500001)
  })

  test.each(Array.from({ length: 20 }, (_, index) => index + 1))(
    'record() agrees with a linear search over %i buckets',
    (size) => {
      const bounds = Array.from({ length: size }, (_, index) => index * 2)
      const cell = histogram(bounds)
      const expected = new Array(size + 1).fill(0)
      for (let value = 0; value <= size * 2; value++) {
        cell.record(value)
        const bucket = bounds.findIndex((bound) => value <= bound)
        expected[bucket < 0 ? size : bucket]++
      }
      expect(cell.counts()).toEqual(expected)
    },
  )

  test('record() takes what is negative for 0 and ignores what is no number', () => {
    const cell = histogram([1])
    cell.record(-5)
    cell.record(Number.NaN)
    cell.record(Number.POSITIVE_INFINITY)
    expect(cell.counts()).toEqual([1, 0])
    expect(cell.sum).toBe(0)
  })

  test('quantile() interpolates within a bucket and stops at the highest bound', () => {
    const cell = histogram([10, 20])
    expect(cell.quantile(0.5)).toBeUndefined()
    for (let index = 0; index < 10; index++) cell.record(15)
    expect(cell.quantile(0.5)).toBe(15)
    expect(cell.quantile(0)).toBe(10)
    expect(cell.quantile(1)).toBe(20)
    for (let index = 0; index < 90; index++) cell.record(1_000)
    expect(cell.quantile(0.99)).toBe(20)
  })

  test('quantile() of the default buckets is off by at most a factor of 2.5', () => {
    const cell = createMetrics().histogram({ name: 'call_duration_seconds', help: 'Calls', unit: 'seconds' }).cell()
    for (const seconds of [0.0003, 0.012, 0.3, 4]) {
      for (let index = 0; index < 1_000; index++) cell.record(seconds)
    }
    for (const [share, seconds] of [
      [0.2, 0.0003],
      [0.4, 0.012],
      [0.7, 0.3],
      [0.9, 4],
    ] as const) {
      const ratio = (cell.quantile(share) ?? 0) / seconds
      expect(ratio).toBeGreaterThan(1 / 2.5)
      expect(ratio).toBeLessThan(2.5)
    }
    expect(durationBuckets).toEqual(durationBuckets.toSorted((a, b) => a - b))
  })
})

/** The indexes against a plain reckoning, the graph through a life of changes, and the work that an index does by itself. */
import { type Clock, isError } from '@keelson/kernel'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { randomNumbers } from '../../src/search/random-history.ts'
import { createVectorIndex, openVectorSnapshot } from '../../src/vectors/create-vector-index.ts'
import { createExactVectorIndex } from '../../src/vectors/exact-vector-index.ts'
import { type HnswOptions, HnswVectorIndex, hnswDefaults } from '../../src/vectors/hnsw-vector-index.ts'
import { clusteredVectors, cosine, randomHistory, recall, uniformVectors } from '../../src/vectors/random-vectors.ts'
import type { VectorEntry, VectorQuery } from '../../src/vectors/vector-index.ts'

const model = 'random'
const atOnce: HnswOptions = { ...hnswDefaults, scanUpTo: 0, scans: 'never', linking: 'at once' }

function entriesOf(vectors: readonly Float32Array[], from = 0): VectorEntry[] {
  return vectors.map((vector, number) => ({
    id: `id-${from + number}`,
    vector,
    attributes: { fifth: `${number % 5}`, half: `${number % 2}` },
  }))
}

describe('createExactVectorIndex()', () => {
  it('gives what a plain reckoning gives, whatever the dimension, filter and history', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const dimension = 1 + ((seed * 7) % 50)
      const index = createExactVectorIndex({ dimension, model })
      const entries = randomHistory(index, { ids: 60, steps: 40, seed })
      for (const [at, vector] of uniformVectors(4, dimension, seed).entries()) {
        const isAdmitted = ({ attributes }: VectorEntry) => at % 2 === 0 || attributes.odd === 'yes'
        const expected = [...entries.values()]
          .filter(isAdmitted)
          .map((entry) => cosine(vector, entry.vector))
          .sort((one, other) => other - one)
        const filters = at % 2 === 0 ? [] : [{ attribute: 'odd', equals: 'yes' }]
        const { hits } = index.search({ vector, limit: 20, filters })
        expect(hits).toHaveLength(Math.min(20, expected.length))
        for (const [rank, { id, score }] of hits.entries()) {
          expect(score).toBeCloseTo(expected[rank] ?? Number.NaN, 5)
          expect(score).toBeCloseTo(cosine(vector, entries.get(id)?.vector ?? new Float32Array()), 5)
        }
      }
    }
  })

  it('gives back the room of most entries when they go, and finds the others', () => {
    const index = createExactVectorIndex({ dimension: 8, model })
    const entries = entriesOf(uniformVectors(3_000, 8, 1))
    index.upsert(entries)
    const full = index.snapshot('').length
    index.remove(entries.slice(100).map(({ id }) => id))
    expect(index.snapshot('').length).toBeLessThan(full / 10)
    expect(recall(index, entries.slice(0, 100), uniformVectors(20, 8, 2))).toBe(1)
  })

  it('refuses dimensions that make no sense', () => {
    for (const dimension of [0, -1, 1.5, Number.NaN, 65_537]) {
      for (const create of [createExactVectorIndex, createVectorIndex]) {
        expect(() => create({ dimension, model })).toThrow(
          expect.toSatisfy((error) => isError(error, 'VECTOR_INDEX_INVALID')),
        )
      }
    }
  })
})

describe('the graph', () => {
  it.each([
    ['clustered', clusteredVectors, 64],
    ['clustered in few dimensions', clusteredVectors, 8],
    ['uniform', uniformVectors, 16],
  ] as const)('finds at least 98 of 100 of the ten best of %s vectors', (_, make, dimension) => {
    const index = new HnswVectorIndex({ dimension, model }, atOnce)
    const vectors = make(5_100, dimension, 3)
    const entries = entriesOf(vectors.slice(100))
    index.upsert(entries)
    expect(recall(index, entries, vectors.slice(0, 100))).toBeGreaterThanOrEqual(0.98)
  })

  it('looks further where vectors point in all directions, and at all of them where that is cheaper', () => {
    const entries = entriesOf(uniformVectors(6_000, 96, 13))
    const queries = uniformVectors(40, 96, 14)
    const learning = new HnswVectorIndex({ dimension: 96, model }, atOnce)
    learning.upsert(entries)
    expect(recall(learning, entries, queries)).toBeGreaterThanOrEqual(0.98)
    const opened = openVectorSnapshot(learning.snapshot(''), { exactUpTo: 0 }).index
    expect(recall(opened, entries, queries)).toBe(1)
  })

  it('is the same for the same entries', () => {
    const entries = entriesOf(clusteredVectors(1_000, 16, 4))
    const bytes = () => {
      const index = new HnswVectorIndex({ dimension: 16, model }, atOnce)
      index.upsert(entries)
      index.remove(entries.slice(0, 300).map(({ id }) => id))
      return index.snapshot('mark')
    }
    expect(Buffer.compare(bytes(), bytes())).toBe(0)
  })

  it('finds as much after most entries have been replaced, several times over, and takes no more room', () => {
    const random = randomNumbers(8)
    const index = new HnswVectorIndex({ dimension: 24, model }, atOnce)
    const vectors = clusteredVectors(6_000, 24, 5)
    const entries = new Map(entriesOf(vectors.slice(0, 1_500)).map((entry) => [entry.id, entry]))
    index.upsert([...entries.values()])
    const before = index.snapshot('').length
    for (let from = 1_500; from + 150 <= vectors.length; from += 150) {
      const left = [...entries.keys()].filter(() => random() < 0.1)
      index.remove(left)
      for (const id of left) entries.delete(id)
      const joined = entriesOf(vectors.slice(from, from + left.length), from)
      index.upsert(joined)
      for (const entry of joined) entries.set(entry.id, entry)
    }
    expect(index.size).toBe(entries.size)
    expect(recall(index, entries.values(), vectors.slice(-100))).toBeGreaterThanOrEqual(0.98)
    const lost = [...entries.values()].filter(
      ({ vector }) => (index.search({ vector, limit: 1 }).hits[0]?.score ?? 0) < 0.9999,
    )
    expect(lost.length).toBeLessThanOrEqual(entries.size / 500)
    expect(index.snapshot('').length).toBeLessThan(before * 1.5)
  })

  it('finds the best of those that pass a filter', () => {
    const index = new HnswVectorIndex({ dimension: 24, model }, atOnce)
    const vectors = clusteredVectors(4_050, 24, 6)
    const entries = entriesOf(vectors.slice(50))
    index.upsert(entries)
    for (const [attribute, equals] of [
      ['half', '1'],
      ['fifth', '3'],
    ] as const) {
      const passing = entries.filter(({ attributes }) => attributes[attribute] === equals)
      const filtered = {
        search: (query: VectorQuery) => index.search({ ...query, filters: [{ attribute, equals }] }),
      }
      expect(recall(filtered, passing, vectors.slice(0, 50))).toBeGreaterThanOrEqual(0.98)
    }
  })
})

describe('createVectorIndex()', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  /** Says that a millisecond has gone by whenever it is asked. */
  function countingClock(): Clock & { asked: number } {
    return {
      asked: 0,
      now: () => 0,
      monotonic() {
        return this.asked++
      },
      sleep: () => Promise.reject(new Error('nothing sleeps here')),
    }
  }

  it('goes over to a graph by itself above 20,000 entries, a slice at a time, and misses nothing meanwhile', () => {
    vi.useFakeTimers()
    const clock = countingClock()
    const index = createVectorIndex({ dimension: 4, model, clock })
    const entries = entriesOf(uniformVectors(20_400, 4, 7))
    index.upsert(entries.slice(0, 20_000))
    expect(vi.getTimerCount()).toBe(0)
    const flat = index.snapshot('').length
    index.upsert(entries.slice(20_000))
    expect(clock.asked).toBe(0)

    let slices = 0
    let most = 0
    for (; vi.getTimerCount() > 0; slices++) {
      const before = clock.asked
      vi.runOnlyPendingTimers()
      most = Math.max(most, clock.asked - before)
      if (slices % 500 === 0) expect(recall(index, entries, uniformVectors(2, 4, slices))).toBe(1)
    }
    // Rows are linked one by one until eight milliseconds are over.
    expect(most).toBeLessThanOrEqual(10)
    expect(slices).toBeGreaterThan(1_000)
    expect(index.snapshot('').length).toBeGreaterThan(flat * 2)
    expect(recall(index, entries, uniformVectors(10, 4, 9))).toBeGreaterThanOrEqual(0.98)
  })

  it('stops when it is closed, and goes on in an index opened from its snapshot', async () => {
    const entries = entriesOf(uniformVectors(20_050, 4, 7))
    const index = createVectorIndex({ dimension: 4, model, clock: countingClock() })
    index.close()
    index.upsert(entries)
    const opened = openVectorSnapshot(index.snapshot('half way')).index
    opened.close()
    await opened.settle()
    expect(opened.snapshot('').length).toBeGreaterThan(index.snapshot('').length * 2)
    expect(recall(opened, entries, uniformVectors(5, 4, 9))).toBeGreaterThanOrEqual(0.98)
  })

  it('is exact up to as many entries as it is told', () => {
    expect(() => createVectorIndex({ dimension: 4, model, exactUpTo: -1 })).toThrow('exactUpTo must not be -1')
    vi.useFakeTimers()
    const index = createVectorIndex({ dimension: 4, model, exactUpTo: 100 })
    const entries = entriesOf(uniformVectors(101, 4, 7))
    index.upsert(entries.slice(0, 100))
    expect(vi.getTimerCount()).toBe(0)
    index.upsert(entries)
    expect(vi.getTimerCount()).toBe(1)
    index.close()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('settle() lets others in between, and stops when its signal aborts', async () => {
    const index = createVectorIndex({ dimension: 4, model, clock: countingClock() })
    index.upsert(entriesOf(uniformVectors(20_100, 4, 7)))
    index.close()
    const cancelled = new AbortController()
    const reason = new Error('enough')
    const settled = index.settle(cancelled.signal)
    setImmediate(() => cancelled.abort(reason))
    await expect(settled).rejects.toBe(reason)
    expect(index.search({ vector: Float32Array.of(1, 0, 0, 0), limit: 10 }).hits).toHaveLength(10)
  })
})

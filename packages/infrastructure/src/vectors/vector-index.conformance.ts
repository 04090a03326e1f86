/** What every `VectorIndex` must pass, as data so that any test runner can run it. */
import assert from 'node:assert/strict'
import { isError } from '@keelson/kernel'
import type { SearchFilter } from '../query.ts'
import { clusteredVectors, cosine, randomHistory, recall, uniformVectors } from './random-vectors.ts'
import type { VectorEntry, VectorIndex } from './vector-index.ts'

export interface VectorIndexCase {
  readonly name: string
  /** @param create an empty index of a dimension, each time anew. */
  run(create: (dimension: number) => VectorIndex): void | Promise<void>
}

export const vectorIndexConformance: readonly VectorIndexCase[] = [
  {
    name: 'search() ranks by the cosine of the angle to the query',
    run(create) {
      const index = filled(create, { east: [1, 0], north: [0, 2], northEast: [3, 3], west: [-0.5, 0] })
      const { hits } = index.search({ vector: vector(1, 0), limit: 10 })
      assert.deepEqual(
        hits.map(({ id }) => id),
        ['east', 'northEast', 'north', 'west'],
      )
      for (const [at, expected] of [1, Math.SQRT1_2, 0, -1].entries()) {
        assert.ok(Math.abs((hits[at]?.score ?? Number.NaN) - expected) < 0.000002)
      }
      assert.ok(hits.every(({ score }) => score >= -1 && score <= 1))
    },
  },
  {
    name: 'search() gives the scores of an exact index',
    run(create) {
      const index = create(37)
      const vectors = uniformVectors(60, 37, 5)
      index.upsert(vectors.map((one, number) => entry(`id-${number}`, one)))
      const [query = vector()] = uniformVectors(1, 37, 6)
      for (const { id, score } of index.search({ vector: query, limit: 60 }).hits) {
        const expected = cosine(query, vectors[Number(id.slice(3))] ?? vector())
        assert.ok(Math.abs(score - expected) < 0.000002, `${id}: ${score}, not ${expected}`)
      }
    },
  },
  {
    name: 'upsert() replaces what is there under the same id, attributes included',
    run(create) {
      const index = filled(create, { a: [1, 0], b: [0, 1] })
      index.upsert([entry('a', vector(0, 1), { path: 'new.md' })])
      assert.equal(index.size, 2)
      assert.deepEqual(found(index, [1, 0], [{ attribute: 'path', equals: 'new.md' }]), ['a'])
      assert.ok(Math.abs(index.search({ vector: vector(1, 0), limit: 1 }).hits[0]?.score ?? 1) < 0.000002)
      index.upsert([entry('a', vector(0, 1), { type: 'md' })])
      assert.deepEqual(found(index, [1, 0], [{ attribute: 'path', glob: '**' }]), [])
      assert.deepEqual(found(index, [1, 0], [{ attribute: 'type', equals: 'md' }]), ['a'])
    },
  },
  {
    name: 'upsert() lets the last of equal ids win, and of nothing changes nothing',
    run(create) {
      const index = create(2)
      index.upsert([entry('a', vector(1, 0)), entry('b', vector(0, 1)), entry('a', vector(-1, 0))])
      index.upsert([])
      assert.equal(index.size, 2)
      assert.deepEqual(found(index, [1, 0]), ['b', 'a'])
    },
  },
  {
    name: 'upsert() copies vectors, and their length does not matter',
    run(create) {
      const mine = vector(3e38, 3e38)
      const index = create(2)
      index.upsert([entry('huge', mine), entry('tiny', vector(1e-45, 0)), entry('odd id \ud800', vector(0, -1))])
      mine.fill(Number.NaN)
      const query = vector(1, 1)
      const before = index.search({ vector: query, limit: 3 })
      query.fill(9)
      assert.deepEqual(
        before.hits.map(({ id }) => id),
        ['huge', 'tiny', 'odd id \ud800'],
      )
      assert.deepEqual(index.search({ vector: query, limit: 3 }), before)
    },
  },
  {
    name: 'remove() takes entries out, and an unknown id is nothing',
    run(create) {
      const index = filled(create, { a: [1, 0], b: [1, 1], c: [0, 1] })
      index.remove(['a', 'nowhere', 'a'])
      assert.equal(index.size, 2)
      assert.deepEqual(found(index, [1, 0]), ['b', 'c'])
      index.remove(['b', 'c'])
      assert.equal(index.size, 0)
      assert.deepEqual(found(index, [1, 0]), [])
      index.upsert([entry('a', vector(1, 0))])
      assert.deepEqual(found(index, [1, 0]), ['a'])
    },
  },
  {
    name: 'upsert() and search() refuse vectors that cannot be compared with VECTOR_INVALID, and change nothing',
    run(create) {
      const index = filled(create, { a: [1, 0] })
      const unfit = [vector(), vector(1), vector(1, 0, 0), vector(0, 0), vector(0, -0)]
      for (const number of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
        unfit.push(vector(1, number))
      for (const one of unfit) {
        refuses('VECTOR_INVALID', () => index.search({ vector: one, limit: 1 }))
        refuses('VECTOR_INVALID', () => index.upsert([entry('b', vector(0, 1)), entry('a', one)]))
      }
      assert.equal(index.size, 1)
      assert.deepEqual(found(index, [0, 1]), ['a'])
    },
  },
  {
    name: 'search() orders equal scores by id',
    run(create) {
      const index = create(3)
      for (const id of ['m', 'z', 'a', 'Z', '10', '9', 'é', '\u{1F600}', '\u{FF5E}', '']) {
        index.upsert([entry(id, vector(1, 2, 3))])
      }
      const expected = ['', '10', '9', 'Z', 'a', 'm', 'z', 'é', '\u{1F600}', '\u{FF5E}']
      assert.deepEqual(found(index, [3, 2, 1]), expected)
      assert.deepEqual(found(index, [3, 2, 1], [], 3), expected.slice(0, 3))
    },
  },
  {
    name: 'search() finds as many as it may, also in a crowd of equal vectors and beyond it',
    run(create) {
      const index = create(4)
      index.upsert(Array.from({ length: 300 }, (_, number) => entry(`same-${number}`, vector(1, 1, 1, 1))))
      index.upsert(uniformVectors(30, 4, 3).map((one, number) => entry(`other-${number}`, one)))
      for (const limit of [1, 10, 290, 310, 330, 1_000, Number.MAX_SAFE_INTEGER]) {
        assert.equal(index.search({ vector: vector(1, 1, 1, 0.9), limit }).hits.length, Math.min(limit, 330))
      }
      assert.ok(index.search({ vector: vector(1, 1, 1, 1), limit: 300 }).hits.every(({ id }) => id.startsWith('same')))
      assert.ok(
        index.search({ vector: vector(-1, -1, -1, -1), limit: 30 }).hits.every(({ id }) => id.startsWith('other')),
      )
      assert.deepEqual(index.search({ vector: vector(1, 0, 0, 0), limit: 0 }).hits, [])
    },
  },
  {
    name: 'search() wants all filters to hold, and an entry without the attribute fails',
    run(create) {
      const index = withPaths(create)
      const by = (...filters: SearchFilter[]) => found(index, [1, 0], filters)
      assert.deepEqual(by({ attribute: 'type', equals: 'md' }), ['a', 'b'])
      assert.deepEqual(by({ attribute: 'type', equals: 'm' }), [])
      assert.deepEqual(by({ attribute: 'colour', equals: '' }), [])
      assert.deepEqual(by({ attribute: '__proto__', glob: '*' }), [])
      assert.deepEqual(by({ attribute: 'path', glob: 'guides/**' }), ['a', 'b', 'd'])
      assert.deepEqual(by({ attribute: 'path', glob: '**' }), ['a', 'b', 'c', 'd'])
      assert.deepEqual(by({ attribute: 'path', glob: 'guides/**' }, { attribute: 'type', equals: 'txt' }), ['d'])
    },
  },
  {
    name: 'search() finds the best of those that pass a filter, few or many',
    run(create) {
      const index = create(8)
      const entries = clusteredVectors(400, 8, 11).map((one, number) =>
        entry(`id-${number}`, one, { rare: `${number % 80}`, half: `${number % 2}` }),
      )
      index.upsert(entries)
      for (const [attribute, expected] of [
        ['rare', 5],
        ['half', 10],
      ] as const) {
        const passing = entries.filter(({ attributes }) => attributes[attribute] === '1')
        for (const query of uniformVectors(20, 8, 12)) {
          const { hits } = index.search({ vector: query, limit: 10, filters: [{ attribute, equals: '1' }] })
          const best = passing.map((one) => cosine(query, one.vector)).sort((one, other) => other - one)
          assert.equal(hits.length, expected)
          for (const [at, { score }] of hits.entries()) assert.ok(Math.abs(score - (best[at] ?? 2)) < 0.000002)
        }
      }
    },
  },
  {
    name: 'search() refuses limits and globs that make no sense with SEARCH_QUERY_INVALID',
    run(create) {
      const index = filled(create, { a: [1, 0] })
      for (const limit of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        refuses('SEARCH_QUERY_INVALID', () => index.search({ vector: vector(1, 0), limit }))
      }
      for (const glob of ['[a', '{a,b', '[z-a]']) {
        const filters = [{ attribute: 'path', glob }]
        refuses('SEARCH_QUERY_INVALID', () => index.search({ vector: vector(1, 0), limit: 1, filters }))
      }
    },
  },
  {
    name: 'search() depends on what the index holds, not on how it came to hold it',
    async run(create) {
      for (let seed = 1; seed <= 12; seed++) {
        const index = create(6)
        const entries = randomHistory(index, { ids: 80, steps: 60, seed })
        if (seed % 2 === 0) await index.settle()
        const fresh = create(6)
        fresh.upsert([...entries.values()])
        assert.equal(index.size, entries.size)
        for (const query of uniformVectors(5, 6, seed)) {
          for (const filters of historyFilters) {
            const all = { vector: query, limit: 100, filters }
            assert.deepEqual(index.search(all), fresh.search(all), `seed ${seed}`)
            assert.deepEqual(
              index.search({ ...all, limit: 7 }).hits,
              fresh.search(all).hits.slice(0, 7),
              `seed ${seed}`,
            )
          }
        }
      }
    },
  },
  {
    name: 'search() finds at least 98 of 100 of the ten best',
    async run(create) {
      const index = create(32)
      const entries = clusteredVectors(2_000, 32, 21).map((one, number) => entry(`id-${number}`, one))
      index.upsert(entries)
      const queries = clusteredVectors(50, 32, 21)
      assert.ok(recall(index, entries, queries) >= 0.98)
      await index.settle()
      assert.ok(recall(index, entries, queries) >= 0.98)
    },
  },
  {
    name: 'snapshot() changes nothing, and is not empty',
    run(create) {
      const index = filled(create, { a: [1, 0], b: [0, 1] })
      assert.ok(index.snapshot('change 7').length > 0)
      assert.ok(create(3).snapshot('').length > 0)
      assert.deepEqual(found(index, [1, 0]), ['a', 'b'])
    },
  },
  {
    name: 'settle() resolves at once when there is nothing to do, and rejects with the reason of its signal',
    async run(create) {
      const index = filled(create, { a: [1, 0], b: [0, 1] })
      await index.settle()
      await index.settle()
      const reason = new Error('enough')
      await assert.rejects(index.settle(AbortSignal.abort(reason)), reason)
      assert.deepEqual(found(index, [1, 0]), ['a', 'b'])
    },
  },
  {
    name: 'close() twice leaves an index that answers and takes changes',
    run(create) {
      const index = filled(create, { a: [1, 0] })
      index.close()
      index.close()
      index.upsert([entry('b', vector(1, 1))])
      assert.deepEqual(found(index, [1, 0]), ['a', 'b'])
    },
  },
]

const historyFilters: readonly SearchFilter[][] = [
  [],
  [{ attribute: 'path', glob: 'p[0-4]/*' }],
  [{ attribute: 'odd', equals: 'yes' }],
]

function vector(...numbers: readonly number[]): Float32Array {
  return Float32Array.from(numbers)
}

function entry(id: string, its: Float32Array, attributes: Readonly<Record<string, string>> = {}): VectorEntry {
  return { id, vector: its, attributes }
}

function filled(
  create: (dimension: number) => VectorIndex,
  vectors: Readonly<Record<string, readonly number[]>>,
): VectorIndex {
  const index = create(2)
  index.upsert(Object.entries(vectors).map(([id, numbers]) => entry(id, vector(...numbers))))
  return index
}

function withPaths(create: (dimension: number) => VectorIndex): VectorIndex {
  const index = create(2)
  index.upsert([
    entry('a', vector(1, 0), { path: 'guides/keel.md', type: 'md' }),
    entry('b', vector(1, 0.1), { path: 'guides/deep/down/keel.md', type: 'md' }),
  ])
  index.upsert([
    entry('c', vector(1, 0.2), { path: 'notes.txt', type: 'txt' }),
    entry('d', vector(1, 0.3), { path: 'guides/.hidden/k.txt', type: 'txt' }),
    entry('e', vector(1, 0.4)),
  ])
  return index
}

function found(
  index: VectorIndex,
  query: readonly number[],
  filters: readonly SearchFilter[] = [],
  limit = 100,
): string[] {
  return index.search({ vector: vector(...query), filters, limit }).hits.map((hit) => hit.id)
}

function refuses(code: string, attempt: () => unknown): void {
  assert.throws(attempt, (error) => isError(error, code))
}

/** What every `VectorStore` must pass, as data so that any test runner can run it. Each case uses collections of its own. */
import assert from 'node:assert/strict'
import { isError } from '@keelson/kernel'
import type { SearchFilter } from '../query.ts'
import { cosine, uniformVectors } from './random-vectors.ts'
import type { VectorEntry } from './vector-index.ts'
import type { VectorStore } from './vector-store.ts'

export interface VectorStoreCase {
  readonly name: string
  run(store: VectorStore): Promise<void>
}

let collections = 0

/** A collection that no other case has. */
async function collectionOf(store: VectorStore, dimension = 2): Promise<string> {
  const name = `case-${process.pid}-${++collections}`
  await store.create({ name, dimension })
  return name
}

const at = (degrees: number): Float32Array =>
  Float32Array.from([Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)])

function entry(id: string, degrees: number, attributes: Readonly<Record<string, string>> = {}): VectorEntry {
  return { id, vector: at(degrees), attributes }
}

async function found(store: VectorStore, name: string, limit = 10, filters: readonly SearchFilter[] = []) {
  return (await store.search(name, { vector: at(0), limit, filters })).hits.map(({ id }) => id)
}

async function rejectsWith(code: string, work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => isError(error, code))
}

export const vectorStoreConformance: readonly VectorStoreCase[] = [
  {
    name: 'search() gives the nearest first, with the cosine as score',
    async run(store) {
      const name = await collectionOf(store)
      await store.upsert(name, [entry('a', 60), entry('b', 0), entry('c', 180), entry('d', -30)])
      const { hits } = await store.search(name, { vector: at(0), limit: 3 })
      assert.deepEqual(
        hits.map(({ id }) => id),
        ['b', 'd', 'a'],
      )
      for (const [index, cosine] of [1, Math.cos(Math.PI / 6), 0.5].entries())
        assert.ok(Math.abs((hits[index]?.score ?? 0) - cosine) < 0.001)
      assert.deepEqual(await found(store, name, 0), [])
    },
  },
  {
    name: 'search() does not look at the length of a vector',
    async run(store) {
      const name = await collectionOf(store)
      await store.upsert(name, [{ ...entry('far', 0), vector: Float32Array.from([500, 0]) }, entry('near', 10)])
      const { hits } = await store.search(name, { vector: Float32Array.from([0.001, 0]), limit: 2 })
      assert.deepEqual(
        hits.map(({ id }) => id),
        ['far', 'near'],
      )
      assert.ok(Math.abs((hits[0]?.score ?? 0) - 1) < 0.001)
    },
  },
  {
    name: 'upsert() replaces, also within a call, and is seen by the next search',
    async run(store) {
      const name = await collectionOf(store)
      await store.upsert(name, [entry('a', 0, { type: 'md' }), entry('b', 20)])
      await store.upsert(name, [entry('a', 170), entry('a', 90, { type: 'txt' })])
      assert.deepEqual(await found(store, name), ['b', 'a'])
      assert.equal(await store.count(name), 2)
      assert.deepEqual(await found(store, name, 10, [{ attribute: 'type', equals: 'md' }]), [])
      await store.upsert(name, [])
      assert.equal(await store.count(name), 2)
    },
  },
  {
    name: 'remove() takes entries away, and what is not there is nothing',
    async run(store) {
      const name = await collectionOf(store)
      await store.upsert(name, [entry('a', 0), entry('b', 20)])
      await store.remove(name, ['a', 'unknown'])
      await store.remove(name, [])
      assert.deepEqual(await found(store, name), ['b'])
      await store.upsert(name, [entry('a', 0)])
      assert.deepEqual(await found(store, name), ['a', 'b'])
    },
  },
  {
    name: 'search() filters by equal, least and glob, all of which must hold',
    async run(store) {
      const name = await collectionOf(store)
      const many = Array.from({ length: 300 }, (_, index) =>
        entry(`e${index}`, index / 4, {
          path: `${index % 3 === 0 ? 'guides' : 'notes'}/${index}.md`,
          type: index % 2 === 0 ? 'md' : 'txt',
          day: `2026-01-${String(1 + (index % 28)).padStart(2, '0')}`,
        }),
      )
      await store.upsert(name, [...many, entry('bare', 0)])
      const limit = 5
      assert.deepEqual(await found(store, name, limit, [{ attribute: 'type', equals: 'txt' }]), [
        'e1',
        'e3',
        'e5',
        'e7',
        'e9',
      ])
      assert.deepEqual(await found(store, name, limit, [{ attribute: 'path', glob: 'guides/*.md' }]), [
        'e0',
        'e3',
        'e6',
        'e9',
        'e12',
      ])
      assert.deepEqual(await found(store, name, limit, [{ attribute: 'day', atLeast: '2026-01-28' }]), [
        'e27',
        'e55',
        'e83',
        'e111',
        'e139',
      ])
      const both: SearchFilter[] = [
        { attribute: 'type', equals: 'txt' },
        { attribute: 'path', glob: 'guides/**' },
      ]
      assert.deepEqual(await found(store, name, 3, both), ['e3', 'e9', 'e15'])
      assert.deepEqual(await found(store, name, limit, [{ attribute: 'colour', equals: '' }]), [])
      assert.deepEqual(await found(store, name, limit, [{ attribute: 'path', glob: 'guides/297.md' }]), ['e297'])
      await rejectsWith('SEARCH_QUERY_INVALID', found(store, name, limit, [{ attribute: 'path', glob: '[[[' }]))
      await rejectsWith('SEARCH_QUERY_INVALID', found(store, name, -1))
    },
  },
  {
    name: 'ids and attributes may be any text',
    async run(store) {
      const name = await collectionOf(store)
      const ids = ["a'b", 'a"b', '船', ' ', '%', 'x'.repeat(500), "'; drop table vectors; --", '{"a":1}', 'a\\b']
      await store.upsert(
        name,
        ids.map((id, index) => entry(id, index, { text: id })),
      )
      assert.deepEqual(await found(store, name, 20), ids)
      for (const id of ids) assert.deepEqual(await found(store, name, 20, [{ attribute: 'text', equals: id }]), [id])
      await store.remove(name, ids.slice(1))
      assert.deepEqual(await found(store, name, 20), ids.slice(0, 1))
    },
  },
  {
    name: 'what is no vector of the collection is refused, and nothing of the call is kept',
    async run(store) {
      const name = await collectionOf(store)
      for (const vector of [[1], [1, 2, 3], [Number.NaN, 1], [Number.POSITIVE_INFINITY, 1], [0, 0]]) {
        const wrong = Float32Array.from(vector)
        await rejectsWith(
          'VECTOR_INVALID',
          store.upsert(name, [entry('good', 0), { ...entry('bad', 0), vector: wrong }]),
        )
        await rejectsWith('VECTOR_INVALID', store.search(name, { vector: wrong, limit: 1 }))
      }
      for (const id of ['', 'x'.repeat(501)]) await rejectsWith('VECTOR_INVALID', store.upsert(name, [entry(id, 0)]))
      assert.equal(await store.count(name), 0)
    },
  },
  {
    name: 'collections are apart, are made once, and are named when they are not there',
    async run(store) {
      const [one, two] = [await collectionOf(store), await collectionOf(store, 3)]
      await store.upsert(one, [entry('a', 0)])
      await store.create({ name: one, dimension: 2 })
      assert.deepEqual([await store.count(one), await store.count(two)], [1, 0])
      await rejectsWith('VECTOR_COLLECTION_CONFLICT', store.create({ name: one, dimension: 3 }))
      await store.drop(one)
      await store.drop(one)
      await rejectsWith('VECTOR_COLLECTION_UNKNOWN', store.count(one))
      await rejectsWith('VECTOR_COLLECTION_UNKNOWN', store.upsert(one, [entry('a', 0)]))
      await rejectsWith('VECTOR_COLLECTION_UNKNOWN', store.remove(one, ['a']))
      await rejectsWith('VECTOR_COLLECTION_UNKNOWN', found(store, one))
      await store.create({ name: one, dimension: 3 })
      assert.equal(await store.count(one), 0)
      for (const name of ['', 'a b', 'x'.repeat(61), 'a/b'])
        await rejectsWith('VECTOR_INDEX_INVALID', store.create({ name, dimension: 2 }))
      for (const dimension of [0, 1.5, 2_001])
        await rejectsWith('VECTOR_INDEX_INVALID', store.create({ name: 'a', dimension }))
    },
  },
  {
    name: 'search() finds the best ten of two thousand',
    async run(store) {
      const dimension = 32
      const name = await collectionOf(store, dimension)
      const vectors = uniformVectors(2_001, dimension, 11)
      const [query = new Float32Array(dimension), ...rest] = vectors
      await store.upsert(
        name,
        rest.map((vector, index) => ({ id: `v${index}`, vector, attributes: {} })),
      )
      const best = rest
        .map((vector, index) => ({ id: `v${index}`, score: cosine(query, vector) }))
        .toSorted((a, b) => b.score - a.score)
        .slice(0, 10)
      const { hits } = await store.search(name, { vector: query, limit: 10 })
      const shared = hits.filter(({ id }) => best.some((one) => one.id === id))
      assert.ok(shared.length >= 9, `${shared.length} of the best ten were found`)
    },
  },
  {
    name: 'writes that overlap are all there',
    async run(store) {
      const name = await collectionOf(store)
      await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          store.upsert(name, [entry(`e${index}`, index), entry('shared', index)]),
        ),
      )
      assert.equal(await store.count(name), 21)
    },
  },
  {
    name: 'an aborted signal stops it with its reason',
    async run(store) {
      const name = await collectionOf(store)
      const signal = AbortSignal.abort(new Error('enough'))
      for (const work of [
        () => store.upsert(name, [entry('a', 0)], { signal }),
        () => store.search(name, { vector: at(0), limit: 1 }, { signal }),
        () => store.count(name, { signal }),
      ])
        await assert.rejects(work, /enough/)
      assert.equal(await store.count(name), 0)
    },
  },
]

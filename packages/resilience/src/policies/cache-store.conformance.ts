/** What every CacheStore promises, as cases. */
import assert from 'node:assert/strict'
import type { CacheEntry, CacheStore } from './cache-store.ts'

export interface CacheStoreCase {
  readonly name: string
  readonly run: (store: CacheStore) => Promise<void>
}

export const cacheStoreConformance: readonly CacheStoreCase[] = [
  {
    name: 'finds what was set, whatever JSON it is and whatever its key',
    run: async (store) => {
      const values = [null, 0, '', 'ünï "quoted" 🚢\n', [1, { a: [] }], { nested: { list: [true, null] } }]
      for (const [index, value] of values.entries()) await store.set(`key ${index} {"n":1}*?[a]`, entry({ value }))
      for (const [index, value] of values.entries()) {
        const found = await store.get(`key ${index} {"n":1}*?[a]`)
        assert.deepEqual(found?.value, value)
      }
      assert.equal(await store.get('another'), undefined)
    },
  },
  {
    name: 'gives times and tags back as they were',
    run: async (store) => {
      const given = entry({ tags: ['a', 'b'] })
      await store.set('key', given)
      assert.deepEqual(await store.get('key'), given)
    },
  },
  {
    name: 'replaces an entry, and its tags with it',
    run: async (store) => {
      await store.set('key', entry({ value: 1, tags: ['old'] }))
      await store.set('key', entry({ value: 2, tags: ['new'] }))
      await store.invalidate(['old'])
      assert.equal((await store.get('key'))?.value, 2)
      await store.invalidate(['new'])
      assert.equal(await store.get('key'), undefined)
    },
  },
  {
    name: 'forgets every entry of an invalidated tag, and no other',
    run: async (store) => {
      for (let index = 0; index < 100; index++)
        await store.set(`key-${index}`, entry({ tags: [`own:${index}`, index % 2 === 0 ? 'even' : 'odd'] }))
      await store.invalidate(['even', 'own:1', 'unknown'])
      await store.invalidate([])
      for (let index = 0; index < 100; index++) {
        const isKept = index % 2 === 1 && index !== 1
        assert.equal((await store.get(`key-${index}`)) !== undefined, isKept, `key-${index}`)
      }
    },
  },
  {
    name: 'takes entries again after they were invalidated',
    run: async (store) => {
      await store.set('key', entry({ value: 1, tags: ['tag'] }))
      await store.invalidate(['tag'])
      await store.set('key', entry({ value: 2, tags: ['tag'] }))
      assert.equal((await store.get('key'))?.value, 2)
    },
  },
]

function entry({ value = 1, tags = [] }: { value?: unknown; tags?: readonly string[] }): CacheEntry {
  const madeAt = Date.now()
  return { value, madeAt, freshUntil: madeAt + 60_000, keptUntil: madeAt + 120_000, tags }
}

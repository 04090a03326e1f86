import { expect, test, vi } from 'vitest'
import { createInMemoryEventStore, invalidateByEvents } from '../src/index.ts'

test('invalidateByEvents() makes stale what later events name, page by page, and goes on after failures', async () => {
  const store = createInMemoryEventStore()
  await store.append('price-0', [{ type: 'PriceChanged' }])
  const stale: string[] = []
  const failures: unknown[] = []
  let isAway = false
  const following = await invalidateByEvents({
    store,
    types: ['PriceChanged'],
    tags: ({ stream, data }) => {
      if (data === 'odd') throw new Error('not for a tag')
      return [stream, 'prices']
    },
    invalidate: async (tags) => {
      if (isAway) throw new Error('away')
      stale.push(...tags)
    },
    onFailure: (error) => failures.push(error),
  })
  await store.append('price-1', [{ type: 'PriceChanged' }, { type: 'PriceChanged', data: 'odd' }, { type: 'Other' }])
  await vi.waitFor(() => expect(stale).toEqual(['price-1', 'prices']))
  expect(failures).toHaveLength(1)
  isAway = true
  await store.append('price-2', [{ type: 'PriceChanged' }])
  await vi.waitFor(() => expect(failures.length).toBeGreaterThan(1))
  isAway = false
  await vi.waitFor(() => expect(stale).toEqual(['price-1', 'prices', 'price-2', 'prices']))
  await following.close()
  await store.append('price-3', [{ type: 'PriceChanged' }])
  expect(stale).toHaveLength(4)
})

import { createFakeClock } from '@keelson/kernel/testing'
import { describe, expect, it } from 'vitest'
import { createInMemoryCacheStore, createInMemoryRateLimitStore } from '../../src/index.ts'
import { cacheStoreConformance, rateLimitStoreConformance } from '../../src/testing.ts'

describe('createInMemoryCacheStore()', () => {
  for (const { name, run } of cacheStoreConformance) it(name, () => run(createInMemoryCacheStore()))

  it('makes room by forgetting what was set longest ago', () => {
    const store = createInMemoryCacheStore({ entries: 2 })
    for (const key of ['a', 'b', 'c'])
      void store.set(key, { value: key, madeAt: 0, freshUntil: 1, keptUntil: 1, tags: ['tag'] })
    expect(['a', 'b', 'c'].map((key) => store.get(key) !== undefined)).toEqual([false, true, true])
  })
})

describe('createInMemoryRateLimitStore()', () => {
  for (const { name, run } of rateLimitStoreConformance)
    it(name, () => run(createInMemoryRateLimitStore(createFakeClock())))

  it('lets calls through again as time passes, one each interval', async () => {
    const clock = createFakeClock()
    const store = createInMemoryRateLimitStore(clock)
    const rate = { intervalMs: 100, burst: 1 }
    const waits: unknown[] = []
    for (let step = 0; step < 6; step++) {
      waits.push(store.take('key', rate))
      await clock.advance(50)
    }
    expect(waits).toEqual([0, 50, 0, 50, 0, 50])
  })
})

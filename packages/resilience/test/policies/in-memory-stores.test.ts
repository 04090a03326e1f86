import { createFakeClock } from '@keelson/kernel/testing'
import { describe, expect, it, vi } from 'vitest'
import { createInMemoryCacheStore, createInMemoryRateLimitStore } from '../../src/index.ts'
import { cacheStoreConformance, rateLimitStoreConformance } from '../../src/testing.ts'

describe('createInMemoryCacheStore()', () => {
  for (const { name, run } of cacheStoreConformance) it(name, () => run(createInMemoryCacheStore()))

  const entry = (value: unknown, keptUntil = 1, tags: readonly string[] = []) => ({
    ...{ value, madeAt: 0, freshUntil: 1, keptUntil, tags },
  })

  it('makes room by forgetting what was set longest ago, keys and tags counted', () => {
    const store = createInMemoryCacheStore({ bytes: 4_000 })
    for (const key of ['a', 'b', 'c']) void store.set(key, entry('x'.repeat(700)))
    expect(['a', 'b', 'c'].map((key) => store.get(key) !== undefined)).toEqual([false, true, true])
    void store.set('d'.repeat(1_500), entry(1))
    expect(['b', 'c'].map((key) => store.get(key) !== undefined)).toEqual([false, false])
    void store.set('e', entry(1, 1, ['t'.repeat(1_500)]))
    expect(store.get('d'.repeat(1_500))).toBeUndefined()
    void store.set('f', entry(Buffer.alloc(5_000)))
    expect([store.get('e') !== undefined, store.get('f')]).toEqual([true, undefined])
  })

  it('forgets by itself what has expired, and lets the process end meanwhile', () => {
    vi.useFakeTimers()
    try {
      const clock = { now: () => Date.now() }
      const store = createInMemoryCacheStore({ clock })
      void store.set('soon', entry(1, Date.now() + 50))
      void store.set('late', entry(1, Date.now() + 10_000))
      vi.advanceTimersByTime(1_000)
      expect(['soon', 'late'].map((key) => store.get(key) !== undefined)).toEqual([false, true])
      vi.advanceTimersByTime(10_000)
      expect([store.get('late'), vi.getTimerCount()]).toEqual([undefined, 0])
    } finally {
      vi.useRealTimers()
    }
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

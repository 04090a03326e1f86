import { defineContract, Lifetime, query, Secret } from '@keelson/kernel'
import { cache, rateLimit } from '@keelson/resilience'
import { cacheStoreConformance, rateLimitStoreConformance } from '@keelson/resilience/testing'
import { defineService } from '@keelson/services'
import { startForTest } from '@keelson/services/testing'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { connect } from '../src/connection.ts'
import { RedisCacheStore, RedisRateLimitStore, redisCache, redisFrom, redisRateLimits } from '../src/index.ts'
import { isSkipped, RedisServer } from './redis-server.ts'

const Clock = defineContract('counter', '1.0.0', {
  cached: query({ output: z.number() }, cache({ ttl: '1h', tags: () => ['count'] })),
  limited: query({ output: z.number() }, rateLimit({ limit: 1, per: '1h' })),
})

describe.skipIf(isSkipped)('Redis', () => {
  let server: RedisServer
  const lifetime = new Lifetime('redis.int.test')
  let spaces = 0
  beforeAll(async () => {
    server = await RedisServer.start()
  }, 30_000)
  afterAll(async () => {
    await lifetime.close()
    await server.close()
  })

  const config = (prefix = `test-${++spaces}:`) => ({ url: server.url, prefix, timeout: 5000 })
  const ready = async (prefix?: string) => {
    const settings = config(prefix)
    const options = { ...settings, url: Secret.of(settings.url) }
    const connections = [connect(options, lifetime), connect(options, lifetime)] as const
    await Promise.all(connections.map((one) => vi.waitFor(() => expect(one.status).toBe('ready'), 10_000)))
    return { prefix: settings.prefix, connections }
  }
  const cacheStore = async (prefix?: string) => {
    const { connections, ...rest } = await ready(prefix)
    return { store: new RedisCacheStore(...connections, rest.prefix), ...rest }
  }
  const start = async (made: { n: number }, prefix: string) => {
    const system = await startForTest({
      services: [defineService(Clock, { start: () => ({ cached: () => ++made.n, limited: () => ++made.n }) })],
      adapters: [redisCache(), redisRateLimits()],
      config: { redis: { ...config(prefix), timeout: 250 } },
    })
    return { system, facade: system.get(Clock), state: () => system.registry.host('counter') }
  }

  for (const { name, run } of cacheStoreConformance)
    it(`keeps answers: ${name}`, async () => run((await cacheStore()).store))

  for (const { name, run } of rateLimitStoreConformance)
    it(`limits rates: ${name}`, async () => {
      const { connections, prefix } = await ready()
      await run(new RedisRateLimitStore(connections[0], prefix))
    })

  it('is the one that REDIS_URL names', async () => {
    expect(redisFrom({ REDIS_URL: '' })).toBeUndefined()
    const { url, prefix } = config()
    const redis = redisFrom({ REDIS_URL: url })
    expect(redis?.config).toEqual({ redis: { url } })
    const made = { n: 0 }
    const opened = () =>
      startForTest({
        services: [defineService(Clock, { start: () => ({ cached: () => ++made.n, limited: () => ++made.n }) })],
        adapters: redis?.adapters ?? [],
        config: { redis: { ...redis?.config.redis, prefix } },
      })
    await using one = await opened()
    await using other = await opened()
    await vi.waitFor(async () => {
      expect(await one.get(Clock).cached()).toBe(await other.get(Clock).cached())
    }, 10_000)
  })

  it('shares answers and limits between processes, and what one invalidates the other does not find', async () => {
    const made = { n: 0 }
    const [first, second] = [await start(made, 'shared:'), await start(made, 'shared:')]
    await vi.waitFor(async () => {
      expect(await second.facade.cached()).toBe(await first.facade.cached())
    }, 10_000)
    const before = await first.facade.cached()
    await first.facade.limited()
    await expect(second.facade.limited()).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    const { store } = await cacheStore('shared:')
    await store.invalidate(['count'])
    await vi.waitFor(async () => expect(await second.facade.cached()).toBeGreaterThan(before), 10_000)
    await vi.waitFor(async () => expect(await first.facade.cached()).toBe(await second.facade.cached()), 10_000)
    await first.system.close()
    await second.system.close()
  }, 40_000)

  it('does not keep an answer that another process made stale while it was made', async () => {
    const [{ store }, { store: other }] = [await cacheStore('making:'), await cacheStore('making:')]
    const entry = (value: number) => {
      const now = Date.now()
      return { value, madeAt: now, freshUntil: now + 60_000, keptUntil: now + 60_000, tags: ['a', 'b'] }
    }
    expect(await store.get('key')).toBeUndefined()
    await other.invalidate(['b'])
    await store.set('key', entry(1))
    expect([await store.get('key'), await other.get('key')]).toEqual([undefined, undefined])
    await store.set('key', entry(2))
    expect((await other.get('key'))?.value).toBe(2)
    expect(await other.get('another')).toBeUndefined()
    await store.invalidate(['c'])
    await other.set('another', entry(3))
    expect((await store.get('another'))?.value).toBe(3)
  })

  it('that is killed neither fails calls nor keeps them waiting, and is used again once it is back', async () => {
    const made = { n: 0 }
    const { system, facade } = await start(made, 'killed:')
    await vi.waitFor(async () => expect(await facade.cached()).toBe(await facade.cached()), 10_000)
    await server.kill()
    const during = [await facade.limited(), await facade.limited(), await facade.cached()]
    expect(during.every((n) => n > 0)).toBe(true)
    await server.start()
    await vi.waitFor(async () => {
      await facade.limited()
      await expect(facade.limited()).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    }, 20_000)
    await vi.waitFor(async () => expect(await facade.cached()).toBe(await facade.cached()), 10_000)
    await system.close()
  }, 60_000)

  it('that was never there keeps no system from starting', async () => {
    const made = { n: 0 }
    const system = await startForTest({
      services: [defineService(Clock, { start: () => ({ cached: () => ++made.n, limited: () => ++made.n }) })],
      adapters: [redisCache(), redisRateLimits()],
      config: { redis: { url: 'redis://127.0.0.1:1', timeout: 250 } },
    })
    expect([await system.get(Clock).limited(), await system.get(Clock).limited()]).toEqual([1, 2])
    await system.close()
  }, 20_000)
})

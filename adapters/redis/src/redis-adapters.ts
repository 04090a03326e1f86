/** Redis as adapters of a system; both share the section `redis` of its configuration. */
import { type Adapter, defineAdapter } from '@keelson/kernel'
import { CacheStore, RateLimitStore } from '@keelson/resilience'
import { connect, RedisConfig } from './connection.ts'
import { RedisCacheStore } from './redis-cache-store.ts'
import { RedisRateLimitStore } from './redis-rate-limit-store.ts'

/** Kept answers in Redis, with this process's memory in front. A system starts also when Redis is not there. */
export function redisCache(): Adapter<CacheStore> {
  return defineAdapter({
    name: 'redis',
    provides: CacheStore,
    config: RedisConfig,
    start: ({ config, lifetime }) =>
      new RedisCacheStore(connect(config, lifetime), connect(config, lifetime), config.prefix),
  })
}

/** Rate limits counted in Redis. */
export function redisRateLimits(): Adapter<RateLimitStore> {
  return defineAdapter({
    name: 'redis',
    provides: RateLimitStore,
    config: RedisConfig,
    start: ({ config, lifetime }) => new RedisRateLimitStore(connect(config, lifetime), config.prefix),
  })
}

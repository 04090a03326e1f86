/** Redis as adapters of a system; all share the section `redis` of its configuration. */
import { MessageStreams } from '@keelson/events'
import { type Adapter, defineAdapter, Lifetime, Secret } from '@keelson/kernel'
import { CacheStore, RateLimitStore } from '@keelson/resilience'
import { connect, RedisConfig } from './connection.ts'
import { RedisCacheStore } from './redis-cache-store.ts'
import { RedisMessageStreams } from './redis-message-streams.ts'
import { RedisRateLimitStore } from './redis-rate-limit-store.ts'
import { StreamsConnection } from './streams-connection.ts'

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

/** Message streams on Redis Streams. A system starts also when Redis is not there; outbox and consumers wait for it. */
export function redisMessageStreams(): Adapter<MessageStreams> {
  return defineAdapter({
    name: 'redis',
    provides: MessageStreams,
    config: RedisConfig,
    start: ({ config: { url, streamsTimeout, prefix }, lifetime }) =>
      new RedisMessageStreams(new StreamsConnection({ url, timeoutMs: streamsTimeout }, lifetime), prefix),
  })
}

export interface RedisFromEnvironment {
  readonly adapters: readonly [Adapter<CacheStore>, Adapter<RateLimitStore>, Adapter<MessageStreams>]
  /** For the configuration of the system. */
  readonly config: { readonly redis: { readonly url: string } }
}

/**
 * The Redis that `REDIS_URL` names, for kept answers, rate limits and message streams; undefined without it.
 *
 * @example
 * const redis = redisFrom(process.env)
 * defineSystem({ name: 'shop', services, adapters: [...(redis?.adapters ?? [])], config: { ...redis?.config } })
 */
export function redisFrom(environment: Readonly<Record<string, string | undefined>>): RedisFromEnvironment | undefined {
  const { REDIS_URL: url } = environment
  if (!url) return undefined
  return { adapters: [redisCache(), redisRateLimits(), redisMessageStreams()], config: { redis: { url } } }
}

/** Message streams outside of a system: a script, a benchmark. Closing them ends the connections. */
export function connectRedisMessageStreams(options: RedisStreamsOptions): RedisStreams {
  const { url, prefix = 'keelson:', timeoutMs = 5_000 } = options
  const lifetime = new Lifetime('redis message streams')
  const streams = new RedisMessageStreams(new StreamsConnection({ url: Secret.of(url), timeoutMs }, lifetime), prefix)
  return Object.assign(streams, { close: () => lifetime.close() })
}

export interface RedisStreamsOptions {
  /** redis://user:password@host:port/database */
  readonly url: string
  /** Of every key. Default `keelson:`. */
  readonly prefix?: string
  /** Until an answer counts as none. Default 5,000. */
  readonly timeoutMs?: number
}

export interface RedisStreams extends MessageStreams {
  close(): Promise<void>
}

export {
  connectRedisMessageStreams,
  type RedisStreams,
  type RedisStreamsOptions,
  redisCache,
  redisMessageStreams,
  redisRateLimits,
} from './redis-adapters.ts'
export { RedisCacheStore } from './redis-cache-store.ts'
export { RedisRateLimitStore } from './redis-rate-limit-store.ts'

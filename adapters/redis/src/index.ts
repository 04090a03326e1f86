export {
  connectRedisMessageStreams,
  type RedisFromEnvironment,
  type RedisStreams,
  type RedisStreamsOptions,
  redisCache,
  redisFrom,
  redisMessageStreams,
  redisRateLimits,
} from './redis-adapters.ts'
export { RedisCacheStore } from './redis-cache-store.ts'
export { RedisRateLimitStore } from './redis-rate-limit-store.ts'

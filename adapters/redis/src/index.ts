export { redisCache, redisRateLimits } from './redis-adapters.ts'
export { RedisCacheStore } from './redis-cache-store.ts'
export { RedisRateLimitStore } from './redis-rate-limit-store.ts'

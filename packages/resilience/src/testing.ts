export { type IdempotencyStoreCase, idempotencyStoreConformance } from './idempotency/idempotency-store.conformance.ts'
export { type CacheStoreCase, cacheStoreConformance } from './policies/cache-store.conformance.ts'
export { type RateLimitStoreCase, rateLimitStoreConformance } from './policies/rate-limit-store.conformance.ts'

export {
  type AnnotatedPolicies,
  type Around,
  around,
  breaker,
  bulkhead,
  cache,
  deadline,
  fallback,
  flag,
  hedge,
  idempotent,
  invalidates,
  type PolicyFunctions,
  rateLimit,
  readPolicies,
  retry,
} from './annotations.ts'
export type { Duration } from './duration.ts'
export { resilienceErrors } from './errors.ts'
export { isFailure } from './failure.ts'
export {
  type ExplainedPolicy,
  OperationPolicies,
  type PolicyCounts,
  type PolicyPlan,
  type PolicyPlatform,
  type PolicyState,
  type RateLimit,
} from './operation-policies.ts'
export { Bulkhead, type Waiting } from './policies/bulkhead.ts'
export { type CacheEntry, CacheStore } from './policies/cache-store.ts'
export type { Chaos } from './policies/chaos.ts'
export { CircuitBreaker, type CircuitState } from './policies/circuit-breaker.ts'
export { Deadlines, type Expiring } from './policies/deadlines.ts'
export type { Hedge, HedgeState } from './policies/hedge.ts'
export { createInMemoryCacheStore } from './policies/in-memory-cache-store.ts'
export { createInMemoryRateLimitStore } from './policies/in-memory-rate-limit-store.ts'
export { type Rate, RateLimitStore } from './policies/rate-limit-store.ts'
export {
  type CacheCounts,
  type Flight,
  type ResultCache,
  type ResultCacheSettings,
  ResultCaches,
} from './policies/result-cache.ts'
export type { Retry, RetryState } from './policies/retry.ts'
export {
  type BreakerSettings,
  type BulkheadSettings,
  type ChaosSettings,
  type HedgeSettings,
  PoliciesConfig,
  PolicySettings,
  type RetrySettings,
} from './settings.ts'

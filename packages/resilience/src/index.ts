export type { AnsweringAnnotation } from './annotation.ts'
export type { Duration } from './duration.ts'
export { resilienceErrors } from './errors.ts'
export { isFailure, kindOf } from './failure.ts'
export {
  type Claimed,
  IdempotencyStore,
  type KeyClaim,
  type KeyedCommand,
  type KeyedRun,
} from './idempotency/idempotency-store.ts'
export { createInMemoryIdempotencyStore } from './idempotency/in-memory-idempotency-store.ts'
export { sqlIdempotency } from './idempotency/sql-idempotency.ts'
export {
  openSqlIdempotencyStore,
  type SqlIdempotencyStore,
  type SqlIdempotencyStoreOptions,
} from './idempotency/sql-idempotency-store.ts'
export {
  type ExplainedPolicy,
  OperationPolicies,
  type PolicyPlan,
  type PolicyState,
  policyMetrics,
} from './operation-policies.ts'
export { type Around, around } from './policies/around.ts'
export { breaker, type CircuitBreaker, type CircuitState } from './policies/breaker.ts'
export { type AbandonedPlace, type Bulkhead, bulkhead, type QueuePlace, type Waiting } from './policies/bulkhead.ts'
export { cache } from './policies/cache.ts'
export { CacheFlight } from './policies/cache-flight.ts'
export { type CacheEntry, CacheStore } from './policies/cache-store.ts'
export type { Chaos } from './policies/chaos.ts'
export { deadline } from './policies/deadline.ts'
export { Deadlines, type Expiring } from './policies/deadlines.ts'
export { type FallbackPart, fallback } from './policies/fallback.ts'
export { type FlagGate, flag } from './policies/flag.ts'
export { type Hedge, hedge } from './policies/hedge.ts'
export { idempotent } from './policies/idempotent.ts'
export { createInMemoryCacheStore } from './policies/in-memory-cache-store.ts'
export { createInMemoryRateLimitStore } from './policies/in-memory-rate-limit-store.ts'
export { type InvalidatesPart, invalidates } from './policies/invalidates.ts'
export { type CallRun, type KeyedCall, type KeyGate, keepAnswer, keyed } from './policies/keyed.ts'
export { type RateLimit, rateLimit } from './policies/rate-limit.ts'
export { type Rate, RateLimitStore } from './policies/rate-limit-store.ts'
export {
  type CacheCounts,
  type Flight,
  type FlightReader,
  type ResultCache,
  type ResultCacheSettings,
  ResultCaches,
} from './policies/result-cache.ts'
export { type Retry, retry } from './policies/retry.ts'
export type { PolicyMetric, PolicyPlatform, PolicySide } from './policy.ts'
export { PoliciesConfig, type PolicySettings } from './settings.ts'

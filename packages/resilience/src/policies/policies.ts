/**
 * All policies, in the order in which they are explained, which is that in which a call meets them. The order itself is held by the pipeline.
 */
import { aroundPolicy } from './around.ts'
import { breakerPolicy } from './breaker.ts'
import { bulkheadPolicy } from './bulkhead.ts'
import { cachePolicy } from './cache.ts'
import { chaosPolicy } from './chaos.ts'
import { deadlinePolicy } from './deadline.ts'
import { fallbackPolicy } from './fallback.ts'
import { flagPolicy } from './flag.ts'
import { hedgePolicy } from './hedge.ts'
import { invalidatesPolicy } from './invalidates.ts'
import { keyedPolicy } from './keyed.ts'
import { rateLimitPolicy } from './rate-limit.ts'
import { retryPolicy } from './retry.ts'

export const policies = {
  fallback: fallbackPolicy,
  deadline: deadlinePolicy,
  flag: flagPolicy,
  cache: cachePolicy,
  keyed: keyedPolicy,
  rateLimit: rateLimitPolicy,
  retry: retryPolicy,
  breaker: breakerPolicy,
  bulkhead: bulkheadPolicy,
  hedge: hedgePolicy,
  chaos: chaosPolicy,
  around: aroundPolicy,
  invalidates: invalidatesPolicy,
}

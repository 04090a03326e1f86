/**
 * What can be set of each policy, on the contract and in configuration alike. Configuration may leave out whatever it does not want to
 * change, and turns a policy off with `false`.
 */
import { problemsOf } from '@keelson/kernel'
import * as z from 'zod'
import { DurationSetting } from './duration.ts'
import { resilienceErrors } from './errors.ts'

const share = z.number().min(0).max(1)

const Retry = z.strictObject({
  attempts: z.int().min(1).max(100).optional().describe('Tries in all, the first included; 3'),
  initial: DurationSetting.optional().describe(
    'The longest wait before the second try; doubled for each further one; 50ms',
  ),
  longest: DurationSetting.optional().describe('No wait is longer; 2s'),
  budget: share.optional().describe('Retries per call over time, so that they cannot become the load; 0.1'),
})

const Breaker = z.strictObject({
  consecutive: z.int().min(1).optional().describe('Opens after so many failures in a row; 5'),
  rate: share.optional().describe('Opens when this share of the calls within the window failed; 0.5'),
  over: DurationSetting.optional().describe('The sliding window of `rate`; 10s'),
  minimum: z.int().min(1).optional().describe('Calls within the window before `rate` counts; 20'),
  openFor: DurationSetting.optional().describe('How long calls are refused before the first is tried again; 5s'),
  probes: z
    .int()
    .min(1)
    .optional()
    .describe('Calls that must succeed, tried at the same time at most, to close again; 1'),
})

const Bulkhead = z
  .strictObject({
    concurrency: z.int().min(1).optional().describe('Calls that run at the same time; 64'),
    queue: z.int().min(0).optional().describe('Calls that wait for a place, in order; 0'),
    adaptive: z
      .boolean()
      .optional()
      .describe('The bound follows how long calls run, between `least` and `concurrency`; false'),
    least: z.int().min(1).optional().describe('An adaptive bound is lower only when `concurrency` is; 4'),
  })
  // Where the two come from different places, the lower holds: one change of the configuration must not need another.
  .refine(({ least = 1, concurrency = least }) => least <= concurrency, {
    path: ['least'],
    message: 'is above `concurrency`',
  })

const Hedge = z.strictObject({
  percentile: share
    .optional()
    .describe('A call is made a second time when it takes longer than this share of those before; 0.95'),
  least: DurationSetting.optional().describe('Never before; 1ms'),
  budget: share.optional().describe('Second attempts per call over time; 0.05'),
})

const RateLimit = z.strictObject({
  limit: z.int().min(1).optional().describe('Calls in each period; 100'),
  per: DurationSetting.optional().describe('The period; 1s'),
  burst: z.int().min(1).optional().describe('Calls at once, after a pause; the limit'),
  by: z.enum(['operation', 'caller', 'subject']).optional().describe('Who shares one limit; operation'),
})

const Cache = z.strictObject({
  ttl: DurationSetting.optional().describe('How long an answer is fresh; 30s'),
  grace: DurationSetting.optional().describe(
    'How much longer an answer is used when there is no newer one to be had; none',
  ),
  refreshAhead: share
    .optional()
    .describe('A hit after this share of the time to live makes a new answer in the background'),
})

const Chaos = z.strictObject({
  share: share.optional().describe('Of the calls, which are struck; 1'),
  callers: z.array(z.string()).optional().describe('Only calls of these services'),
  flag: z.string().optional().describe('Only where this flag is on'),
  latency: DurationSetting.optional().describe('Waits so long before the call'),
  error: z.boolean().optional().describe('Fails with CHAOS_INJECTED instead of the call'),
  abort: z.boolean().optional().describe('Never answers: the deadline ends it'),
})

const off = z.literal(false)

/** The settings of one operation. */
export const PolicySettings = z.strictObject({
  deadline: z.union([off, DurationSetting]).optional(),
  retry: z.union([off, Retry]).optional(),
  breaker: z.union([off, Breaker]).optional(),
  bulkhead: z.union([off, Bulkhead]).optional(),
  hedge: z.union([off, Hedge]).optional(),
  rateLimit: z.union([off, RateLimit]).optional(),
  cache: z.union([off, Cache]).optional(),
  fallback: off.optional(),
  chaos: z.union([off, Chaos]).optional(),
  flag: z.union([off, z.string().min(1)]).optional(),
})
export type PolicySettings = z.infer<typeof PolicySettings>

/** What holds where neither contract nor configuration says otherwise, once a policy is on. */
export const policyDefaults = {
  retry: { attempts: 3, initial: '50ms', longest: '2s', budget: 0.1 },
  breaker: { consecutive: 5, rate: 0.5, over: '10s', minimum: 20, openFor: '5s', probes: 1 },
  bulkhead: { concurrency: 64, queue: 0 },
  hedge: { percentile: 0.95, least: '1ms', budget: 0.05 },
  rateLimit: { limit: 100, per: '1s', by: 'operation' },
  cache: { ttl: '30s' },
  chaos: { share: 1 },
} as const

type On<Name extends keyof PolicySettings> = Exclude<NonNullable<PolicySettings[Name]>, false>
type Filled<T> = { readonly [Name in keyof T]-?: NonNullable<T[Name]> }

/** Settings with nothing left open. */
export type RetrySettings = Filled<On<'retry'>>
export type BreakerSettings = Filled<On<'breaker'>>
export type BulkheadSettings = Omit<On<'bulkhead'>, 'concurrency' | 'queue'> &
  Filled<Pick<On<'bulkhead'>, 'concurrency' | 'queue'>>
export type HedgeSettings = Filled<On<'hedge'>>
export type RateLimitSettings = Omit<On<'rateLimit'>, 'limit' | 'per' | 'by'> &
  Filled<Pick<On<'rateLimit'>, 'limit' | 'per' | 'by'>>
export type CacheSettings = Omit<On<'cache'>, 'ttl'> & Filled<Pick<On<'cache'>, 'ttl'>>
export type ChaosSettings = Omit<On<'chaos'>, 'share'> & Filled<Pick<On<'chaos'>, 'share'>>

/** The section `policies`: what contracts leave open, and over the contracts what is said of a service and of its operations. */
export const PoliciesConfig = z
  .strictObject({
    chaosAllowed: z.boolean().default(false).describe('Chaos strikes only where this is true'),
    defaults: PolicySettings.default({}).describe('For every operation, below what its contract says'),
    services: z
      .record(z.string(), PolicySettings.extend({ operations: z.record(z.string(), PolicySettings).optional() }))
      .default({})
      .describe("By service, over its contract; `operations` by operation, over the service's"),
  })
  .prefault({})
export type PoliciesConfig = z.infer<typeof PoliciesConfig>

/** Throws POLICY_INVALID. */
export function checkedSettings(settings: PolicySettings): PolicySettings {
  const result = PolicySettings.safeParse(settings)
  if (result.success) return result.data
  const policy = Object.keys(settings)[0] ?? ''
  throw resilienceErrors.POLICY_INVALID({ policy, problems: problemsOf(result.error.issues) })
}

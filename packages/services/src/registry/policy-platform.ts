/** The parts of a process that all policies share: its clock and deadlines, where answers are kept and rates are counted, and its flags. */
import { type Clock, type FlagEvaluator, Flags } from '@keelson/kernel'
import {
  CacheStore,
  createInMemoryCacheStore,
  createInMemoryIdempotencyStore,
  createInMemoryRateLimitStore,
  Deadlines,
  IdempotencyStore,
  type PolicyPlatform,
  RateLimitStore,
  ResultCaches,
} from '@keelson/resilience'

interface Options {
  readonly clock: Clock
  readonly random: () => number
  /** The value of a port by name; undefined while nothing provides it. */
  readonly portValue: (port: string) => unknown
}

/** Without an adapter for them, answers are kept and rates counted in this process. */
export function createPolicyPlatform({ clock, random, portValue }: Options): PolicyPlatform {
  const cache = createInMemoryCacheStore({ clock })
  const rateLimits = createInMemoryRateLimitStore(clock)
  const idempotency = createInMemoryIdempotencyStore({ clock })
  // Only adapters of these ports, and `provideValue` with their type, write under their names.
  const port = <T>(name: string) => portValue(name) as T | undefined
  return {
    clock,
    random,
    deadlines: new Deadlines(clock),
    caches: new ResultCaches(() => port<CacheStore>(CacheStore.name) ?? cache, clock),
    idempotency: { claim: (claim) => (port<IdempotencyStore>(IdempotencyStore.name) ?? idempotency).claim(claim) },
    rateLimits: { take: (key, rate) => (port<RateLimitStore>(RateLimitStore.name) ?? rateLimits).take(key, rate) },
    flags: () => port<FlagEvaluator>(Flags.name),
  }
}

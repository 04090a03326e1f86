/**
 * The policies of one operation: its settings are resolved from contract and configuration into a plan, anew whenever the configuration changes.
 * What policies have learnt (a breaker's count, who waits, tokens) stays with the operation, so that a reload loses none of it; a call
 * leaves through the plan it entered by.
 */
import type { CallContext, Clock, FlagEvaluator, Operation } from '@keelson/kernel'
import { type AnnotatedPolicies, type Around, readPolicies } from './annotations.ts'
import { parseMs } from './duration.ts'
import { Bulkhead } from './policies/bulkhead.ts'
import { Chaos } from './policies/chaos.ts'
import { CircuitBreaker, type CircuitState } from './policies/circuit-breaker.ts'
import type { Deadlines } from './policies/deadlines.ts'
import { Hedge, type HedgeState, newHedgeState } from './policies/hedge.ts'
import type { Rate, RateLimitStore } from './policies/rate-limit-store.ts'
import { type CacheCounts, ResultCache, type ResultCaches } from './policies/result-cache.ts'
import { newRetryState, Retry, type RetryState } from './policies/retry.ts'
import {
  type BreakerSettings,
  type BulkheadSettings,
  type CacheSettings,
  type ChaosSettings,
  type HedgeSettings,
  type PoliciesConfig,
  type PolicySettings,
  policyDefaults,
  type RateLimitSettings,
  type RetrySettings,
} from './settings.ts'

/** What the policies of a process share. */
export interface PolicyPlatform {
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly caches: ResultCaches
  readonly rateLimits: RateLimitStore
  /** Undefined while nobody answers for flags: all are off. */
  readonly flags: () => FlagEvaluator | undefined
  /** From 0 to below 1. */
  readonly random: () => number
}

export interface RateLimit extends Rate {
  readonly by: 'operation' | 'caller' | 'subject'
}

/** What is on, resolved; an absent policy is undefined. */
export interface PolicyPlan {
  readonly platform: PolicyPlatform
  readonly flag: string | undefined
  /** Infinity when there is none of the operation's own. */
  readonly deadlineMs: number
  readonly cache: ResultCache | undefined
  readonly rateLimit: RateLimit | undefined
  readonly retry: Retry | undefined
  readonly breaker: CircuitBreaker | undefined
  readonly bulkhead: Bulkhead | undefined
  readonly hedge: Hedge | undefined
  readonly chaos: Chaos | undefined
  readonly around: ((input: unknown, call: CallContext, invoke: () => Promise<unknown>) => Promise<unknown>) | undefined
  readonly fallback: ((input: unknown, error: unknown) => unknown) | undefined
  readonly invalidates: ((input: unknown, output: unknown) => readonly string[]) | undefined
}

/** One policy that is on: each setting with where it comes from (`contract`, `default`, or a path of the configuration). */
export interface ExplainedPolicy {
  readonly policy: string
  readonly settings: readonly { readonly name: string; readonly value: unknown; readonly origin: string }[]
}

/** How the policies of an operation stand, counted since the process began. */
export interface PolicyState {
  readonly deadline: { readonly exceeded: number }
  readonly breaker?: { readonly state: CircuitState; readonly opened: number; readonly refused: number }
  readonly bulkhead?: {
    readonly running: number
    readonly waiting: number
    readonly refused: number
    readonly limit: number
  }
  readonly hedge?: { readonly hedged: number; readonly won: number; readonly tokens: number }
  readonly retry?: { readonly retries: number; readonly exhausted: number; readonly tokens: number }
  readonly rateLimit?: { readonly refused: number }
  readonly cache?: Readonly<CacheCounts>
  readonly fallback?: { readonly answered: number }
  readonly chaos?: { readonly struck: number }
}

/** Where the pipeline counts what no policy counts itself. */
export interface PolicyCounts {
  deadlineExceeded: number
  rateLimited: number
  fellBack: number
  struck: number
}

interface Layer {
  readonly settings: PolicySettings
  /** Where a setting of this layer stands, by policy and its name in it. */
  readonly originOf: (...parts: readonly string[]) => string
}

export class OperationPolicies {
  readonly counts: PolicyCounts = { deadlineExceeded: 0, rateLimited: 0, fellBack: 0, struck: 0 }
  readonly #service: string
  readonly #name: string
  readonly #operation: Operation
  readonly #annotated: AnnotatedPolicies
  readonly #platform: PolicyPlatform
  /** Made when they are first wanted, and kept from then on. */
  #breaker: CircuitBreaker | undefined
  #bulkhead: Bulkhead | undefined
  readonly #retry: RetryState = newRetryState()
  readonly #hedge: HedgeState = newHedgeState()
  readonly #cache: CacheCounts = { hits: 0, misses: 0, stale: 0 }
  #plan: PolicyPlan | undefined
  #explained: readonly ExplainedPolicy[] = []

  constructor(service: string, name: string, operation: Operation, platform: PolicyPlatform, config: PoliciesConfig) {
    this.#service = service
    this.#name = name
    this.#operation = operation
    this.#platform = platform
    this.#annotated = readPolicies(operation)
    this.configure(config)
  }

  /** Undefined when nothing is on. */
  get plan(): PolicyPlan | undefined {
    return this.#plan
  }

  /** Whatever is on, in the order in which a call meets it. */
  explain(): readonly ExplainedPolicy[] {
    return this.#explained
  }

  configure(config: PoliciesConfig): void {
    const resolved = resolve(this.#layers(config))
    if (!config.chaosAllowed) resolved.delete('chaos')
    const { kind } = this.#operation
    // A command that was answered from a cache would not take effect, and nobody waits for the end of a subscription.
    if (kind === 'command') resolved.delete('cache')
    if (kind === 'subscription')
      for (const [name, settings] of resolved)
        if (name !== 'flag' && !(name === 'deadline' && isOfOperation(settings))) resolved.delete(name)
    this.#explained = this.#explainedOf(resolved)
    this.#plan = this.#explained.length > 0 ? this.#planOf(settingsOf(resolved)) : undefined
  }

  state(): PolicyState {
    const { counts } = this
    const plan = this.#plan
    const { breaker, bulkhead } = plan ?? {}
    return {
      deadline: { exceeded: counts.deadlineExceeded },
      ...(breaker && { breaker: { state: breaker.state, opened: breaker.opened, refused: breaker.refused } }),
      ...(bulkhead && {
        bulkhead: {
          running: bulkhead.running,
          waiting: bulkhead.waiting,
          refused: bulkhead.refused,
          limit: bulkhead.limit,
        },
      }),
      ...(plan?.hedge && {
        hedge: { hedged: this.#hedge.hedged, won: this.#hedge.won, tokens: this.#hedge.tokens },
      }),
      ...(plan?.retry && { retry: { ...this.#retry } }),
      ...(plan?.rateLimit && { rateLimit: { refused: counts.rateLimited } }),
      ...(plan?.cache && { cache: { ...this.#cache } }),
      ...(plan?.fallback && { fallback: { answered: counts.fellBack } }),
      ...(plan?.chaos && { chaos: { struck: counts.struck } }),
    }
  }

  /** Inputs whose answers are to be made before they are asked for. */
  get warm(): readonly unknown[] {
    return this.#plan?.cache ? (this.#annotated.functions.warm ?? []) : []
  }

  #layers({ defaults, services }: PoliciesConfig): Layer[] {
    // Instances of a service, `<name>:<instance>`, share its settings.
    const [section = ''] = this.#service.split(':')
    const ofService = Object.hasOwn(services, section) ? services[section] : undefined
    const { operations = {}, ...service } = ofService ?? {}
    const ofOperation = Object.hasOwn(operations, this.#name) ? operations[this.#name] : undefined
    const under =
      (...path: readonly string[]): Layer['originOf'] =>
      (...parts) =>
        ['policies', ...path, ...parts].join('.')
    return [
      { settings: defaults, originOf: under('defaults') },
      { settings: this.#annotated.settings, originOf: () => 'contract' },
      { settings: service, originOf: under('services', section) },
      { settings: ofOperation ?? {}, originOf: under('services', section, 'operations', this.#name) },
    ]
  }

  #explainedOf(resolved: Resolved): ExplainedPolicy[] {
    const { functions } = this.#annotated
    const code = (policy: string, isOn: unknown): ExplainedPolicy[] =>
      isOn ? [{ policy, settings: [{ name: '', value: '(code)', origin: 'contract' }] }] : []
    const isOff = resolved.get('fallback')?.some(({ value }) => value === false)
    const at = (policy: string) => {
      const settings = resolved.get(policy)
      return settings ? [{ policy, settings }] : []
    }
    return [
      ...code('fallback', functions.fallback && !isOff && this.#operation.kind !== 'subscription'),
      ...['deadline', 'flag', 'cache', 'rateLimit', 'retry', 'breaker', 'bulkhead', 'hedge', 'chaos'].flatMap(at),
      ...code('around', functions.around?.length),
      ...code('invalidates', functions.invalidates),
    ]
  }

  #planOf(settings: PolicySettings): PolicyPlan {
    const { deadline, flag, cache, rateLimit, retry, breaker, bulkhead, hedge, chaos, fallback } = settings
    const { functions } = this.#annotated
    const platform = this.#platform
    const isSafe = this.#operation.kind === 'query' || functions.isIdempotent === true
    return {
      platform,
      flag: flag || undefined,
      deadlineMs: deadline ? parseMs(deadline) : Number.POSITIVE_INFINITY,
      // `resolve` has filled in every default of a policy that is on.
      cache: cache ? this.#cacheOf(cache as CacheSettings) : undefined,
      rateLimit: rateLimit ? rateOf(rateLimit as RateLimitSettings) : undefined,
      retry: retry ? new Retry(retry as RetrySettings, isSafe, this.#retry) : undefined,
      breaker: breaker ? this.#breakerOf(breaker as BreakerSettings) : undefined,
      bulkhead: bulkhead ? this.#bulkheadOf(bulkhead as BulkheadSettings) : undefined,
      hedge: hedge ? new Hedge(hedge as HedgeSettings, isSafe, this.#hedge) : undefined,
      chaos: chaos ? new Chaos(chaos as ChaosSettings, platform.flags) : undefined,
      around: composed(functions.around ?? []),
      // The types of these functions were checked against the operation where they were annotated.
      fallback: fallback === false ? undefined : (functions.fallback as PolicyPlan['fallback']),
      invalidates: functions.invalidates as PolicyPlan['invalidates'],
    }
  }

  #breakerOf(settings: BreakerSettings): CircuitBreaker {
    this.#breaker?.configure(settings)
    this.#breaker ??= new CircuitBreaker(settings)
    return this.#breaker
  }

  #bulkheadOf(settings: BulkheadSettings): Bulkhead {
    this.#bulkhead?.configure(settings)
    this.#bulkhead ??= new Bulkhead(settings)
    return this.#bulkhead
  }

  #cacheOf(cache: CacheSettings): ResultCache {
    const { functions } = this.#annotated
    const ttlMs = parseMs(cache.ttl)
    const settings = {
      ttlMs,
      graceMs: cache.grace === undefined ? 0 : parseMs(cache.grace),
      refreshAfterMs: cache.refreshAhead === undefined ? Number.POSITIVE_INFINITY : ttlMs * cache.refreshAhead,
      keyOf: functions.cacheKey,
      tagsOf: functions.cacheTags,
    }
    const { caches, clock } = this.#platform
    return new ResultCache(`${this.#service}.${this.#name}`, settings, caches, clock, this.#cache)
  }
}

type Setting = ExplainedPolicy['settings'][number]
type Resolved = Map<string, Setting[]>

/** Whether the contract or the configuration of the very operation says so: what is meant for calls in general is not for a quiet stream. */
function isOfOperation(settings: readonly Setting[]): boolean {
  return settings.every(({ origin }) => origin === 'contract' || origin.includes('.operations.'))
}

/** Later layers win, setting by setting; `false` turns off what came before it. A single value stands under the name ''. */
function resolve(layers: readonly Layer[]): Resolved {
  const resolved: Resolved = new Map()
  for (const { settings, originOf } of layers) {
    for (const [policy, value] of Object.entries(settings)) {
      if (value === undefined) continue
      if (value === false && policy !== 'fallback') resolved.delete(policy)
      else if (typeof value !== 'object') resolved.set(policy, [{ name: '', value, origin: originOf(policy) }])
      else {
        const before = resolved.get(policy) ?? defaultsOf(policy)
        resolved.set(
          policy,
          over(before, value, (name) => originOf(policy, name)),
        )
      }
    }
  }
  return resolved
}

function defaultsOf(policy: string): Setting[] {
  const defaults = (policyDefaults as Readonly<Record<string, object>>)[policy] ?? {}
  return Object.entries(defaults).map(([name, value]) => ({ name, value, origin: 'default' }))
}

function over(before: readonly Setting[], values: object, originOf: (name: string) => string): Setting[] {
  const settings = new Map(before.map((one) => [one.name, one]))
  for (const [name, value] of Object.entries(values))
    if (value !== undefined) settings.set(name, { name, value, origin: originOf(name) })
  return [...settings.values()]
}

function settingsOf(resolved: Resolved): PolicySettings {
  const values = [...resolved].map(([policy, settings]) => {
    const isSingle = settings.length === 1 && settings[0]?.name === ''
    return [
      policy,
      isSingle ? settings[0]?.value : Object.fromEntries(settings.map(({ name, value }) => [name, value])),
    ]
  })
  // Each value was checked by the schema of the layer it came from.
  return Object.fromEntries(values) as PolicySettings
}

function rateOf({ limit, per, burst = limit, by }: RateLimitSettings): RateLimit {
  return { intervalMs: parseMs(per) / limit, burst, by }
}

function composed(policies: readonly Around[]): PolicyPlan['around'] {
  if (policies.length === 0) return undefined
  return (input, call, invoke) =>
    // Checked against the operation where it was annotated.
    policies.reduceRight<() => Promise<unknown>>((next, policy) => () => policy(input as never, call, next), invoke)()
}

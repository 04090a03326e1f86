/** How policies stand, as metrics: read from the policies when somebody looks, so that a call pays nothing for it. */
import type { PolicyState } from '@keelson/resilience'
import type { Metrics } from '@keelson/telemetry'
import type { Registry } from '../registry/registry.ts'

interface PolicyMetric {
  readonly kind: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  /** Undefined: the policy is off. */
  readonly read: (state: PolicyState) => number | undefined
}

const circuitStates = { closed: 0, 'half-open': 0.5, open: 1 } as const

const policyMetrics: readonly PolicyMetric[] = [
  counter('keelson_deadline_exceeded_total', 'Calls that did not answer in time', ({ deadline }) => deadline.exceeded),
  gauge(
    'keelson_breaker_state',
    '0 closed, 0.5 half-open, 1 open',
    ({ breaker }) => breaker && circuitStates[breaker.state],
  ),
  counter('keelson_breaker_refused_total', 'Calls refused by an open breaker', ({ breaker }) => breaker?.refused),
  gauge('keelson_bulkhead_running', 'Calls that run', ({ bulkhead }) => bulkhead?.running),
  gauge('keelson_bulkhead_limit', 'Calls that may run at the same time', ({ bulkhead }) => bulkhead?.limit),
  gauge('keelson_bulkhead_waiting', 'Calls that wait for a place', ({ bulkhead }) => bulkhead?.waiting),
  counter('keelson_bulkhead_refused_total', 'Calls refused by a full bulkhead', ({ bulkhead }) => bulkhead?.refused),
  counter('keelson_hedges_total', 'Second attempts beside the first', ({ hedge }) => hedge?.hedged),
  counter('keelson_hedges_won_total', 'Second attempts that answered first', ({ hedge }) => hedge?.won),
  counter('keelson_retries_total', 'Tries beside the first', ({ retry }) => retry?.retries),
  counter(
    'keelson_retry_budget_exhausted_total',
    'Failures not tried again for want of budget',
    ({ retry }) => retry?.exhausted,
  ),
  gauge('keelson_retry_budget_tokens', 'Retries that the budget allows now', ({ retry }) => retry?.tokens),
  counter('keelson_rate_limited_total', 'Calls over their rate limit', ({ rateLimit }) => rateLimit?.refused),
  counter('keelson_cache_hits_total', 'Answers that were kept', ({ cache }) => cache?.hits),
  counter('keelson_cache_misses_total', 'Answers that had to be made', ({ cache }) => cache?.misses),
  counter('keelson_cache_stale_total', 'Kept answers that stood in after their time', ({ cache }) => cache?.stale),
  counter('keelson_fallback_total', 'Answers of a fallback', ({ fallback }) => fallback?.answered),
  counter('keelson_chaos_total', 'Calls struck by chaos', ({ chaos }) => chaos?.struck),
]

/** Adds a cell for each policy that is on. To be called again after each change of the policies: cells that are there stay what they are. */
export function registerPolicyMetrics(metrics: Metrics, registry: Registry): void {
  for (const host of registry.hosts())
    for (const { operation, policies, state } of host.policies())
      for (const { kind, name, help, read } of policies.length > 0 ? policyMetrics : []) {
        if (read(state) === undefined) continue
        metrics[kind]({ name, help, labels: ['service', 'operation'] })
          .cell({ service: host.name, operation })
          .readFrom(() => read(host.policyState(operation)) ?? 0)
      }
}

function counter(name: string, help: string, read: PolicyMetric['read']): PolicyMetric {
  return { kind: 'counter', name, help, read }
}

function gauge(name: string, help: string, read: PolicyMetric['read']): PolicyMetric {
  return { kind: 'gauge', name, help, read }
}

/** How policies stand, as metrics: read from the policies when somebody looks, so that a call pays nothing for it. */
import { policyMetrics } from '@keelson/resilience'
import type { Metrics } from '@keelson/telemetry'
import type { Registry } from '../registry/registry.ts'

/** Adds a cell for each policy that is on. To be called again after each change of the policies: cells that are there stay what they are. */
export function registerPolicyMetrics(metrics: Metrics, registry: Registry): void {
  for (const host of registry.hosts())
    for (const { operation, state } of host.policies())
      for (const [policy, ofPolicy] of policyMetrics)
        for (const { kind, name, help, read } of state[policy] ? ofPolicy : [])
          metrics[kind]({ name, help, labels: ['service', 'operation'] })
            .cell({ service: host.name, operation })
            .readFrom(() => {
              const now = host.policyState(operation)[policy]
              return now ? read(now) : 0
            })
}

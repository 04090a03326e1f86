/** The policies of a system that does not run, as they would be if it did. */
import type { OperationPolicyReport } from '../facade/service-host.ts'
import { Registry } from '../registry/registry.ts'
import type { System } from './system.ts'
import { type ConfigOrigins, loadSystemConfig } from './system-config.ts'

/** By service. Rejects as `loadSystemConfig` does. */
export async function loadSystemPolicies(
  system: System,
  origins: ConfigOrigins,
): Promise<Readonly<Record<string, readonly OperationPolicyReport[]>>> {
  const configuration = await loadSystemConfig(system, origins)
  const registry = new Registry({ policies: configuration.get('policies') })
  for (const service of system.services) registry.register(service)
  return Object.fromEntries([...registry.hosts()].map((host) => [host.name, host.policies()]))
}

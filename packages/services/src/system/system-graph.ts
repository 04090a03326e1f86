/** The declared graph of a system that does not run. */
import type { SystemGraph } from '../registry/graph.ts'
import { Registry } from '../registry/registry.ts'
import type { System } from './system.ts'

/** Who uses what, as services, adapters and runners say under `uses`: for drawings, for reviews, and for the policies of a network. */
export function systemGraph(system: System): SystemGraph {
  const registry = new Registry()
  for (const adapter of system.adapters) registry.provide(adapter)
  for (const service of system.services) registry.register(service)
  return registry.graph()
}

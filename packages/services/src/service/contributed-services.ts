/** The contracts that an adapter implements itself, as services: the same routes, health and facades as all others. */
import type { Adapter } from '@keelson/kernel'
import type { Service } from './service.ts'

/** One service per contract. Each starts whenever the adapter does, and its first call starts both. */
export function contributedServices({ provides, contributes, providedOf }: Adapter): Service[] {
  const uses = Object.fromEntries(provides.map((port) => [port.name, port]))
  return contributes.map(({ contract, implement }) => ({
    kind: 'service',
    contract,
    uses,
    config: undefined,
    lifecycle: { isLazy: true },
    ...(provides[0] && { follows: provides[0] }),
    start: async (given) => implement(providedOf(provides.map((port) => given[port.name]))),
  }))
}

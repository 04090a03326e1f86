/**
 * What the services of a system are known by. Several major versions of one contract may stand side by side: the first keeps the contract's
 * name, each later one is `<name>-v<major>`. It is decided here alone, so that the name is the same wherever one is used.
 */
import { type Contract, kernelErrors } from '@keelson/kernel'
import type { Service } from './service.ts'

type Named = Pick<Contract, 'name' | 'version'>

/**
 * The name of each service, in their order. Throws COMPONENT_DUPLICATE when two would have the same: one major version of a contract twice,
 * or a contract that is called what a later version of another is known by.
 */
export function serviceNames(services: readonly Service[]): ReadonlyMap<Service, string> {
  const names = new ServiceNames()
  const known = new Map<Service, string>()
  const taken = new Set<string>()
  for (const service of services) {
    const name = names.nameOf(service.contract)
    if (taken.has(name)) throw kernelErrors.COMPONENT_DUPLICATE({ component: name })
    taken.add(name)
    known.set(service, name)
  }
  return known
}

/** The same for whoever meets services one by one. */
export class ServiceNames {
  readonly #owners = new Map<string, Named>()

  /** Versions of one major version have one name. Throws COMPONENT_DUPLICATE when another contract has the name. */
  nameOf(contract: Named): string {
    const first = this.#claim(contract.name, contract)
    const major = majorOf(contract)
    if (majorOf(first) === major) return contract.name
    const name = `${contract.name}-v${major}`
    this.#claim(name, contract)
    return name
  }

  #claim(name: string, contract: Named): Named {
    const owner = this.#owners.get(name) ?? contract
    if (owner.name !== contract.name) throw kernelErrors.COMPONENT_DUPLICATE({ component: name })
    this.#owners.set(name, owner)
    return owner
  }
}

/** The number that separates services of one contract. */
export function majorOf({ version }: Pick<Contract, 'version'>): number {
  return Number.parseInt(version, 10)
}

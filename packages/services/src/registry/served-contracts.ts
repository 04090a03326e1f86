/** The services of a registry by contract: which of the versions that are served side by side stands in for the one that is asked for. */
import { type Contract, serves } from '@keelson/kernel'
import { servicesErrors } from '../errors.ts'
import type { ServiceHost } from '../facade/service-host.ts'

export class ServedContracts {
  readonly #hosts = new Map<string, ServiceHost[]>()

  add(host: ServiceHost, instance: string | undefined): void {
    const name = instanceName(host.contract.name, instance)
    this.#hosts.set(name, [...(this.#hosts.get(name) ?? []), host])
  }

  names(): string[] {
    return [...this.#hosts.values()].flat().map((host) => host.name)
  }

  /** The service whose version serves the contract's; undefined when there is none. */
  find({ name, version }: Contract, instance?: string): ServiceHost | undefined {
    const hosts = this.#hosts.get(instanceName(name, instance))
    if (!hosts) return undefined
    // Versions are read only when none is the very one: this is on the way of every resolve.
    for (const host of hosts) if (host.contract.version === version) return host
    return hosts.find((host) => serves(host.contract.version, version))
  }

  /**
   * The same; undefined only when no version at all is served. Throws CONTRACT_VERSION_UNSERVED when others are.
   *
   * @param user the service that needs it, for the message.
   */
  need(contract: Contract, instance?: string, user?: string): ServiceHost | undefined {
    const host = this.find(contract, instance)
    const others = host ? undefined : this.#hosts.get(instanceName(contract.name, instance))
    if (!others) return host
    throw servicesErrors.CONTRACT_VERSION_UNSERVED({
      ...(user !== undefined && { service: user }),
      contract: contract.name,
      wanted: contract.version,
      served: others.map((other) => other.contract.version).join(' and '),
    })
  }
}

/** What one of several instances of a service is known by. */
export function instanceName(name: string, instance: string | undefined): string {
  return instance === undefined ? name : `${name}:${instance}`
}

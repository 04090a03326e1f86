/**
 * What can be wrong with a system before anything runs: two services of one name, two operations on one route, and a service that needs
 * another version of a contract.
 */
import { readUse, serves } from '@keelson/kernel'
import { servicesErrors } from '../errors.ts'
import { routeShape } from '../listener/route-path.ts'
import { readHttp } from '../rest/http.ts'
import type { Service } from '../service/service.ts'
import { serviceNames } from '../service/service-names.ts'

/** Services by what they are known by. */
type Names = ReadonlyMap<Service, string>

/** Throws COMPONENT_DUPLICATE, ROUTE_DUPLICATE or CONTRACT_VERSION_UNSERVED. */
export function checkSystem(services: readonly Service[]): void {
  const names = serviceNames(services)
  checkRoutes(names)
  for (const [service, name] of names) checkVersions(service, name, services)
}

/** Routes are the same when they match the same paths: parameters may be called differently, and a closing slash does not count. */
function checkRoutes(names: Names): void {
  const taken = new Map<string, string>()
  for (const [{ contract, isRemote }, service] of names) {
    if (isRemote) continue
    for (const [name, operation] of Object.entries(contract.operations)) {
      const route = readHttp(operation)
      if (!route) continue
      const { method, path } = route
      const shape = `${method} ${routeShape(path)}`
      const other = taken.get(shape)
      if (other) throw servicesErrors.ROUTE_DUPLICATE({ method, path, operations: [other, `${service}.${name}`] })
      taken.set(shape, `${service}.${name}`)
    }
  }
}

/** What nothing in the system serves is found when it starts: `only` may leave it out. */
function checkVersions({ uses }: Service, service: string, services: readonly Service[]): void {
  for (const used of Object.values(uses)) {
    const { needed } = readUse(used)
    if (needed.kind !== 'contract') continue
    const { name: contract, version: wanted } = needed
    const served = services.filter((one) => one.contract.name === contract).map((one) => one.contract.version)
    if (served.length === 0 || served.some((version) => serves(version, wanted))) continue
    throw servicesErrors.CONTRACT_VERSION_UNSERVED({ service, contract, wanted, served: served.join(' and ') })
  }
}

/** A bundle: the facades of several services under names of one's own, started together and closed together. */
import type { Adapter, Contract, Facade, Operations } from '@keelson/kernel'
import type { Service } from '../service/service.ts'
import { type RunningSystem, type StartOptions, startSystem } from './start-system.ts'
import { defineSystem } from './system.ts'

/** One facade per name. Disposing it closes the services. */
export type Bundle<Contracts extends Readonly<Record<string, Contract>>> = {
  readonly [Name in keyof Contracts]: Contracts[Name] extends Contract<string, infer Ops extends Operations>
    ? Facade<Ops>
    : never
} & AsyncDisposable

type ContractsOf<Services extends Readonly<Record<string, Service>>> = {
  readonly [Name in keyof Services]: Services[Name]['contract']
}

export interface BundleOptions extends StartOptions {
  readonly adapters?: readonly Adapter[]
  readonly config?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/**
 * Starts services and gives their facades. No port is opened and nothing kept on disk unless the options say so.
 *
 * @example
 * await using bundle = await createBundle({ terminal, renderer })
 * await bundle.renderer.draw({ text: 'hello' })
 */
export async function createBundle<const Services extends Readonly<Record<string, Service>>>(
  services: Services,
  options: BundleOptions = {},
): Promise<Bundle<ContractsOf<Services>>> {
  const { adapters = [], config = {}, ...start } = options
  const system = defineSystem({ name: 'bundle', services: Object.values(services), adapters, config })
  const running = await startSystem(system, { listen: false, persist: false, ...start })
  const contracts = Object.fromEntries(Object.entries(services).map(([name, { contract }]) => [name, contract]))
  return bundleOf<ContractsOf<Services>>(running, contracts)
}

/** The facades of a running system under a bundle's names. */
export function bundleOf<Contracts extends Readonly<Record<string, Contract>>>(
  running: RunningSystem,
  contracts: Readonly<Record<string, Contract>>,
): Bundle<Contracts> {
  const facades = Object.entries(contracts).map(([name, contract]) => [name, running.registry.resolve(contract)])
  // One facade per contract, resolved by that very contract.
  return Object.assign(Object.fromEntries(facades), {
    [Symbol.asyncDispose]: () => running.close(),
  }) as Bundle<Contracts>
}

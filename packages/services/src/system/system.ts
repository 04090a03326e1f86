/**
 * A system is the composition root: which services, which adapters, which configuration. `defineSystem` declares it, in an app's
 * `keelson.config.ts`; nothing runs until it is started.
 */
import type { Adapter, Contract, Environment } from '@keelson/kernel'
import { contributedServices } from '../service/contributed-services.ts'
import type { Service } from '../service/service.ts'
import { checkSystem } from './check-system.ts'

export interface System<Names extends string = string> {
  readonly kind: 'system'
  readonly name: string
  readonly version: string
  /** The services of the definition, then those that its adapters contribute. */
  readonly services: readonly Service<Names>[]
  readonly adapters: readonly Adapter[]
  /** Values by section, over the schemas' defaults and under every other layer. */
  readonly config: SectionValues
  /** Values by section that hold in one environment only, over `config`. */
  readonly environments: EnvironmentValues
  readonly start: StartCommand
}

/** Values of configuration by section: `{ listener: { port: 8080 } }`. */
export type SectionValues = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** Values by environment, then by section. */
export type EnvironmentValues = Readonly<Partial<Record<Environment, SectionValues>>>

/** How `keelson start` looks for this system. */
export interface StartCommand {
  /** Values by section that hold for a started system only, not for a command that runs one operation and ends. */
  readonly config?: SectionValues
  /** Options that set a value of the configuration: `{ docs: { sets: 'documents.folder', … } }` is `--docs <folder>`. */
  readonly options?: Readonly<Record<string, StartOption>>
  /** A subscription that is shown with its progress bar once the system runs. */
  readonly follow?: { readonly operation: string; readonly input: unknown }
}

export interface StartOption {
  /** Dotted path of the configuration. */
  readonly sets: string
  readonly summary: string
  /** The value is a path and made absolute where the command is typed. */
  readonly isPath?: boolean
}

/**
 * Declares a system. Several major versions of one contract may stand side by side: the first of the list keeps the contract's name, each
 * later one is known as `<name>-v<major>`. Throws COMPONENT_DUPLICATE when a major version is there twice, ROUTE_DUPLICATE when two
 * operations claim one route, CONTRACT_VERSION_UNSERVED when a service uses a version of a contract that no service of the list can stand
 * in for.
 *
 * @example
 * export default defineSystem({ name: 'research', services: [documents, bff], adapters: [pglite(), pino()] })
 */
export function defineSystem<const Services extends readonly Service[]>(definition: {
  readonly name: string
  readonly version?: string
  readonly services: Services
  readonly adapters?: readonly Adapter[]
  readonly config?: SectionValues
  readonly environments?: EnvironmentValues
  readonly start?: StartCommand
}): System<Services[number]['contract']['name']> {
  const adapters = definition.adapters ?? []
  const services = [...definition.services, ...adapters.flatMap(contributedServices)]
  checkSystem(services)
  return {
    kind: 'system',
    name: definition.name,
    version: definition.version ?? '0.0.0',
    // Every service of the list has one of the names that were just taken from it; what adapters contribute is beside the types.
    services: services as readonly Service<Services[number]['contract']['name']>[],
    adapters,
    config: definition.config ?? {},
    environments: definition.environments ?? {},
    start: definition.start ?? {},
  }
}

/** A contract that the system serves; any other is a type error that says so. */
export type Served<Names extends string, C extends Contract> = C['name'] extends Names
  ? unknown
  : { readonly name: `no service of this system serves '${C['name']}'` }

/**
 * The things that services, adapters, runners and objects of a registry use: who provides each, its value or facade, and how those do
 * that can be done without.
 */
import {
  type ComponentStatus,
  type Contract,
  type HealthCheck,
  kernelErrors,
  type Port,
  type Resolved,
  readUse,
  type Use,
  type Uses,
} from '@keelson/kernel'
import { servicesErrors } from '../errors.ts'
import type { ServedContracts } from './served-contracts.ts'

/** One entry of `uses`, as the declared graph has it. */
export interface Dependency {
  /** What the service of the contract is known by, or the port. */
  readonly name: string
  /** The service, or the adapter that provides the port; the same as `name` where nothing does. */
  readonly component: string
  readonly isOptional: boolean
  /** Undefined: any operation of the contract, or the value of a port. */
  readonly operations?: readonly string[]
}

export class Dependencies {
  readonly #served: ServedContracts
  readonly #statusOf: (component: string) => ComponentStatus | undefined
  /** By component. */
  readonly #uses = new Map<string, readonly Use[]>()
  /** The parts that a component is the next of: a runner holds the values of its adapter without naming them. */
  readonly #before = new Map<string, readonly string[]>()
  /** The component of each port. */
  readonly #providers = new Map<string, string>()
  /** By port. */
  readonly #values = new Map<string, unknown>()

  constructor(served: ServedContracts, statusOf: (component: string) => ComponentStatus | undefined) {
    this.#served = served
    this.#statusOf = statusOf
  }

  declare(component: string, uses: Uses, after: readonly string[]): void {
    this.#uses.set(component, Object.values(uses).map(readUse))
    this.#before.set(component, after)
  }

  /** Throws COMPONENT_DUPLICATE when another component has the port. */
  provide(port: string, component: string): void {
    if (this.#providers.has(port)) throw kernelErrors.COMPONENT_DUPLICATE({ component: port })
    this.#providers.set(port, component)
  }

  setValue(port: string, value: unknown): void {
    this.#values.set(port, value)
  }

  /** Undefined before its component has started. */
  portValue(port: string): unknown {
    return this.#values.get(port)
  }

  /** The component of a port; a component's own name is its own. */
  componentOf(name: string): string {
    return this.#providers.get(name) ?? name
  }

  /**
   * The components that `component` starts after. A required contract that nobody serves keeps its name, so that the start says what is
   * missing. Throws CONTRACT_VERSION_UNSERVED when only other versions of it are served.
   */
  requiredBy(component: string): string[] {
    const required = this.#usesOf(component).filter(({ isOptional }) => !isOptional)
    return required.map(({ needed }) =>
      needed.kind === 'contract'
        ? (this.#served.need(needed, undefined, component)?.name ?? needed.name)
        : this.componentOf(needed.name),
    )
  }

  /** The components that it starts after where the system has them. */
  optionalTo(component: string): string[] {
    const optional = this.#usesOf(component).filter(({ isOptional }) => isOptional)
    return optional.flatMap(({ needed }) => this.#componentFor(needed) ?? [])
  }

  /** Everything that a component uses, by what it is known by here. */
  of(component: string): Dependency[] {
    return this.#usesOf(component).map(({ needed, isOptional, operations }) => ({
      name: (needed.kind === 'contract' ? this.#served.find(needed)?.name : undefined) ?? needed.name,
      component: this.#componentFor(needed) ?? needed.name,
      isOptional,
      ...(operations && { operations }),
    }))
  }

  /** The components that hold a value of one of the ports of `component`. */
  holdersOf(component: string): string[] {
    const parts = [...this.#before].flatMap(([part, before]) => (before.includes(component) ? [part] : []))
    return [...this.#users(component, ({ needed }) => needed.kind === 'port'), ...parts]
  }

  /** Whether anything needs `component` and cannot do without it. */
  isRequired(component: string): boolean {
    return this.#users(component, ({ isOptional }) => !isOptional).length > 0
  }

  /** The value, facade or optional of each entry. */
  resolve(uses: Uses, user: string): Resolved<Uses> {
    const resolved = Object.entries(uses).map(([alias, used]) => {
      const use = readUse(used)
      return [alias, use.isOptional ? this.#optional(use, user) : this.#needed(use, user)]
    })
    return Object.fromEntries(resolved)
  }

  /** One check for each thing that a component does without at the moment. */
  missing(component: string): Record<string, HealthCheck> {
    const checks: Record<string, HealthCheck> = {}
    for (const { needed, isOptional, without } of this.#usesOf(component)) {
      if (!isOptional) continue
      const found = this.#componentFor(needed)
      const status = found === undefined ? undefined : this.#statusOf(found)
      if (status?.state === 'running' || (!status && without === undefined)) continue
      const subject = needed.kind === 'contract' ? (found ?? needed.name) : needed.name
      const reason = status ? `is ${status.state}${status.error ? `: ${status.error.message}` : ''}` : 'is missing'
      checks[subject] = {
        status: 'degraded',
        message: [`${subject} ${reason}`, without].filter(Boolean).join('; '),
      }
    }
    return checks
  }

  #usesOf(component: string): readonly Use[] {
    return this.#uses.get(component) ?? []
  }

  #users(component: string, matches: (use: Use) => boolean): string[] {
    const uses = (use: Use) => matches(use) && this.#componentFor(use.needed) === component
    return [...this.#uses].flatMap(([user, all]) => (all.some(uses) ? [user] : []))
  }

  /** Undefined where nothing serves the contract. */
  #componentFor(needed: Contract | Port<unknown>): string | undefined {
    return needed.kind === 'contract' ? this.#served.find(needed)?.name : this.componentOf(needed.name)
  }

  #needed({ needed, operations }: Use, user: string): unknown {
    if (needed.kind === 'port') return this.#values.get(needed.name)
    const host = this.#served.need(needed)
    if (!host) throw servicesErrors.SERVICE_UNKNOWN({ service: needed.name, known: this.#served.names() })
    return host.facadeFor(user, operations)
  }

  #optional(use: Use, user: string): { readonly current: unknown } {
    const current = () => {
      const component = this.#componentFor(use.needed)
      const isRunning = component !== undefined && this.#statusOf(component)?.state === 'running'
      return isRunning ? this.#needed(use, user) : undefined
    }
    return {
      get current() {
        return current()
      },
    }
  }
}

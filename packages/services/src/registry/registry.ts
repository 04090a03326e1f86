/**
 * The registry holds every service and adapter of a process: it hands out facades, starts what is asked for after what it depends on, and
 * shuts down in the reverse order. A facade exists from registration on, so that resolving costs one map lookup and never waits.
 */
import {
  type Adapter,
  type Clock,
  type ComponentState,
  type Configuration,
  type Contract,
  definePort,
  type Facade,
  type HealthReport,
  type KeelsonError,
  Lifecycle,
  type Lifetime,
  type Operations,
  type Port,
  readUse,
  type StateChanged,
  type SystemPlace,
  systemClock,
  type Uses,
} from '@keelson/kernel'
import { PoliciesConfig, type PolicyPlatform } from '@keelson/resilience'
import { createConsoleLog, createMetrics, Log, type Metrics, type Tracer } from '@keelson/telemetry'
import { servicesErrors } from '../errors.ts'
import type { Authorise } from '../facade/call-plan.ts'
import { operationInstruments } from '../facade/operation-instrument.ts'
import { ServiceHost } from '../facade/service-host.ts'
import type { ConfigChanged, Service } from '../service/service.ts'
import { ServiceNames } from '../service/service-names.ts'
import type { RegisteredAdapter } from './adapter-host.ts'
import { Adapters } from './adapters.ts'
import { Components } from './components.ts'
import type { SystemGraph } from './graph.ts'
import { type Factory, hooksOf, startObject } from './plain-object.ts'
import { createPolicyPlatform } from './policy-platform.ts'
import { instanceName, ServedContracts } from './served-contracts.ts'

/** One line of `list()`. */
export interface RegisteredService {
  readonly name: string
  readonly version: string
  readonly state: ComponentState
  /** Names of the services and ports it uses. */
  readonly dependsOn: readonly string[]
  /** Why it failed last; undefined while it runs. */
  readonly error: string | undefined
}

export interface RegistryOptions {
  readonly system?: SystemPlace
  readonly clock?: Clock
  readonly metrics?: Metrics
  /** Records calls as spans; without it there are none. */
  readonly tracer?: Tracer | undefined
  /** Where services log when no adapter provides the `log` port. */
  readonly log?: Log
  /** Has a section under the name of each service and adapter that declares one; loaded. */
  readonly configuration?: Configuration | undefined
  /** Over the policies of contracts. */
  readonly policies?: PoliciesConfig
  /** False leaves calls uncounted and untimed. */
  readonly instrumented?: boolean
  /** Says who may call which operation; everybody may when it is left out. */
  readonly authorise?: Authorise | undefined
  /** A number from 0 to below 1: for the waits before retries and restarts, and for chaos. */
  readonly random?: () => number
}

export class Registry {
  readonly #options: Required<RegistryOptions>
  readonly #names = new ServiceNames()
  readonly #hosts = new Map<string, ServiceHost>()
  readonly #served = new ServedContracts()
  /** Objects of one's own, and services that wait for their first call. */
  readonly #objects = new Set<string>()
  readonly #lazy = new Set<string>()
  readonly #components: Components
  readonly #adapters: Adapters
  readonly #instruments: ReturnType<typeof operationInstruments> | undefined
  readonly #policyPlatform: PolicyPlatform
  #policies: PoliciesConfig

  constructor(options: RegistryOptions = {}) {
    this.#options = {
      system: { name: 'system', dataFolder: undefined },
      clock: systemClock,
      metrics: createMetrics(),
      log: options.log ?? createConsoleLog(),
      configuration: undefined,
      tracer: undefined,
      instrumented: true,
      authorise: undefined,
      random: Math.random,
      policies: PoliciesConfig.parse({}),
      ...options,
    }
    this.#policies = this.#options.policies
    const { clock, random, metrics, tracer } = this.#options
    const changed: StateChanged = (name, state, error) => this.#changed(name, state, error)
    this.#components = new Components(new Lifecycle(changed, { clock, random }), this.#served)
    this.#adapters = new Adapters(this.#components, this.#options)
    const { dependencies } = this.#components
    const portValue = dependencies.portValue.bind(dependencies)
    this.#policyPlatform = createPolicyPlatform({ clock, random, portValue })
    if (this.#options.instrumented) this.#instruments = operationInstruments(metrics, clock, tracer)
  }

  /** Puts other policies in force. Calls in flight leave by those they entered by. */
  configurePolicies(config: PoliciesConfig): void {
    this.#policies = config
    for (const host of this.#hosts.values()) host.configurePolicies(config)
  }

  /**
   * Adds a service; nothing starts. It is known by its contract's name, or as `<name>-v<major>` when another major version of the contract
   * was there before. With `instance`, `:<instance>` follows, so that one service may run several times; all share one section of the
   * configuration. Throws COMPONENT_DUPLICATE when the name is taken.
   */
  register(service: Service, options?: { readonly instance?: string }): void
  /**
   * Adds an object of one's own: `factory` makes it when it starts, and its hooks `init`, `ready` and `cleanup` are called, where it has
   * them. Gives the token to resolve it by, or to put into `uses`. Throws COMPONENT_DUPLICATE when the name is taken.
   */
  register<T extends object, U extends Uses = Record<never, never>>(
    name: string,
    factory: Factory<T, U>,
    options?: { readonly uses?: U },
  ): Port<T>
  register(
    subject: Service | string,
    second: { readonly instance?: string } | Factory<object, Uses> = {},
    { uses = {} }: { readonly uses?: Uses } = {},
  ): Port<object> | undefined {
    if (typeof subject === 'string') {
      // The overload with a name takes a factory second.
      return this.#registerObject(subject, second as Factory<object, Uses>, uses)
    }
    this.#registerService(subject, typeof second === 'function' ? undefined : second.instance)
    return undefined
  }

  #registerService(service: Service, instance: string | undefined): void {
    const section = this.#names.nameOf(service.contract)
    const name = instanceName(section, instance)
    const { isLazy = false, ...lifecycle } = service.lifecycle ?? {}
    this.#components.add(name, service.uses, {
      ...lifecycle,
      ...(service.follows && { follows: this.#components.dependencies.componentOf(service.follows.name) }),
      start: (lifetime) => this.#startService(service, name, section, lifetime),
      drain: () => this.host(name).drain(),
    })
    if (isLazy) this.#lazy.add(name)
    const host = new ServiceHost({
      name,
      isLazy,
      contract: service.contract,
      clock: this.#options.clock,
      config: () => this.#options.configuration?.get(section),
      instrument: this.#instruments,
      authorise: this.#options.authorise,
      policyPlatform: this.#policyPlatform,
      policies: this.#policies,
      isPeer: service.isPeer ?? false,
      callsOthers: Object.values(service.uses).some((used) => readUse(used).needed.kind === 'contract'),
      error: () => this.#components.lifecycle.status(name)?.error,
      missing: () => this.#components.dependencies.missing(name),
      initialize: () => this.start([name]),
      cleanup: () => this.#components.lifecycle.stop(name),
    })
    this.#hosts.set(name, host)
    this.#served.add(host, instance)
  }

  #registerObject(name: string, factory: Factory<object, Uses>, uses: Uses): Port<object> {
    this.#components.add(name, uses, {
      start: async (lifetime) => {
        this.#components.lifetimes.set(name, lifetime)
        const { clock } = this.#options
        const given = {
          ...this.#components.dependencies.resolve(uses, name),
          log: this.log.child({ service: name }),
          clock,
          lifetime,
        }
        // `uses` is what the factory's own types were taken from.
        const made = await startObject(() => factory(given as Parameters<typeof factory>[0]), lifetime)
        if (!lifetime.signal.aborted) this.#components.dependencies.setValue(name, made)
      },
    })
    this.#components.dependencies.provide(name, name)
    this.#objects.add(name)
    return definePort(name)
  }

  /**
   * Adds an adapter; it starts when something that uses one of its ports does, and its runner, if it has one, once all that the runner uses
   * runs. Throws COMPONENT_DUPLICATE when another adapter provides one of its ports. The contracts that it contributes are services of
   * their own: a system registers them.
   */
  provide(adapter: Adapter): void {
    this.#adapters.provide(adapter)
  }

  /** Provides a port with something that exists already and that its owner closes. */
  provideValue<T>(port: Port<T>, value: T): void {
    this.#components.dependencies.provide(port.name, port.name)
    this.#components.lifecycle.add({ name: port.name, dependsOn: [], start: () => {} })
    this.#components.dependencies.setValue(port.name, value)
  }

  /**
   * The facade of the service that serves this version of the contract, or of one instance of it. Throws SERVICE_UNKNOWN, or
   * CONTRACT_VERSION_UNSERVED when only other versions are served.
   */
  resolve<Ops extends Operations>(contract: Contract<string, Ops>, instance?: string): Facade<Ops>
  /** The object that was registered with this token. Throws SERVICE_UNKNOWN, or SERVICE_NOT_RUNNING before it has started. */
  resolve<T>(token: Port<T>): T
  /** By name alone, where the compiler takes the caller's word for the type. */
  resolve<T = Facade>(name: string): T
  resolve(asked: Contract | Port<unknown> | string, instance?: string): unknown {
    if (typeof asked !== 'string' && asked.kind === 'contract') return this.#hostOf(asked, instance).facade
    const name = typeof asked === 'string' ? asked : asked.name
    if (this.#objects.has(name)) return this.#running(name)
    return this.host(name).facade
  }

  /** For whoever knows only names, such as REST and the command line. Throws SERVICE_UNKNOWN. */
  host(name: string): ServiceHost {
    const host = this.#hosts.get(name)
    if (host) return host
    throw this.#unknown(name)
  }

  hosts(): Iterable<ServiceHost> {
    return this.#hosts.values()
  }

  /** Services in the order of their registration, then objects of one's own, whose version is empty. */
  list(): RegisteredService[] {
    return [...this.#hosts.keys(), ...this.#objects].map((name) => {
      const status = this.#components.lifecycle.status(name)
      return {
        name,
        version: this.#hosts.get(name)?.contract.version ?? '',
        state: status?.state ?? 'registered',
        dependsOn: this.#components.dependencies.of(name).map((used) => used.name),
        error: status?.error?.message,
      }
    })
  }

  /** The log that services write to: the adapter's once it has started. */
  get log(): Log {
    // Only an adapter of the `log` port writes under that name.
    return (this.#components.dependencies.portValue(Log.name) as Log | undefined) ?? this.#options.log
  }

  /** The declared graph. Nothing has to run for it. */
  graph(): SystemGraph {
    const { dependencies } = this.#components
    const services = [...this.#hosts].map(([name, { contract }]) => ({
      ...{ name, kind: 'service' as const, version: contract.version },
    }))
    const objects = [...this.#objects].map((name) => ({ name, kind: 'object' as const }))
    const own = [...services, ...objects, ...this.#adapters.nodes()]
    const known = new Set(own.map(({ name }) => name))
    const arrows = own.flatMap(({ name: from }) =>
      dependencies.of(from).map(({ name, component, isOptional, operations }) => ({
        ...{ from, to: component, isOptional },
        ...(!this.#hosts.has(component) && { port: name }),
        ...(operations && { operations }),
      })),
    )
    const others = new Set(arrows.map(({ to }) => to).filter((to) => !known.has(to)))
    return { nodes: [...own, ...[...others].map((name) => ({ name, kind: 'system' as const }))], arrows }
  }

  /** Adapters in the order in which they were added. */
  adapters(): RegisteredAdapter[] {
    return this.#adapters.list()
  }

  /** The health of each adapter that has been started, by name. One that everything can do without is at worst degraded. */
  adapterHealth(): Promise<Readonly<Record<string, HealthReport>>> {
    return this.#adapters.health()
  }

  /**
   * Starts the named services (or ports) and what they depend on; when none are named, all but lazy ones. What runs already stays as it is.
   * Rejects with DEPENDENCY_MISSING, DEPENDENCY_CYCLE or, when any service needs a version that is not served, CONTRACT_VERSION_UNSERVED; or with the first error of a start, after closing what this call had started.
   */
  async start(names?: readonly string[]): Promise<void> {
    const eager = [...this.#hosts.keys(), ...this.#objects].filter((name) => !this.#lazy.has(name))
    const all = [...eager, ...this.#adapters.portless()]
    await this.#components.lifecycle.start(names?.map((name) => this.#components.dependencies.componentOf(name)) ?? all)
  }

  /**
   * Closes everything, each service once what uses it is closed: it refuses new calls at once, those in flight end first. Safe to repeat,
   * and to call during a start.
   *
   * @param cut when it aborts, nothing is waited for any longer; what was not done rejects with CLOSE_CUT, and each is logged. A later call
   * may bring it.
   */
  shutdown(cut?: AbortSignal): Promise<void> {
    return this.#components.lifecycle.close(cut)
  }

  #changed(name: string, state: ComponentState, error: KeelsonError | undefined): void {
    this.#hosts.get(name)?.changed(state)
    this.#adapters.changed(name, state)
    if (state === 'running' && this.#objects.has(name)) this.#ready(name)
    const { isRestarting, failures } = this.#components.lifecycle.status(name) ?? {}
    if (state === 'closed' && error) this.log.warn(error.message, { component: name, code: error.code })
    // A start that nobody tries again rejects to whoever asked for it.
    if (state === 'failed' && isRestarting) this.log.warn(`"${name}" has failed`, { component: name, failures, error })
    if (state === 'failed' && error && !this.#hosts.has(name)) this.#components.failHolders(name, error)
  }

  #ready(name: string): void {
    const made = this.#components.dependencies.portValue(name)
    const lifetime = this.#components.lifetimes.get(name)
    const ready = typeof made === 'object' && made !== null ? hooksOf(made).ready : undefined
    void (async () => ready?.call(made))().catch((error) => lifetime?.failed(error))
  }

  #running(name: string): unknown {
    const state = this.#components.lifecycle.status(name)?.state ?? 'registered'
    if (state !== 'running') throw servicesErrors.SERVICE_NOT_RUNNING({ service: name, state })
    return this.#components.dependencies.portValue(name)
  }

  #hostOf(contract: Contract, instance?: string): ServiceHost {
    const host = this.#served.need(contract, instance)
    if (!host) throw this.#unknown(instanceName(contract.name, instance))
    return host
  }

  #unknown(service: string): KeelsonError {
    return servicesErrors.SERVICE_UNKNOWN({ service, known: [...this.#hosts.keys()] })
  }

  async #startService(service: Service, name: string, section: string, lifetime: Lifetime): Promise<void> {
    const host = this.host(name)
    const { clock, metrics, system, configuration } = this.#options
    this.#components.lifetimes.set(name, lifetime)
    const implementation = await service.start({
      ...this.#components.dependencies.resolve(service.uses, name),
      config: configuration?.get(section) ?? {},
      onConfigChange: (changed: ConfigChanged<unknown>) => {
        if (configuration) lifetime.onClose(watchSection(configuration, section, changed))
      },
      log: this.log.child({ service: name }),
      metrics,
      clock,
      lifetime,
      health: host.addCheck.bind(host),
      invalidate: (tags: readonly string[]) => this.#policyPlatform.caches.invalidate(tags),
      system,
    })
    if (lifetime.signal.aborted) return
    host.implement(implementation, service.place)
    host.warm()
  }
}

/** Calls `changed` with the section after each change of it; gives back what ends that. */
function watchSection(configuration: Configuration, section: string, changed: ConfigChanged<unknown>): () => void {
  return configuration.watch((changes) => {
    const own = changes.filter((change) => change.section === section)
    if (own.length > 0) return changed(configuration.get(section), own)
  })
}

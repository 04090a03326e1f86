/**
 * The registry holds every service and adapter of a process: it hands out facades, starts what is asked for after what it depends on, and
 * shuts down in the reverse order. A facade exists from registration on, so that resolving costs one map lookup and never waits.
 */
import {
  type Adapter,
  type Clock,
  type Component,
  type ComponentState,
  type Configuration,
  type Contract,
  definePort,
  type FlagEvaluator,
  Flags,
  type HealthCheck,
  type KeelsonError,
  Lifecycle,
  type Lifetime,
  type Operations,
  type Port,
  type SystemPlace,
  systemClock,
} from '@keelson/kernel'
import {
  CacheStore,
  createInMemoryCacheStore,
  createInMemoryRateLimitStore,
  Deadlines,
  PoliciesConfig,
  type PolicyPlatform,
  RateLimitStore,
  ResultCaches,
} from '@keelson/resilience'
import { createConsoleLog, createMetrics, Log, type Metrics, type Tracer } from '@keelson/telemetry'
import { servicesErrors } from '../errors.ts'
import type { Facade } from '../facade/facade.ts'
import { operationInstruments } from '../facade/operation-instrument.ts'
import { ServiceHost } from '../facade/service-host.ts'
import type { ConfigChanged, Needed, OptionalUse, Resolved, Service, Uses } from '../service/service.ts'
import { ServiceNames } from '../service/service-names.ts'
import { type Factory, hooksOf, startObject } from './plain-object.ts'
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
  /** A number from 0 to below 1: for the waits before retries and restarts, and for chaos. */
  readonly random?: () => number
}

export class Registry {
  readonly #options: Required<RegistryOptions>
  /** What this one is a scope of. */
  #parent: Registry | undefined
  readonly #names = new ServiceNames()
  readonly #hosts = new Map<string, ServiceHost>()
  readonly #served = new ServedContracts()
  /** Objects of one's own, and services that wait for their first call. */
  readonly #objects = new Set<string>()
  readonly #lazy = new Set<string>()
  readonly #uses = new Map<string, Uses>()
  readonly #ports = new Map<string, unknown>()
  readonly #lifetimes = new Map<string, Lifetime>()
  readonly #lifecycle: Lifecycle
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
      random: Math.random,
      policies: PoliciesConfig.parse({}),
      ...options,
    }
    this.#policies = this.#options.policies
    this.#policyPlatform = this.#createPolicyPlatform()
    const { clock, random } = this.#options
    this.#lifecycle = new Lifecycle((name, state, error) => this.#changed(name, state, error), { clock, random })
    if (this.#options.instrumented)
      this.#instruments = operationInstruments(this.#options.metrics, this.#options.clock, this.#options.tracer)
  }

  /** Without an adapter for them, answers are kept and rates counted in this process. */
  #createPolicyPlatform(): PolicyPlatform {
    const { clock, random } = this.#options
    const cache = createInMemoryCacheStore()
    const rateLimits = createInMemoryRateLimitStore(clock)
    // Only adapters of these ports, and `provideValue` with their type, write under their names.
    const port = <T>(name: string) => this.#ports.get(name) as T | undefined
    return {
      clock,
      random,
      deadlines: new Deadlines(clock),
      caches: new ResultCaches(() => port<CacheStore>(CacheStore.name) ?? cache),
      rateLimits: { take: (key, rate) => (port<RateLimitStore>(RateLimitStore.name) ?? rateLimits).take(key, rate) },
      flags: () => port<FlagEvaluator>(Flags.name),
    }
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
    this.#addComponent(name, service.uses, {
      ...lifecycle,
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
      policyPlatform: this.#policyPlatform,
      policies: this.#policies,
      callsOthers: Object.values(service.uses).some((used) =>
        used.kind === 'optional' ? used.needed.kind === 'contract' : used.kind === 'contract',
      ),
      error: () => this.#lifecycle.status(name)?.error,
      missing: () => this.#missing(service.uses),
      initialize: () => this.start([name]),
      cleanup: () => this.#lifecycle.stop(name),
    })
    this.#hosts.set(name, host)
    this.#served.add(host, instance)
  }

  #registerObject(name: string, factory: Factory<object, Uses>, uses: Uses): Port<object> {
    this.#addComponent(name, uses, {
      start: async (lifetime) => {
        this.#lifetimes.set(name, lifetime)
        const { clock } = this.#options
        const given = { ...this.#resolved(uses, name), log: this.log.child({ service: name }), clock, lifetime }
        // `uses` is what the factory's own types were taken from.
        const made = await startObject(() => factory(given as Parameters<typeof factory>[0]), lifetime)
        if (!lifetime.signal.aborted) this.#ports.set(name, made)
      },
    })
    this.#objects.add(name)
    return definePort(name)
  }

  /** Which of several versions is meant shows when all are registered: what it depends on is looked up at the start. */
  #addComponent(name: string, uses: Uses, component: Omit<Component, 'name' | 'dependsOn' | 'optional'>): void {
    const used = Object.values(uses)
    const needed = used.filter((one) => one.kind !== 'optional')
    const optional = used.filter((one) => one.kind === 'optional')
    const nameOf = (one: Needed) => (one.kind === 'contract' ? this.#served.need(one, undefined, name)?.name : one.name)
    const isInherited = this.#isInherited.bind(this)
    const current = (one: OptionalUse) => (this.#isInherited(one.needed) ? undefined : this.#nameOf(one.needed))
    this.#lifecycle.add({
      ...component,
      name,
      get dependsOn() {
        return needed.filter((one) => !isInherited(one)).map((one) => nameOf(one) ?? one.name)
      },
      get optional() {
        return optional.flatMap((one) => current(one) ?? [])
      },
    })
    this.#uses.set(name, uses)
  }

  /** Adds an adapter; it starts when something that uses its port does. */
  provide(adapter: Adapter): void {
    const { system, clock, configuration } = this.#options
    this.#lifecycle.add({
      name: adapter.provides.name,
      dependsOn: [],
      start: async (lifetime) => {
        const provided = await adapter.start({ system, clock, lifetime, config: configuration?.get(adapter.name) })
        if (!lifetime.signal.aborted) this.#ports.set(adapter.provides.name, provided)
      },
    })
  }

  /** Provides a port with something that exists already and that its owner closes. */
  provideValue<T>(port: Port<T>, value: T): void {
    this.#lifecycle.add({ name: port.name, dependsOn: [], start: () => {} })
    this.#ports.set(port.name, value)
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
    return this.#parent && !this.#hosts.has(name) ? this.#parent.resolve(name) : this.host(name).facade
  }

  /** For whoever knows only names, such as REST and the command line. Throws SERVICE_UNKNOWN. */
  host(name: string): ServiceHost {
    const host = this.#hosts.get(name)
    if (host) return host
    if (this.#parent) return this.#parent.host(name)
    throw this.#unknown(name)
  }

  hosts(): Iterable<ServiceHost> {
    return this.#hosts.values()
  }

  /** Services in the order of their registration, then objects of one's own, whose version is empty. */
  list(): RegisteredService[] {
    return [...this.#hosts.keys(), ...this.#objects].map((name) => {
      const status = this.#lifecycle.status(name)
      return {
        name,
        version: this.#hosts.get(name)?.contract.version ?? '',
        state: status?.state ?? 'registered',
        dependsOn: Object.values(this.#uses.get(name) ?? {}).map(
          (used) => this.#nameOf(used.kind === 'optional' ? used.needed : used) ?? used.name,
        ),
        error: status?.error?.message,
      }
    })
  }

  /** The log that services write to: the adapter's once it has started. */
  get log(): Log {
    // Only an adapter of the `log` port writes under that name.
    return (this.#ports.get(Log.name) as Log | undefined) ?? this.#parent?.log ?? this.#options.log
  }

  /**
   * A registry inside this one, for what lives shorter than the system: a request, a session, a tenant. What is registered in it is its own,
   * also under a name that is taken here; everything else it finds here, and what its own need is started here first. `shutdown` closes
   * its own and nothing else; a scope is to be closed before what it is a scope of.
   *
   * @example
   * const session = registry.scope()
   * const Cart = session.register('cart', ({ prices }) => new CartOf(customer, prices), { uses: { prices: Prices } })
   * await session.start()
   * session.resolve(Cart).add('anchor')
   * await session.shutdown()
   */
  scope(): Registry {
    const scope = new Registry(this.#options)
    scope.#parent = this
    return scope
  }

  /**
   * Starts the named services (or ports) and what they depend on; when none are named, all but lazy ones. What runs already stays as it is.
   * Rejects with DEPENDENCY_MISSING, DEPENDENCY_CYCLE or, when any service needs a version that is not served, CONTRACT_VERSION_UNSERVED; or with the first error of a start, after closing what this call had started.
   */
  async start(names?: readonly string[]): Promise<void> {
    await this.#startInherited()
    const eager = [...this.#hosts.keys(), ...this.#objects].filter((name) => !this.#lazy.has(name))
    await this.#lifecycle.start(names ?? eager)
  }

  /** What this one's own need of the registry around it. */
  async #startInherited(): Promise<void> {
    const parent = this.#parent
    if (!parent) return
    const needed = [...this.#uses.values()].flatMap((uses) => Object.values(uses))
    const names = needed.flatMap((used) =>
      used.kind !== 'optional' && this.#isInherited(used) ? (parent.#nameOf(used) ?? used.name) : [],
    )
    if (names.length > 0) await parent.start(names)
  }

  /** Whether something is the business of the registry around this one. */
  #isInherited(needed: Needed): boolean {
    if (!this.#parent) return false
    const name = needed.kind === 'contract' ? this.#served.find(needed)?.name : needed.name
    return name === undefined || this.#lifecycle.status(name) === undefined
  }

  /**
   * Closes everything, each service once what uses it is closed: it refuses new calls at once, those in flight end first. Safe to repeat,
   * and to call during a start.
   */
  shutdown(): Promise<void> {
    return this.#lifecycle.close()
  }

  #changed(name: string, state: ComponentState, error: KeelsonError | undefined): void {
    this.#hosts.get(name)?.changed(state)
    if (state === 'running' && this.#objects.has(name)) this.#ready(name)
    const { isRestarting, failures } = this.#lifecycle.status(name) ?? {}
    // A start that nobody tries again rejects to whoever asked for it.
    if (state === 'failed' && isRestarting) this.log.warn(`"${name}" has failed`, { component: name, failures, error })
    if (state === 'failed' && error && !this.#hosts.has(name)) this.#failUsers(name, error)
  }

  #ready(name: string): void {
    const made = this.#ports.get(name)
    const lifetime = this.#lifetimes.get(name)
    const ready = typeof made === 'object' && made !== null ? hooksOf(made).ready : undefined
    void (async () => ready?.call(made))().catch((error) => lifetime?.failed(error))
  }

  /** What holds a value of a port that failed holds a dead one: it is started again once there is another. */
  #failUsers(port: string, error: KeelsonError): void {
    for (const [name, uses] of this.#uses)
      if (Object.values(uses).some((used) => used.kind === 'port' && used.name === port))
        this.#lifetimes.get(name)?.failed(error)
  }

  #running(name: string): unknown {
    const state = this.#lifecycle.status(name)?.state ?? 'registered'
    if (state !== 'running') throw servicesErrors.SERVICE_NOT_RUNNING({ service: name, state })
    return this.#ports.get(name)
  }

  #resolved(uses: Uses, caller: string): Resolved<Uses> {
    const used = Object.entries(uses).map(([alias, one]) => [
      alias,
      one.kind === 'optional' ? this.#optional(one, caller) : this.#needed(one, caller),
    ])
    return Object.fromEntries(used)
  }

  #needed(needed: Needed, caller: string): unknown {
    if (this.#parent && this.#isInherited(needed)) return this.#parent.#needed(needed, caller)
    return needed.kind === 'contract' ? this.#hostOf(needed).facadeFor(caller) : this.#ports.get(needed.name)
  }

  #optional(use: OptionalUse, caller: string): { readonly current: unknown } {
    const { needed } = use
    if (this.#parent && this.#isInherited(needed)) return this.#parent.#optional(use, caller)
    const current = () => {
      const name = this.#nameOf(needed)
      const isRunning = name !== undefined && this.#lifecycle.status(name)?.state === 'running'
      return isRunning ? this.#needed(needed, caller) : undefined
    }
    return {
      get current() {
        return current()
      },
    }
  }

  /** What a service does without at the moment. */
  #missing(uses: Uses): Record<string, HealthCheck> {
    const checks: Record<string, HealthCheck> = {}
    for (const used of Object.values(uses)) {
      if (used.kind !== 'optional') continue
      if (this.#parent && this.#isInherited(used.needed)) {
        Object.assign(checks, this.#parent.#missing({ used }))
        continue
      }
      const name = this.#nameOf(used.needed)
      const status = name === undefined ? undefined : this.#lifecycle.status(name)
      if (status?.state === 'running' || (!status && used.without === undefined)) continue
      const reason = status ? `is ${status.state}${status.error ? `: ${status.error.message}` : ''}` : 'is missing'
      const subject = name ?? used.name
      checks[subject] = {
        status: 'degraded',
        message: [`${subject} ${reason}`, used.without].filter(Boolean).join('; '),
      }
    }
    return checks
  }

  /** What something is known by here; undefined for a contract that no service serves. */
  #nameOf(needed: Needed): string | undefined {
    return needed.kind === 'contract' ? this.#served.find(needed)?.name : needed.name
  }

  #hostOf(contract: Contract, instance?: string): ServiceHost {
    if (this.#parent && !this.#served.find(contract, instance)) return this.#parent.#hostOf(contract, instance)
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
    this.#lifetimes.set(name, lifetime)
    const implementation = await service.start({
      ...this.#resolved(service.uses, name),
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

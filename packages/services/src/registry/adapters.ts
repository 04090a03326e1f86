/** The adapters of a registry and their runners, as components of its lifecycle. */
import type {
  Adapter,
  AdapterPlatform,
  Clock,
  ComponentState,
  Configuration,
  HealthChecks,
  HealthReport,
  Lifetime,
  SystemPlace,
} from '@keelson/kernel'
import { AdapterHost, type RegisteredAdapter } from './adapter-host.ts'
import type { Components } from './components.ts'
import type { GraphNode } from './graph.ts'

interface Options {
  readonly system: SystemPlace
  readonly clock: Clock
  readonly configuration: Configuration | undefined
}

export class Adapters {
  readonly #components: Components
  readonly #options: Options
  readonly #hosts: AdapterHost[] = []

  constructor(components: Components, options: Options) {
    this.#components = components
    this.#options = options
  }

  /** Throws COMPONENT_DUPLICATE. */
  provide(adapter: Adapter): void {
    const { dependencies, lifecycle } = this.#components
    const host = new AdapterHost({
      adapter,
      clock: this.#options.clock,
      statusOf: lifecycle.status.bind(lifecycle),
      missing: () => Object.assign({}, ...host.components.map((component) => dependencies.missing(component))),
    })
    let provided: unknown
    for (const port of adapter.provides) dependencies.provide(port.name, host.name)
    this.#components.add(host.name, adapter.uses, {
      ...adapter.lifecycle,
      start: async (lifetime) => {
        const platform = this.#platform(adapter, host.name, lifetime, host.checks)
        provided = await adapter.start({ ...dependencies.resolve(adapter.uses, host.name), ...platform })
        if (lifetime.signal.aborted) return
        const values = adapter.valuesOf(provided)
        for (const [at, port] of adapter.provides.entries()) dependencies.setValue(port.name, values[at])
      },
    })
    this.#hosts.push(host)
    this.#addRunner(host, () => provided)
  }

  #addRunner({ name, runner, adapter, runnerChecks }: AdapterHost, provided: () => unknown): void {
    const { dependencies } = this.#components
    const second = adapter.runner
    if (!second || runner === undefined) return
    const start = async (lifetime: Lifetime) => {
      const platform = this.#platform(adapter, runner, lifetime, runnerChecks)
      await second.start({ ...dependencies.resolve(second.uses, runner), ...platform }, provided())
    }
    const component = { ...adapter.lifecycle, follows: name, closesFirst: true, start }
    this.#components.add(runner, second.uses, component, [name])
  }

  /** Called by the lifecycle. */
  changed(component: string, state: ComponentState): void {
    for (const host of this.#hosts) host.changed(component, state)
  }

  /** Components of adapters without ports, which nothing else can ask for. */
  portless(): string[] {
    return this.#hosts.filter(({ adapter }) => adapter.provides.length === 0).map(({ name }) => name)
  }

  list(): RegisteredAdapter[] {
    const { lifecycle, dependencies } = this.#components
    return this.#hosts.map(({ name, runner, adapter, components }) => ({
      name,
      adapter: adapter.name,
      provides: adapter.provides.map((port) => port.name),
      state: lifecycle.status(name)?.state ?? 'registered',
      ...(runner !== undefined && { runner: lifecycle.status(runner)?.state ?? 'registered' }),
      dependsOn: components.flatMap((component) => dependencies.of(component).map((used) => used.name)),
      error: lifecycle.status(name)?.error?.message,
    }))
  }

  nodes(): GraphNode[] {
    return this.#hosts.flatMap(({ name, runner, adapter }): GraphNode[] => [
      { name, kind: 'adapter', provides: adapter.provides.map((port) => port.name) },
      ...(runner === undefined ? [] : [{ name: runner, kind: 'runner' as const }]),
    ])
  }

  /** An adapter that everything can do without is at worst degraded. */
  async health(): Promise<Readonly<Record<string, HealthReport>>> {
    const reports = this.#hosts.map(async (host): Promise<[string, HealthReport][]> => {
      const report = await host.health()
      if (!report) return []
      const isBearable = report.status === 'failed' && !this.#components.dependencies.isRequired(host.name)
      return [[host.name, isBearable ? { ...report, status: 'degraded' } : report]]
    })
    return Object.fromEntries((await Promise.all(reports)).flat())
  }

  #platform({ name }: Adapter, component: string, lifetime: Lifetime, checks: HealthChecks): AdapterPlatform<unknown> {
    this.#components.lifetimes.set(component, lifetime)
    const { system, clock, configuration } = this.#options
    return { system, clock, lifetime, config: configuration?.get(name) ?? {}, health: checks.add.bind(checks) }
  }
}

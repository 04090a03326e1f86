/** One adapter of a registry: the component that holds its ports, the one that is its runner, and its health. */
import {
  type Adapter,
  type Clock,
  type ComponentState,
  type ComponentStatus,
  type HealthCheck,
  HealthChecks,
  type HealthReport,
  worstOf,
} from '@keelson/kernel'

/** One line of `adapters()`. */
export interface RegisteredAdapter {
  /** Its only port, or the adapter's name when it has none or several. */
  readonly name: string
  /** The name of the adapter, and of its section in the configuration. */
  readonly adapter: string
  readonly provides: readonly string[]
  readonly state: ComponentState
  /** Undefined: it has none. */
  readonly runner?: ComponentState
  /** Names of the services and ports that it and its runner use. */
  readonly dependsOn: readonly string[]
  /** Why it failed last; undefined while it runs. */
  readonly error: string | undefined
}

interface Options {
  readonly adapter: Adapter
  readonly clock: Clock
  readonly statusOf: (component: string) => ComponentStatus | undefined
  /** One check for each optional dependency that does not run. */
  readonly missing: () => Readonly<Record<string, HealthCheck>>
}

export class AdapterHost {
  readonly adapter: Adapter
  /** The component that provides its ports. */
  readonly name: string
  /** The component of its runner; undefined when it has none. */
  readonly runner: string | undefined
  readonly checks: HealthChecks
  readonly runnerChecks: HealthChecks
  readonly #options: Options

  constructor(options: Options) {
    const { adapter } = options
    this.#options = options
    this.adapter = adapter
    const [port, ...more] = adapter.provides
    this.name = port && more.length === 0 ? port.name : adapter.name
    this.runner = adapter.runner && `${this.name} runner`
    this.checks = new HealthChecks(options.clock)
    this.runnerChecks = new HealthChecks(options.clock)
  }

  /** Called by the lifecycle, for either component. A new start brings its own checks. */
  changed(component: string, state: ComponentState): void {
    if (state !== 'starting') return
    if (component === this.name) this.checks.clear()
    if (component === this.runner) this.runnerChecks.clear()
  }

  get components(): readonly string[] {
    return this.runner === undefined ? [this.name] : [this.name, this.runner]
  }

  /** The adapter has failed when it does not run; a runner that does not run degrades it. Undefined before it has been started. */
  async health(): Promise<HealthReport | undefined> {
    const { statusOf, missing } = this.#options
    const status = statusOf(this.name)
    if (!status || status.state === 'registered') return undefined
    if (status.state !== 'running') return { status: 'failed', checks: { state: checkOf('failed', 'adapter', status) } }
    const runner = this.runner === undefined ? undefined : statusOf(this.runner)
    const idle = runner && runner.state !== 'running' ? { runner: checkOf('degraded', 'runner', runner) } : {}
    const [own, ofRunner] = await Promise.all([this.checks.read(), this.runnerChecks.read()])
    const more: Record<string, HealthCheck> = { ...missing(), ...idle }
    const all = [own.status, ofRunner.status, ...Object.values(more).map((check) => check.status)]
    return { status: worstOf(all), checks: { ...own.checks, ...ofRunner.checks, ...more } }
  }
}

function checkOf(status: 'failed' | 'degraded', part: string, { state, error }: ComponentStatus): HealthCheck {
  return { status, message: `the ${part} is ${state}${error ? `: ${error.message}` : ''}` }
}

/**
 * A service: a contract plus what implements it. `uses` names contracts and ports; `start` is given a facade or an adapter for each, and
 * returns one function per operation. The types run from contract to implementation and caller with no cast in user code.
 */

import type {
  Backoff,
  Clock,
  ConfigChange,
  Contract,
  HealthCheckOptions,
  HealthProbe,
  Implementation,
  Lifetime,
  Operations,
  Parsed,
  Port,
  Resolved,
  Schema,
  SystemPlace,
  Uses,
} from '@keelson/kernel'
import { callerOf } from '@keelson/kernel'
import type { Log, Metrics } from '@keelson/telemetry'

/** What every service is given beside what it uses. */
export interface ServicePlatform<Config> {
  /** The service's section as it is at the start; it never changes. */
  readonly config: Config
  /** Calls back after each later change of the section, until the service closes. What throws there is logged. */
  readonly onConfigChange: (changed: ConfigChanged<Config>) => void
  /** Carries the service's name. */
  readonly log: Log
  readonly metrics: Metrics
  readonly clock: Clock
  /**
   * Closes what the service opened, in reverse order, also when start fails half-way. Its `signal` aborts when the service is about to be
   * closed; `failed(error)` says that it has failed after its start, so that it is closed and started again.
   */
  readonly lifetime: Lifetime
  /** Adds a check to the service's health. It is run when somebody asks, bounded in time and cached as the options say. */
  readonly health: (name: string, check: HealthProbe, options?: HealthCheckOptions) => void
  /** Forgets the kept answers of all services under these tags. */
  readonly invalidate: (tags: readonly string[]) => Promise<void>
  readonly system: SystemPlace
}

/** Is given the whole section as it is now, validated, and what differs from before; secrets are redacted in `changes` only. */
export type ConfigChanged<Config> = (next: Config, changes: readonly ConfigChange[]) => void | Promise<void>

/** How a service starts, fails and closes. */
export interface ServiceLifecycle {
  /** True: it starts at its first call, or when something that uses it starts. */
  readonly isLazy?: boolean
  /** 30,000 when left out. */
  readonly startTimeoutMs?: number
  /** How long calls in flight may take to end, and then again its close; 10,000 when left out. */
  readonly closeTimeoutMs?: number
  /** Waits from 100 ms, doubled up to 5 s, when left out; false: what has failed stays failed until it is initialized again. */
  readonly restart?: Backoff | false
}

export interface Service<Name extends string = string, Ops extends Operations = Operations> {
  readonly kind: 'service'
  readonly contract: Contract<Name, Ops>
  readonly uses: Uses
  readonly config: Schema | undefined
  readonly lifecycle?: ServiceLifecycle
  /** Starts whenever this port's adapter does. */
  readonly follows?: Port<unknown>
  /** Where it was defined, for errors about it; undefined where that is not known. */
  readonly place?: string | undefined
  /** It only passes calls on: its routes are another process's, and this one does not answer on them. */
  readonly isRemote?: boolean
  /** Where it is remote: whether that process is one of ours, which runs what protects the service itself. */
  readonly isPeer?: boolean
  start(given: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>>
}

type NoConfig = Schema<Record<string, never>>
type Awaitable<T> = T | Promise<T>

/** Adds a readable error to the definition when the implementation has too few or too many operations. */
type Verdict<Made, Ops> = [Exclude<keyof Ops, keyof Made>] extends [never]
  ? [Exclude<keyof Made, keyof Ops>] extends [never]
    ? unknown
    : { start: `'${Exclude<keyof Made, keyof Ops> & string}' is not an operation of the contract` }
  : { start: `the contract's operation '${Exclude<keyof Ops, keyof Made> & string}' is not implemented` }

/**
 * Declares a service; nothing runs until a system starts it. `start` resolves when the service is ready to be called.
 *
 * @example
 * export const greeter = defineService(Greeter, {
 *   start: () => ({ greet: ({ name }) => ({ text: `Hello, ${name}` }) }),
 * })
 */
export function defineService<
  const Name extends string,
  Ops extends Operations,
  Made extends Partial<Implementation<Ops>>,
  U extends Uses = Record<never, never>,
  Config extends Schema = NoConfig,
>(
  contract: Contract<Name, Ops>,
  definition: {
    readonly uses?: U
    readonly config?: Config
    readonly lifecycle?: ServiceLifecycle
    start(given: Resolved<U> & ServicePlatform<Parsed<Config>>): Awaitable<Made>
  } & Verdict<Made, Ops>,
): Service<Name, Ops> {
  return {
    kind: 'service',
    contract,
    uses: definition.uses ?? {},
    config: definition.config,
    lifecycle: definition.lifecycle ?? {},
    place: callerOf(defineService),
    // The system resolves `uses` and validates the configuration with the schema that these types were taken from.
    start: async (given) => definition.start(given as unknown as Resolved<U> & ServicePlatform<Parsed<Config>>),
  }
}

/**
 * An adapter provides one or several ports on one technology. A system names the adapters it wants; one is started only when something
 * that uses one of its ports is started, and closed after it. An adapter may use ports and contracts itself, implement contracts of its own
 * (its administration), and have a runner: a second part that starts after all that it uses and closes before everything else.
 */
import type { Clock } from './clock.ts'
import type { Contract } from './contract/contract.ts'
import type { Implementation } from './contract/facade.ts'
import type { Operations } from './contract/operation.ts'
import type { HealthCheckOptions, HealthProbe } from './health/health-checks.ts'
import type { Lifetime } from './lifecycle/lifetime.ts'
import type { Port } from './port.ts'
import type { Parsed, Schema } from './schema/schema.ts'
import type { Resolved, Uses } from './uses.ts'
import type { Backoff } from './waiting/backoff.ts'

/** @typeParam T the value of its port, or the values of several by name. */
export interface Adapter<T = unknown> {
  readonly kind: 'adapter'
  /** Its section of the configuration. */
  readonly name: string
  readonly provides: readonly Port<unknown>[]
  readonly uses: Uses
  readonly config: Schema | undefined
  readonly lifecycle: AdapterLifecycle
  /** Contracts that it implements itself. */
  readonly contributes: readonly Contribution<T>[]
  readonly runner: AdapterRunner<T> | undefined
  /** Imports its technology only here: an adapter that is listed but not needed costs nothing. */
  start(given: AdapterPlatform<unknown>): Promise<T>
  /** The value of each port of `provides`, in their order, and the way back. */
  valuesOf(provided: T): readonly unknown[]
  providedOf(values: readonly unknown[]): T
}

/** How an adapter and its runner start, fail and close. */
export interface AdapterLifecycle {
  /** 30,000 when left out. */
  readonly startTimeoutMs?: number
  /** 10,000 when left out. */
  readonly closeTimeoutMs?: number
  /** Pauses of up to 100 ms, doubled up to 5 s, when left out; false: an adapter that has failed stays failed. */
  readonly restart?: Backoff | false
}

/** The things an adapter is given when it starts, beside what it uses. */
export interface AdapterPlatform<Config> {
  readonly config: Config
  readonly clock: Clock
  /** Closes what the adapter opened, also when start fails half-way; `failed(error)` has it started again, with all that hold its values. */
  readonly lifetime: Lifetime
  /** Adds a check to the adapter's health. */
  readonly health: (name: string, check: HealthProbe, options?: HealthCheckOptions) => void
  readonly system: SystemPlace
}

/** Where a component runs. */
export interface SystemPlace {
  readonly name: string
  /** The folder that is the system's own; undefined when it keeps nothing on disk, as in tests. */
  readonly dataFolder: string | undefined
}

/** The second part of an adapter, for work that begins by itself: consumers, schedules, workers. */
export interface AdapterRunner<T = unknown> {
  readonly uses: Uses
  start(given: AdapterPlatform<unknown>, provided: T): Promise<unknown>
}

/** A contract that an adapter implements itself, such as its administration. */
export interface Contribution<T = unknown> {
  readonly contract: Contract
  /** @param provided the value, or the values by name, that the adapter provides. */
  implement(provided: T): Readonly<Record<string, unknown>>
}

/** Makes a contribution from a contract and the function that gives its implementation. */
export type Contribute<T> = <Ops extends Operations>(
  contract: Contract<string, Ops>,
  implement: (provided: T) => Implementation<Ops>,
) => Contribution<T>

/** One port, or several by name. */
export type ProvidedPorts = Port<unknown> | Readonly<Record<string, Port<unknown>>>

/** The value of one port, or those of several by name. */
export type Provided<P extends ProvidedPorts> =
  P extends Port<infer T> ? T : { readonly [Name in keyof P]: P[Name] extends Port<infer T> ? T : never }

type NoConfig = Schema<Record<string, never>>
type NoUses = Record<never, never>
type Awaitable<T> = T | Promise<T>

export interface AdapterDefinition<
  P extends ProvidedPorts,
  U extends Uses,
  Config extends Schema,
  RunnerUses extends Uses,
> {
  readonly name: string
  readonly provides: P
  readonly uses?: U
  readonly config?: Config
  readonly lifecycle?: AdapterLifecycle
  start(given: Resolved<U> & AdapterPlatform<Parsed<Config>>): Awaitable<Provided<P>>
  /**
   * Contracts that the adapter implements itself, such as its administration. Each is a service like any other: it has routes, health, a
   * place in the list of services, and is called through its facade. It runs while the adapter does, and a call starts both.
   */
  readonly contributes?: (contribute: Contribute<Provided<P>>) => readonly Contribution<Provided<P>>[]
  readonly runner?: {
    readonly uses?: RunnerUses
    /** Resolves when the runner is at work; what it opens it hands to `lifetime`. `provided` is what the adapter provides. */
    start(
      given: Resolved<RunnerUses> & AdapterPlatform<Parsed<Config>> & { readonly provided: Provided<P> },
    ): Awaitable<unknown>
  }
}

/**
 * Declares an adapter; nothing runs until something uses one of its ports.
 *
 * @example
 * export const pglite = () => defineAdapter({ name: 'pglite', provides: Database, start: ({ system }) => open(system.dataFolder) })
 * @example
 * defineAdapter({
 *   name: 'mail',
 *   provides: { outbox: Outbox, inbox: Inbox },
 *   uses: { database: Database },
 *   start: async ({ database }) => ({ outbox: await openOutbox(database), inbox: await openInbox(database) }),
 *   contributes: (contribute) => [contribute(MailAdministration, ({ outbox }) => ({ waiting: () => outbox.waiting() }))],
 *   runner: { uses: { people: People }, start: ({ provided, people, lifetime }) => lifetime.own(sendFrom(provided.outbox, people)) },
 * })
 */
export function defineAdapter<
  const P extends ProvidedPorts,
  const U extends Uses = NoUses,
  Config extends Schema = NoConfig,
  const RunnerUses extends Uses = NoUses,
>(definition: AdapterDefinition<P, U, Config, RunnerUses>): Adapter<Provided<P>> {
  const { name, provides, uses = {}, config, lifecycle = {}, contributes, runner } = definition
  const names = isPort(provides) ? undefined : Object.keys(provides)
  return {
    kind: 'adapter',
    name,
    provides: isPort(provides) ? [provides] : Object.values<Port<unknown>>(provides),
    uses,
    config,
    lifecycle,
    contributes: contributes?.((contract, implement) => ({ contract, implement })) ?? [],
    // The system resolves `uses` and validates the section with the schema that these types were taken from.
    start: async (given) => definition.start(given as Resolved<U> & AdapterPlatform<Parsed<Config>>),
    valuesOf: (provided) => (names ? names.map((port) => Reflect.get(Object(provided), port)) : [provided]),
    // The values are those of `valuesOf`, in the same order.
    providedOf: (values) =>
      (names ? Object.fromEntries(names.map((port, at) => [port, values[at]])) : values[0]) as Provided<P>,
    runner: runner && {
      uses: runner.uses ?? {},
      start: async (given, provided) => runner.start({ ...given, provided } as Parameters<typeof runner.start>[0]),
    },
  }
}

function isPort(provides: ProvidedPorts): provides is Port<unknown> {
  return provides['kind'] === 'port'
}

/**
 * An adapter provides a port on one technology. A system names the adapters it wants; one is started only when something that uses its
 * port is started, and closed after it.
 */
import type { Clock } from './clock.ts'
import type { Lifetime } from './lifecycle/lifetime.ts'
import type { Port } from './port.ts'
import type { Parsed, Schema } from './schema/schema.ts'

export interface Adapter<T = unknown> {
  readonly kind: 'adapter'
  /** Its section of the configuration. */
  readonly name: string
  readonly provides: Port<T>
  readonly config: Schema | undefined
  /** Imports its technology only here: an adapter that is listed but not needed costs nothing. */
  start(given: AdapterPlatform<unknown>): T | Promise<T>
}

/** What an adapter is given when it starts. */
export interface AdapterPlatform<Config> {
  readonly config: Config
  readonly clock: Clock
  /** Closes what the adapter opened, also when start fails half-way. */
  readonly lifetime: Lifetime
  readonly system: SystemPlace
}

/** Where a component runs. */
export interface SystemPlace {
  readonly name: string
  /** The folder that is the system's own; undefined when it keeps nothing on disk, as in tests. */
  readonly dataFolder: string | undefined
}

type NoConfig = Schema<Record<string, never>>

/**
 * Declares an adapter.
 *
 * @example
 * export const pglite = () => defineAdapter({ name: 'pglite', provides: Database, start: ({ system }) => open(system.dataFolder) })
 */
export function defineAdapter<T, Config extends Schema = NoConfig>(definition: {
  readonly name: string
  readonly provides: Port<T>
  readonly config?: Config
  start(given: AdapterPlatform<Parsed<Config>>): T | Promise<T>
}): Adapter<T> {
  return {
    kind: 'adapter',
    name: definition.name,
    provides: definition.provides,
    config: definition.config,
    // The system validates the adapter's section with its own schema before it starts it.
    start: (given) => definition.start(given as AdapterPlatform<Parsed<Config>>),
  }
}

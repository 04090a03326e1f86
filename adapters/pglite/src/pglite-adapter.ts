/** `pglite()` gives a system its embedded database: in the system's data folder, or in memory when it has none. */
import { type Adapter, Database, defineAdapter } from '@keelson/kernel'
import type { PgliteOptions } from './pglite-database.ts'

/** @param options extensions to load, as `openPgliteDatabase` takes them. */
export function pglite(options: Pick<PgliteOptions, 'extensions'> = {}): Adapter<Database> {
  return defineAdapter({
    name: 'pglite',
    provides: Database,
    start: async ({ system, clock, lifetime }) => {
      // The engine is some megabytes of WebAssembly: it is loaded when something needs the database, not when a system lists it.
      const { openPgliteDatabase } = await import('./pglite-database.ts')
      return lifetime.own(
        await openPgliteDatabase({
          ...options,
          clock,
          ...(system.dataFolder !== undefined && { folder: system.dataFolder }),
        }),
      )
    },
  })
}

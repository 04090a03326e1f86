/**
 * Many logs of one database, opened when they are asked for: one per tenant, so that no reader of one can come upon another's events, and each has
 * positions, a feed and seals of its own.
 */
import type { Database } from '@keelson/kernel'
import { openEventStore, type SqlEventStore, type SqlEventStoreOptions } from './sql-event-store.ts'

export interface EventLogs {
  /** The log of this name, made when there is none; the same store each time. */
  of(log: string): Promise<SqlEventStore>
  /** Names of all logs of the database, in order. */
  list(): Promise<readonly string[]>
  /** Closes all that were opened; safe to repeat. */
  close(): Promise<void>
}

/** @example const store = await logs.of(`tenant-${call.subject}`) */
export function openEventLogs(options: Omit<SqlEventStoreOptions, 'log'> & { readonly database: Database }): EventLogs {
  const opened = new Map<string, Promise<SqlEventStore>>()
  return {
    of: (log) => {
      const known = opened.get(log)
      if (known) return known
      const opening = openEventStore({ ...options, log })
      opened.set(log, opening)
      // A name that was refused, or a database that was away, can be asked for again.
      opening.catch(() => opened.delete(log))
      return opening
    },
    list: async () => {
      const { rows } = await options.database.query<{ name: string }>(
        'select name from keelson_event_logs order by name',
      )
      return rows.map(({ name }) => name)
    },
    close: async () => {
      const stores = await Promise.allSettled(opened.values())
      opened.clear()
      await Promise.all(stores.flatMap((one) => (one.status === 'fulfilled' ? [one.value.close()] : [])))
    },
  }
}

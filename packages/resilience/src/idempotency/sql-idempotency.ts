import { Database, defineAdapter } from '@keelson/kernel'
import { IdempotencyStore } from './idempotency-store.ts'
import { openSqlIdempotencyStore, type SqlIdempotencyStoreOptions } from './sql-idempotency-store.ts'

/**
 * Keeps idempotency keys in the system's database, so that they outlive the process and processes share them.
 *
 * @example
 * defineSystem({ name: 'shop', services: [shop], adapters: [postgres(), sqlIdempotency()] })
 */
export function sqlIdempotency(options: Pick<SqlIdempotencyStoreOptions, 'leaseMs'> = {}) {
  return defineAdapter({
    name: 'idempotency',
    provides: IdempotencyStore,
    uses: { database: Database },
    start: async ({ database, clock, lifetime }) =>
      lifetime.own(await openSqlIdempotencyStore(database, { ...options, clock })),
  })
}

/** `postgres()` gives a system the database of a PostgreSQL server. Where it is comes from configuration, as a secret since it holds the password. */
import { type Adapter, Database, defineAdapter, Secret } from '@keelson/kernel'
import * as z from 'zod'

const PostgresConfig = z.object({
  url: z
    .string()
    .min(1)
    .meta({ ...Secret.meta, description: 'postgres://user:password@host:5432/database' })
    .transform(Secret.of),
  connections: z.int().min(1).default(10).describe('At most, beside the one that listens'),
  statementTimeout: z
    .int()
    .min(0)
    .default(60_000)
    .describe('Milliseconds a statement may run; 0 for as long as it takes'),
})

export function postgres(): Adapter<Database> {
  return defineAdapter({
    name: 'postgres',
    provides: Database,
    config: PostgresConfig,
    start: async ({ config, clock, lifetime }) => {
      // The client is loaded when something needs the database, not when a system lists it.
      const { connectPostgresDatabase } = await import('./postgres-database.ts')
      const { url, connections, statementTimeout } = config
      return lifetime.own(
        await connectPostgresDatabase({ url: url.reveal(), connections, statementTimeoutMs: statementTimeout, clock }),
      )
    },
  })
}

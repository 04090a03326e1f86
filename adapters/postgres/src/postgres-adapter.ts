/** `postgres()` gives a system the database of a PostgreSQL server. Where it is comes from configuration, as a secret since it holds the password. */
import { type Adapter, Database, defineAdapter, Secret } from '@keelson/kernel'
import * as z from 'zod'

const PostgresConfig = z.object({
  url: z
    .string()
    .min(1)
    .meta({ ...Secret.meta, description: 'postgres://user:password@host:5432/database' })
    .transform(Secret.of),
  password: z
    .string()
    .meta({ ...Secret.meta, description: 'In the place of that of the URL' })
    .transform(Secret.of)
    .optional(),
  passwordPath: z
    .string()
    .min(1)
    .optional()
    .describe('A file with the password, read again for each connection that is made'),
  tlsCa: z
    .string()
    .min(1)
    .optional()
    .describe('Certificates (PEM) that are trusted; connections are made with TLS then, and verified'),
  listenUrl: z
    .union([z.literal(false), z.string().min(1).meta(Secret.meta).transform(Secret.of)])
    .optional()
    .describe(
      'Behind a pooler in transaction mode: the server itself, for LISTEN; false when there is none, and who waits polls',
    ),
  replicaUrls: z
    .array(z.string().min(1).meta(Secret.meta).transform(Secret.of))
    .default([])
    .describe('Of servers that follow it, for reads that may be late'),
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
      const { url, replicaUrls, connections, statementTimeout, password, passwordPath, tlsCa, listenUrl } = config
      return lifetime.own(
        await connectPostgresDatabase({
          url: url.reveal(),
          password: passwordPath === undefined ? password?.reveal() : { file: passwordPath },
          tls: tlsCa === undefined ? undefined : { ca: tlsCa },
          listenUrl: typeof listenUrl === 'object' ? listenUrl.reveal() : listenUrl,
          replicaUrls: replicaUrls.map((one) => one.reveal()),
          connections,
          statementTimeoutMs: statementTimeout,
          clock,
        }),
      )
    },
  })
}

export interface PostgresFromEnvironment {
  readonly adapter: Adapter<Database>
  /** For the configuration of the system. */
  readonly config: { readonly postgres: { readonly url: string; readonly replicaUrls?: readonly string[] } }
}

/**
 * The server that `DATABASE_URL` names, with those of `DATABASE_REPLICA_URLS`, separated by commas; undefined without `DATABASE_URL`.
 *
 * @example
 * const server = postgresFrom(process.env)
 * defineSystem({ name: 'shop', services, adapters: [server?.adapter ?? pglite()], config: { ...server?.config } })
 */
export function postgresFrom(
  environment: Readonly<Record<string, string | undefined>>,
): PostgresFromEnvironment | undefined {
  const { DATABASE_URL: url, DATABASE_REPLICA_URLS: replicas = '' } = environment
  if (!url) return undefined
  const replicaUrls = replicas.split(',').flatMap((one) => one.trim() || [])
  return { adapter: postgres(), config: { postgres: { url, ...(replicaUrls.length > 0 && { replicaUrls }) } } }
}

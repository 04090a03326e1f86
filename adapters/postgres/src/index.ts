export { type PostgresFromEnvironment, postgres, postgresFrom } from './postgres-adapter.ts'
export { connectPostgresDatabase, type PostgresOptions } from './postgres-database.ts'
export type { Password, TlsOptions } from './server-address.ts'

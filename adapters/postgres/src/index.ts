export type { Password, TlsOptions } from './login.ts'
export { type PostgresFromEnvironment, postgres, postgresFrom } from './postgres-adapter.ts'
export { connectPostgresDatabase, type PostgresOptions } from './postgres-database.ts'

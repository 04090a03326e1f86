export { postgres } from './postgres-adapter.ts'
export { connectPostgresDatabase, type PostgresOptions } from './postgres-database.ts'

export { pglite } from './pglite-adapter.ts'
export { openPgliteDatabase } from './pglite-database.ts'

export { databaseConformance } from './database/database.conformance.ts'
export { delegatingDatabase } from './database/delegating-database.ts'
export { createFakeClock, type FakeClock } from './fake-clock.ts'

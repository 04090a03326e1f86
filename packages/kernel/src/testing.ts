export { databaseConformance } from './database/database.conformance.ts'
export { createFakeClock, type FakeClock } from './fake-clock.ts'

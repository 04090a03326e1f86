export { type Given, given, type When } from './given-when-then.ts'
export { type ProjectionsCase, projectionsConformance } from './projections/projections.conformance.ts'
export { type EventStoreCase, eventStoreConformance } from './store/event-store.conformance.ts'
export { type SqlEventStoreCase, sqlEventStoreConformance } from './store/sql-event-store.conformance.ts'

export { type Given, given, type When } from './given-when-then.ts'
export { type EventStoreCase, eventStoreConformance } from './store/event-store.conformance.ts'

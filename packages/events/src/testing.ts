export { type EventStoreCase, eventStoreConformance } from './store/event-store.conformance.ts'

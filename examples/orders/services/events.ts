/** The log as a service of its own, for whoever runs the system: `keelson events …`, `keelson projections …` and `keelson processes …`. */
import {
  administerEvents,
  EventsAdministration,
  openEventStore,
  startProcesses,
  startProjections,
} from '@keelson/events'
import { Database } from '@keelson/kernel'
import { defineService } from '@keelson/services'
import { orderList } from './order-list.ts'

export const events = defineService(EventsAdministration, {
  uses: { database: Database },
  async start({ database, lifetime, clock }) {
    const store = lifetime.own(await openEventStore({ database, clock }))
    const projections = lifetime.own(await startProjections({ store, projections: [orderList], clock }))
    // The orders service runs them.
    const processes = lifetime.own(await startProcesses({ store, definitions: [], concurrency: 0, clock }))
    return administerEvents({ store, projections, processes, clock })
  },
})

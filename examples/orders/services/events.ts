/** The log as a service of its own, for whoever runs the system: `keelson events …`, `keelson projections …` and `keelson workflows …`. */
import {
  administerEvents,
  EventsAdministration,
  openEventStore,
  startProjections,
  startWorkflows,
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
    const workflows = lifetime.own(await startWorkflows({ store, definitions: [], concurrency: 0, clock }))
    return administerEvents({ store, projections, workflows, clock })
  },
})

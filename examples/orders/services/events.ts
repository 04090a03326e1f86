/** The log as a service of its own, for whoever runs the system: `keelson events …` and `keelson projections …`. */
import { administerEvents, EventsAdministration, openEventStore, startProjections } from '@keelson/events'
import { Database } from '@keelson/kernel'
import { defineService } from '@keelson/services'
import { orderList } from './order-list.ts'

export const events = defineService(EventsAdministration, {
  uses: { database: Database },
  async start({ database, lifetime, clock }) {
    const store = lifetime.own(await openEventStore({ database, clock }))
    const projections = lifetime.own(await startProjections({ store, projections: [orderList], clock }))
    return administerEvents({ store, projections, clock })
  },
})

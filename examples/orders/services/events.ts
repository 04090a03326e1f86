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
import { paymentTerm } from './payment-term.ts'

export const events = defineService(EventsAdministration, {
  uses: { database: Database },
  async start({ database, lifetime, clock }) {
    const store = lifetime.own(await openEventStore({ database, clock }))
    const projections = lifetime.own(await startProjections({ store, projections: [orderList], clock }))
    // The orders service runs them; here they are looked after, and checked against the code before it is deployed.
    const workflows = lifetime.own(
      await startWorkflows({ store, definitions: [paymentTerm(store)], concurrency: 0, clock }),
    )
    return administerEvents({ store, projections, workflows, clock })
  },
})

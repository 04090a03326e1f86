/** Two services over one database: PGlite in the data folder, or the PostgreSQL that DATABASE_URL names. */
import { pglite } from '@keelson/pglite'
import { postgresFrom } from '@keelson/postgres'
import { defineSystem } from '@keelson/services'
import { events } from './services/events.ts'
import { orders } from './services/orders.ts'

const server = postgresFrom(process.env)

export default defineSystem({
  name: 'orders',
  services: [orders, events],
  adapters: [server?.adapter ?? pglite()],
  config: { ...server?.config },
})

/** Two services over one database: PGlite in the data folder, or the PostgreSQL that DATABASE_URL names. */
import { pglite } from '@keelson/pglite'
import { postgres } from '@keelson/postgres'
import { defineSystem } from '@keelson/services'
import { events } from './services/events.ts'
import { orders } from './services/orders.ts'

const url = process.env['DATABASE_URL']

export default defineSystem({
  name: 'orders',
  services: [orders, events],
  adapters: [url === undefined ? pglite() : postgres()],
  ...(url === undefined ? {} : { config: { postgres: { url } } }),
})

/** The read model: one row per order, filled from the events. */
import { defineProjection } from '@keelson/events'
import { OrderEvents } from './order.ts'

export const orderList = defineProjection({
  name: 'order_list',
  version: 1,
  events: OrderEvents,
  tables: {
    order_list: (table) => [
      `create table ${table} (stream text primary key, customer text not null, owed float8 not null, status text not null)`,
      `create index on ${table} (customer)`,
    ],
  },
  project: ({ type, stream, data }, table) => {
    const rows = table('order_list')
    switch (type) {
      case 'OrderPlaced':
        return {
          sql: `insert into ${rows} values ($1, $2, $3, 'placed')`,
          parameters: [stream, data.customer, data.total],
        }
      case 'OrderPaid':
        return {
          sql: `update ${rows} set owed = owed - $2::float8, status = case when owed <= $2::float8 then 'paid' else status end where stream = $1`,
          parameters: [stream, data.amount],
        }
      case 'OrderCancelled':
        return { sql: `update ${rows} set owed = 0, status = 'cancelled' where stream = $1`, parameters: [stream] }
    }
  },
})

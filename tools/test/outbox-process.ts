/** One process of a system that publishes and consumes, for a test that kills it: `outbox` or `consumer`, with the addresses of its servers. */
import { consumeInto, openEventStore, startOutbox } from '@keelson/events'
import { connectPostgresDatabase } from '@keelson/postgres'
import { connectRedisMessageStreams } from '@keelson/redis'

const [role, postgres = '', redis = ''] = process.argv.slice(2)
const database = await connectPostgresDatabase({ url: postgres })
const streams = connectRedisMessageStreams({ url: redis, timeoutMs: 1_000 })

if (role === 'outbox') {
  const store = await openEventStore({ database })
  startOutbox({ store, streams, topic: ({ type }) => (type === 'Hidden' ? undefined : 'orders'), batch: 20 })
} else {
  await consumeInto({
    ...{ streams, database, topics: ['orders'], group: 'effects', batch: 10, leaseMs: 1_000 },
    retry: { firstMs: 5, mostMs: 50 },
    // Killed by the test now and then: a thousand deaths would not be the fault of a message.
    maxDeliveries: 10_000,
    handle: async (transaction, { id, position }) => {
      await transaction.query('insert into effects (epoch_position, position) values ($1, $2)', [id, position])
      // Time to be killed between the effect and the checkpoint.
      await new Promise((resolve) => setTimeout(resolve, position % 4))
    },
  })
}

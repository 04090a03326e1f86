import { follow, openEventStore } from '@keelson/events'
import { eventStoreConformance } from '@keelson/events/testing'
import type { Database } from '@keelson/kernel'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { connectPostgresDatabase } from '../src/index.ts'
import { isSkipped, PgBouncer } from './pgbouncer.ts'
import { PostgresServer } from './postgres-server.ts'

type Opened = Awaited<ReturnType<typeof connectPostgresDatabase>>

describe.skipIf(isSkipped)('connectPostgresDatabase() behind PgBouncer in transaction mode', () => {
  let server: PostgresServer
  let pooler: PgBouncer
  const opened: Opened[] = []
  let shared: Opened
  const connect = async (listenUrl: string | false, connections = 1) => {
    const database = await connectPostgresDatabase({ url: pooler.url, listenUrl, connections })
    opened.push(database)
    return database
  }
  beforeAll(async () => {
    server = await PostgresServer.start()
    pooler = await PgBouncer.start(server.url)
    shared = await connect(server.url, 4)
  }, 120_000)
  afterAll(async () => {
    await Promise.all(opened.map((database) => database.close()))
    await pooler?.close()
    await server?.close()
  }, 60_000)

  it('runs each statement as it was given, whichever session it meets that others have prepared theirs on', async () => {
    const [reader, remover, first, second, third] = await Promise.all(Array.from({ length: 5 }, () => connect(false)))
    if (!reader || !remover || !first || !second || !third) throw new Error('not connected')
    await reader.query('create table accounts (id text primary key, balance int)')
    await reader.query(`insert into accounts values ('ada', 10), ('bob', 20)`)
    const balance = () => reader.query('select balance from accounts where id = $1', ['ada'])
    // One of the two sessions is held each time, so that the other is met.
    const releaseFirst = await hold(first)
    for (let turn = 0; turn < 8; turn++) await balance()
    const releaseSecond = await hold(second)
    await releaseFirst()
    for (let turn = 0; turn < 8; turn++) await remover.query('delete from accounts where id = $1', ['nobody'])
    await releaseSecond()
    const releaseThird = await hold(third)
    expect((await balance()).rows).toEqual([{ balance: 10 }])
    await releaseThird()
    expect((await third.query('select id from accounts order by id')).rows).toEqual([{ id: 'ada' }, { id: 'bob' }])
  })

  it('hears of what others append on a connection to the server itself, and looks by itself where there is none', async () => {
    const [writer, hearing, polling] = [await connect(false, 4), await connect(server.url, 4), await connect(false, 4)]
    const store = await openEventStore({ database: writer })
    for (const database of [hearing, polling]) {
      const other = await openEventStore({ database })
      const signal = AbortSignal.timeout(20_000)
      const { position } = await store.head()
      const seen = nextOf(follow(other, { after: { position, epoch: 0 }, isLive: true, signal }))
      await store.append('a', [{ type: 'Seen' }])
      expect(await seen).toMatchObject({ position: position + 1 })
      await other.close()
    }
    await store.close()
  }, 60_000)

  test.each(eventStoreConformance)(
    'the event store: $name',
    async ({ run }) => {
      const store = await openEventStore({ database: shared, log: 'pooled' })
      await run(store)
      await store.close()
    },
    60_000,
  )
})

/** Holds one session of the pooler until the function that it gives is called. */
async function hold(database: Database): Promise<() => Promise<void>> {
  const [held, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const done = database.transaction(async (transaction) => {
    await transaction.query('select 1')
    held.resolve()
    await released.promise
  })
  await held.promise
  return async () => {
    released.resolve()
    await done
  }
}

async function nextOf<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item
  return undefined
}

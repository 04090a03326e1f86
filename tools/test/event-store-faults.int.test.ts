/** The event store on a PostgreSQL that crashes, loses connections, is replaced by a standby and restored from a dump. */
import { type Appended, feedStart, follow, openEventStore, type SqlEventStore } from '@keelson/events'
import { isError } from '@keelson/kernel'
import { connectPostgresDatabase } from '@keelson/postgres'
import { afterEach, describe, expect, it } from 'vitest'
import { dumpInto, missingServers, type RealServer, startPostgres, startStandby } from '../real-servers.ts'
import { startCuttingProxy } from './cutting-proxy.ts'

const missing = missingServers().filter((name) => name.startsWith('PostgreSQL'))
const isSkipped = missing.length > 0 && process.env['KEELSON_REQUIRE_SERVERS'] !== '1'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
}, 60_000)

async function startedPostgres(settings: readonly string[] = []): Promise<RealServer> {
  const server = await startPostgres(settings)
  closers.push(() => server.close())
  return server
}

async function openedStore(url: string, log = 'main'): Promise<SqlEventStore> {
  const database = await connectPostgresDatabase({ url, acquireTimeoutMs: 2_000 })
  closers.push(() => database.close())
  const store = await openEventStore({ database, log })
  closers.push(() => store.close())
  return store
}

/** A primary and a standby that follows it, with a store on the one and a connection to the other. */
async function startedPair() {
  const primary = await startedPostgres()
  const store = await openedStore(primary.url)
  const standby = await startStandby(primary)
  closers.push(() => standby.close())
  const standing = await connectPostgresDatabase({ url: standby.url })
  closers.push(() => standing.close())
  return { primary, standby, store, standing }
}

/** Resolves when the standby has everything the primary has written. */
async function caughtUp({ database }: SqlEventStore): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const { rows } = await database.query<{ level: boolean }>(
      'select replay_lsn >= pg_current_wal_lsn() as level from pg_stat_replication',
    )
    if (rows[0]?.level) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('the standby does not catch up')
}

/** Everything in the log, checked to be dense and in order. */
async function wholeLog(store: SqlEventStore) {
  const events = []
  const versions = new Map<string, number>()
  for await (const event of follow(store)) {
    expect(event.position).toBe(events.length + 1)
    expect(event.version).toBe((versions.get(event.stream) ?? 0) + 1)
    versions.set(event.stream, event.version)
    events.push(event)
  }
  for await (const _ of store.verify()) {
    // It throws when something is wrong.
  }
  return events
}

const id = (writer: number, turn: number) =>
  `00000000-0000-4000-8000-${String(writer * 1_000_000 + turn).padStart(12, '0')}`

describe.skipIf(isSkipped)('the event store', { timeout: 180_000 }, () => {
  it('has every append it acknowledged, once and in order, when PostgreSQL crashes under 32 writers again and again', async () => {
    const server = await startedPostgres()
    const store = await openedStore(server.url)
    const acknowledged = new Map<string, Appended>()
    const sent = new Set<string>()
    let isOver = false
    const writers = Array.from({ length: 32 }, async (_, writer) => {
      for (let turn = 0; !isOver; turn++) {
        const eventId = id(writer, turn)
        sent.add(eventId)
        try {
          const events = [{ type: 'Written', id: eventId, data: { writer, turn } }]
          acknowledged.set(eventId, await store.append(`writer-${writer % 20}`, events))
        } catch (error) {
          // What the store could not bring through by itself in some seconds.
          expect(isError(error) && error.code.startsWith('DATABASE_')).toBe(true)
        }
      }
    })
    for (let round = 0; round < 4; round++) {
      await new Promise((resolve) => setTimeout(resolve, 400 + 150 * round))
      await (round % 2 ? server.kill() : server.crash())
      await server.start()
    }
    await new Promise((resolve) => setTimeout(resolve, 500))
    isOver = true
    await Promise.all(writers)
    const events = await wholeLog(store)
    const byId = new Map(events.map((event) => [event.id, event]))
    expect(byId.size).toBe(events.length)
    for (const [eventId, { position, version }] of acknowledged)
      expect(byId.get(eventId)).toMatchObject({ position, version })
    for (const { id: eventId } of events) expect(sent.has(eventId)).toBe(true)
    expect(acknowledged.size).toBeGreaterThan(500)
  })

  it('recognises what it sends again when the connection is cut between the commit and its answer', async () => {
    const server = await startedPostgres()
    const direct = await openedStore(server.url)
    const proxy = await startCuttingProxy(server.url)
    closers.push(() => proxy.close())
    const store = await openedStore(proxy.url)
    await store.append('a', [{ type: 'Before' }])
    const answers: Appended[] = []
    for (let turn = 0; turn < 5; turn++) {
      proxy.cutAnswerTo('keelson_append', 'a-cut')
      answers.push(
        ...(await Promise.all([
          store.append('a-cut', [{ type: 'Cut', data: { turn } }]),
          store.append('b', [{ type: 'Beside' }]),
        ])),
      )
      expect(proxy.cuts).toBe(turn + 1)
    }
    const events = await wholeLog(direct)
    expect(events).toHaveLength(11)
    expect(answers.filter(({ isRepeat }) => isRepeat).length).toBeGreaterThanOrEqual(5)
    expect(answers.map(({ stream, version }) => [stream, version])).toEqual(
      [1, 2, 3, 4, 5].flatMap((version) => [
        ['a-cut', version],
        ['b', version],
      ]),
    )
  })

  it('loses nothing when a synchronous standby takes over, and begins an epoch there', async () => {
    const { primary, standby, store, standing } = await startedPair()
    await standing.query('select 1')
    await store.database.query(`alter system set synchronous_standby_names = 'standby'`)
    await store.database.query('select pg_reload_conf()')
    await store.database.query('select pg_sleep(0.2)')
    const acknowledged: Appended[] = []
    let isOver = false
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      while (!isOver) {
        const appended = await store.append(`writer-${writer}`, [{ type: 'Written' }]).catch(() => undefined)
        if (appended) acknowledged.push(appended)
      }
    })
    await new Promise((resolve) => setTimeout(resolve, 500))
    const before = await store.head()
    await primary.crash()
    isOver = true
    await standing.query('select pg_promote(true, 60)')
    const promoted = await openedStore(standby.url)
    const events = await wholeLog(promoted)
    for (const { stream, version, position } of acknowledged)
      expect(events[position - 1]).toMatchObject({ stream, version })
    expect(acknowledged.length).toBeGreaterThan(20)
    await promoted.append('after', [{ type: 'After' }])
    expect(await promoted.head()).toEqual({ position: events.length + 1, epoch: before.epoch + 1 })
    expect((await promoted.readFeed(before)).events.at(-1)?.type).toBe('After')
    await Promise.all(writers)
  })

  it('refuses positions that an asynchronous standby never had, and goes on from those it has', async () => {
    const { primary, standby, store } = await startedPair()
    await store.append(
      'kept',
      Array.from({ length: 10 }, () => ({ type: 'Kept' })),
    )
    const kept = await store.head()
    await caughtUp(store)
    await standby.crash()
    await store.append(
      'lost',
      Array.from({ length: 5 }, () => ({ type: 'Lost' })),
    )
    const lost = await store.head()
    await primary.crash()
    await standby.start()
    const database = await connectPostgresDatabase({ url: standby.url })
    closers.push(() => database.close())
    await database.query('select pg_promote(true, 60)')
    const promoted = await openedStore(standby.url)
    await expect(promoted.readFeed(lost)).rejects.toMatchObject({ code: 'EVENTS_POSITION_AHEAD' })
    await promoted.append(
      'after',
      Array.from({ length: 9 }, () => ({ type: 'After' })),
    )
    // The log is longer again than it was: the epoch tells what was lost.
    await expect(promoted.readFeed(lost)).rejects.toMatchObject({
      code: 'EVENTS_POSITION_AHEAD',
      details: { lastGood: 10 },
    })
    expect((await promoted.readFeed(kept)).events.map(({ type }) => type)).toEqual(Array(9).fill('After'))
  })

  it('gives readers of a replica every event, in order, while the primary is written to', async () => {
    const { store, standing } = await startedPair()
    const reader = await openEventStore({ database: store.database, replica: standing })
    closers.push(() => reader.close())
    const total = 400
    const writing = Promise.all(
      Array.from({ length: 10 }, async (_, writer) => {
        for (let turn = 0; turn < total / 10; turn++) await store.append(`writer-${writer}`, [{ type: 'Written' }])
      }),
    )
    const positions: number[] = []
    for await (const { position } of follow(reader, { isLive: true, upTo: total, limit: 50 })) positions.push(position)
    await writing
    expect(positions).toEqual(Array.from({ length: total }, (_, at) => at + 1))
  })

  it('goes on in a fresh cluster that it was restored into from a dump', async () => {
    const source = await startedPostgres()
    const target = await startedPostgres()
    const store = await openedStore(source.url)
    await store.append(
      'a',
      Array.from({ length: 20 }, () => ({ type: 'A' })),
    )
    await dumpInto(source, target)
    const restored = await openedStore(target.url)
    expect(await restored.head()).toEqual({ position: 20, epoch: 2 })
    expect((await restored.append('a', [{ type: 'A' }], { expected: 20 })).position).toBe(21)
    expect(await wholeLog(restored)).toHaveLength(21)
    expect((await restored.readFeed({ position: 20, epoch: 1 })).events).toHaveLength(1)
  })

  it('is not held up by a transaction that somebody has open elsewhere in the cluster', async () => {
    const server = await startedPostgres()
    const store = await openedStore(server.url)
    const other = await connectPostgresDatabase({ url: server.url })
    closers.push(() => other.close())
    await other.query('create database elsewhere')
    const elsewhere = await connectPostgresDatabase({ url: server.url.replace(/postgres$/, 'elsewhere') })
    closers.push(() => elsewhere.close())
    await elsewhere.query('create table t (n int)')
    await elsewhere.transaction(async (transaction) => {
      await transaction.query('insert into t values (1)')
      await other.transaction(async (beside) => {
        await beside.query('create table held (n int)')
        for (let turn = 0; turn < 20; turn++) await store.append('a', [{ type: 'A' }])
        expect((await store.readFeed(feedStart)).events).toHaveLength(20)
      })
    })
  })
})

/** What the event store promises beyond its port on a database, as data so that any test runner can run it. Each case has logs of its own. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type Database, isError } from '@keelson/kernel'
import { createMetrics } from '@keelson/telemetry'
import { openEventLogs } from './event-logs.ts'
import { feedStart } from './event-store.ts'
import { openEventStore, type SqlEventStore } from './sql-event-store.ts'
import type { Verification, VerifyOptions } from './verify.ts'

export interface SqlEventStoreCase {
  readonly name: string
  run(database: Database): Promise<void>
}

function on(name: string, run: (store: SqlEventStore) => Promise<void>): SqlEventStoreCase {
  return {
    name,
    run: async (database) => {
      const store = await openEventStore({ database, log: `case-${randomUUID()}` })
      try {
        await run(store)
      } finally {
        await store.close()
      }
    },
  }
}

function numbered(count: number) {
  return Array.from({ length: count }, (_, at) => ({ type: 'Counted', data: { number: at + 1 } }))
}

async function verified(store: SqlEventStore, options?: VerifyOptions): Promise<Verification> {
  let last: Verification | undefined
  for await (const one of store.verify(options)) last = one
  assert.ok(last)
  return last
}

/** Does behind the back of the store what it never does. */
async function tamper(store: SqlEventStore, sql: string, parameters: readonly unknown[]): Promise<void> {
  await store.database.batch([{ sql: `select set_config('keelson.erase', 'on', true)` }, { sql, parameters }])
}

const thisLog = '(select id from keelson_event_logs where name = $1)'

export const sqlEventStoreConformance: readonly SqlEventStoreCase[] = [
  on('events are never changed or deleted by a statement that does not say that it erases', async (store) => {
    await store.append('a', numbered(1))
    for (const sql of [
      `update keelson_events set data = '1'`,
      'delete from keelson_events',
      'truncate keelson_events',
    ]) {
      const error = await store.database.query(sql).catch((reason: unknown) => reason)
      assert.ok(isError(error, 'DATABASE_QUERY_FAILED') && error.details['sqlState'] === '42501', String(error))
    }
    assert.equal((await store.readStream('a')).events.length, 1)
  }),
  on('metrics count what was appended and refused', async ({ database }) => {
    const metrics = createMetrics()
    const store = await openEventStore({ database, log: `case-${randomUUID()}`, metrics })
    await store.append('a', numbered(3))
    await assert.rejects(store.append('a', numbered(1), { expected: 'none' }))
    const samples = (name: string) => {
      const found = metrics.collect().find((metric) => metric.name === name)
      return found?.type === 'histogram'
        ? found.samples.map(({ counts }) => counts.reduce((sum, count) => sum + count, 0))
        : found?.samples.map(({ value }) => value)
    }
    assert.deepEqual(samples('keelson_events_appended_total'), [3])
    assert.deepEqual(samples('keelson_events_append_failures_total'), [1])
    assert.deepEqual(samples('keelson_events_append_seconds'), [2])
    await store.close()
  }),
  on('other stores are told of appends while they wait, and nobody is otherwise', async (store) => {
    const { rows } = await store.database.query<{ id: number }>('select id from keelson_event_logs where name = $1', [
      store.log,
    ])
    const heard: string[] = []
    const stop = await store.database.listen(`keelson_events_${rows[0]?.id}`, (payload) => heard.push(payload))
    const pause = () => new Promise((resolve) => setTimeout(resolve, 300))
    const never = new AbortController()
    const own = store.waitBeyond(0, never.signal)
    await pause()
    await store.append('a', numbered(1))
    await own
    await pause()
    assert.deepEqual(heard, [])
    const other = await openEventStore({ database: store.database, log: store.log })
    const woken = other.waitBeyond(1, never.signal)
    await pause()
    await store.append('a', numbered(1))
    await woken
    assert.deepEqual(heard, ['2'])
    await other.close()
    await stop()
  }),
  on('logs of one database have positions, streams and ids of their own order', async (store) => {
    const other = await openEventStore({ database: store.database, log: `${store.log}-other` })
    const id = randomUUID()
    await store.append('a', [{ type: 'A', id }])
    assert.deepEqual(await other.append('a', numbered(1), { expected: 'none' }), {
      stream: 'a',
      version: 1,
      position: 1,
      isRepeat: false,
    })
    assert.equal((await other.append('b', [{ type: 'B', id }])).isRepeat, false)
    assert.equal((await other.append('b', [{ type: 'B', id }])).isRepeat, true)
    assert.equal((await store.findEvent(id))?.stream, 'a')
    assert.equal((await other.findEvent(id))?.stream, 'b')
    assert.equal((await store.readFeed(feedStart)).events.length, 1)
    await other.close()
  }),
  on('appendWithin() commits and rolls back with the transaction', async (store) => {
    const { database } = store
    const table = `with_events_${randomUUID().replaceAll('-', '')}`
    await database.query(`create table ${table} (n int)`)
    await database.transaction(async (transaction) => {
      await transaction.query(`insert into ${table} values (1)`)
      const [appended] = await store.appendWithin(transaction, [{ stream: 'a', events: numbered(2), expected: 'none' }])
      assert.equal(appended?.version, 2)
      const page = await store.readFeedWithin(transaction, feedStart)
      assert.equal(page.events.length, 2)
    })
    store.announce(2)
    const undone = database.transaction(async (transaction) => {
      await transaction.query(`insert into ${table} values (2)`)
      await store.appendWithin(transaction, [{ stream: 'a', events: numbered(1), expected: 7 }])
    })
    await assert.rejects(undone, (error) => isError(error, 'EVENTS_VERSION_CONFLICT'))
    assert.equal((await database.query(`select n from ${table}`)).rows.length, 1)
    assert.equal((await store.head()).position, 2)
    await database.query(`drop table ${table}`)
  }),
  on('appends of several stores at once, as of several processes, keep positions and versions dense', async (store) => {
    const stores = await Promise.all(
      Array.from({ length: 4 }, () => openEventStore({ database: store.database, log: store.log })),
    )
    await Promise.all(
      stores.flatMap((one, writer) =>
        Array.from({ length: 25 }, async (_, turn) => {
          await one.append('shared', numbered(1))
          await one.append(`own-${writer}`, numbered(1 + (turn % 2)))
        }),
      ),
    )
    const { events, head } = await store.readFeed(feedStart, { limit: 10_000 })
    assert.deepEqual(
      events.map(({ position }) => position),
      Array.from({ length: head }, (_, at) => at + 1),
    )
    assert.equal((await store.readStream('shared')).version, 100)
    await verified(store)
    for (const one of stores) await one.close()
  }),
  on('close() lets what was sent finish, and refuses what comes after', async (store) => {
    const one = await openEventStore({ database: store.database, log: store.log })
    const sent = Array.from({ length: 20 }, () => one.append('a', numbered(1)))
    await one.close()
    await Promise.all(sent)
    await assert.rejects(one.append('a', numbered(1)), (error) => isError(error, 'EVENTS_CLOSED'))
    await one.close()
  }),
  on('verify() proves a log, counts what was erased, and knows a seal again that was kept', async (store) => {
    assert.deepEqual(await verified(store), { verified: 0, total: 0, erased: 0, seal: { position: 0, seal: '' } })
    await store.append('a', numbered(1_200))
    await store.append('b', [{ type: 'Private', data: { name: 'Ada' }, tags: ['person:ada'] }])
    await store.append('c', numbered(1_300))
    const first = await verified(store)
    assert.deepEqual([first.verified, first.total, first.erased, first.seal.position], [2_501, 2_501, 0, 2_000])
    await store.tombstone('b')
    await store.truncate('a', 11)
    await store.archive('c')
    assert.deepEqual(await verified(store, { expected: first.seal }), { ...first, erased: 11 })
    await store.append('d', numbered(1_000))
    assert.equal((await verified(store, { expected: first.seal })).seal.position, 3_000)
  }),
  on('verify() finds data that was changed, and events that were left out or put in another order', async (store) => {
    const damages: [string, RegExp][] = [
      [
        `update keelson_events set data = '{"number":9}' where log = ${thisLog} and position = 5`,
        /seal at 1000 does not fit/,
      ],
      [
        `update keelson_events set type = 'Other' where log = ${thisLog} and position = 999`,
        /seal at 1000 does not fit/,
      ],
      [`update keelson_events set state = 'erased' where log = ${thisLog} and position = 7`, /marked as erased/],
      [`delete from keelson_events where log = ${thisLog} and position = 1500`, /1 events are missing/],
      [
        `update keelson_event_streams set version = 2000 where log = ${thisLog} and name = 'a'`,
        /stream "a" is at version 2000/,
      ],
    ]
    for (const [at, [sql, reason]] of damages.entries()) {
      const one = await openEventStore({ database: store.database, log: `${store.log}-${at}` })
      await one.append('a', numbered(1_600))
      const { seal } = await verified(one)
      await tamper(one, sql, [one.log])
      await assert.rejects(verified(one), (error) => isError(error, 'EVENTS_LOG_DAMAGED') && reason.test(error.message))
      if (at === 0) {
        // Who changes the seals too is found out by one that was kept elsewhere.
        await one.database.query(`delete from keelson_event_seals where log = ${thisLog}`, [one.log])
        await verified(one)
        await assert.rejects(verified(one, { expected: seal }), /is not the one that is expected/)
      }
      await one.close()
    }
  }),
  on(
    'a log that another server goes on with begins an epoch, and refuses positions that the first one lost',
    async (store) => {
      await store.append('a', numbered(10))
      const { position, epoch } = await store.head()
      await store.database.query(`update keelson_event_logs set server = 'another/00000000' where name = $1`, [
        store.log,
      ])
      // What a promoted standby lacked is as if it had never been: here nothing was lost up to 10.
      await store.append('a', numbered(5))
      const after = await store.head()
      assert.deepEqual(after, { position: 15, epoch: epoch + 1 })
      assert.equal((await store.readFeed({ position, epoch })).events.length, 5)
      const lost = store.readFeed({ position: 12, epoch })
      await assert.rejects(lost, (error) => isError(error, 'EVENTS_POSITION_AHEAD') && error.details['lastGood'] === 10)
      assert.equal((await store.readFeed({ position: 12, epoch: epoch + 1 })).events.length, 3)
    },
  ),
  on('openEventLogs() keeps tenants apart and opens each log once', async ({ database, log }) => {
    const logs = openEventLogs({ database })
    const [one, again, two] = await Promise.all([logs.of(`${log}-1`), logs.of(`${log}-1`), logs.of(`${log}-2`)])
    assert.equal(one, again)
    await one.append('a', numbered(2))
    assert.equal((await two.head()).position, 0)
    assert.ok((await logs.list()).includes(`${log}-2`))
    await assert.rejects(logs.of(''), (error) => isError(error, 'EVENTS_APPEND_INVALID'))
    await logs.close()
    await logs.close()
  }),
  on(
    'personal fields are encrypted for the person they are about, and gone when the key is destroyed',
    async ({ database, log }) => {
      const person = `ada-${randomUUID()}`
      const fields = { Registered: { subject: 'customer.id', fields: ['customer.name', 'address'] } }
      const masterKey = Buffer.alloc(32, 7)
      const store = await openEventStore({ database, log: `${log}-personal`, personalData: { fields, masterKey } })
      const registered = (id: string, name: string) => ({
        type: 'Registered',
        id: randomUUID(),
        data: { customer: { id, name, since: 2020 }, address: { city: 'Ulm' }, plan: 'basic' },
      })
      const [ada, bob] = [registered(person, 'Ada'), registered(`bob-${randomUUID()}`, 'Bob')]
      const first = await store.append('a', [ada, bob, { type: 'Unrelated', data: { name: 'Cleo' } }])
      assert.deepEqual(await store.append('a', [ada, bob, { type: 'Unrelated', data: { name: 'Cleo' } }].slice(0, 2)), {
        ...first,
        version: 2,
        position: first.position - 1,
        isRepeat: true,
      })
      const read = async () => (await store.readStream('a')).events.map(({ data }) => data)
      assert.deepEqual(await read(), [ada.data, bob.data, { name: 'Cleo' }])
      assert.deepEqual(
        (await store.readFeed(feedStart)).events.map(({ data }) => data),
        await read(),
      )
      const { rows } = await database.query<{ data: unknown }>('select data from keelson_events where id = $1', [
        ada.id,
      ])
      const stored = JSON.stringify(rows[0]?.data)
      assert.ok(
        !stored.includes('Ada') && !stored.includes('Ulm') && stored.includes(person) && stored.includes('basic'),
        stored,
      )
      await store.writeSnapshot('a', { name: 'a', version: 1 }, { version: 1, state: { name: 'Ada' } })
      assert.equal(await store.shred(person), true)
      assert.equal(await store.shred(person), false)
      assert.deepEqual(await read(), [
        { ...ada.data, customer: { ...ada.data.customer, name: '[erased]' }, address: '[erased]' },
        bob.data,
        { name: 'Cleo' },
      ])
      assert.equal(await store.readSnapshot('a', { name: 'a', version: 1 }), undefined)
      await assert.rejects(store.append('a', [registered(person, 'Ada')]), (error) =>
        isError(error, 'EVENTS_SUBJECT_SHREDDED'),
      )
      await verified(store)
      for (const wrong of [{ fields }, { fields, masterKey: Buffer.alloc(32, 8) }]) {
        const locked = await openEventStore({ database, log: store.log, personalData: wrong })
        await assert.rejects(locked.readStream('a'), (error) => isError(error, 'EVENTS_KEY_LOCKED'))
        await locked.close()
      }
      await store.close()
    },
  ),
]

/** What the event store promises beyond its port on a database, as data so that any test runner can run it. Each case has logs of its own. */
import assert from 'node:assert/strict'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { type Database, isError } from '@keelson/kernel'
import { createMetrics } from '@keelson/telemetry'
import { openEventLogs } from './event-logs.ts'
import { feedStart } from './event-store.ts'
import { personalDataConformance } from './personal-data.conformance.ts'
import { openSeal, Seals, signSeal } from './seals.ts'
import { openEventStore, type SqlEventStore } from './sql-event-store.ts'
import { type Verification, type VerifyOptions, verifyLog } from './verify.ts'

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

async function logOf(store: SqlEventStore): Promise<{ readonly id: number; readonly name: string }> {
  const { rows } = await store.database.query<{ id: number; name: string }>(
    'select id, name from keelson_event_logs where name = $1',
    [store.log],
  )
  assert.ok(rows[0])
  return rows[0]
}

/** Does behind the back of the store what it never does. */
async function tamper(store: SqlEventStore, sql: string, parameters: readonly unknown[]): Promise<void> {
  await store.database.batch([{ sql: `select set_config('keelson.erase', 'on', true)` }, { sql, parameters }])
}

const thisLog = '(select id from keelson_event_logs where name = $1)'

export const sqlEventStoreConformance: readonly SqlEventStoreCase[] = [
  ...personalDataConformance.map(({ name, run }) => on(name, run)),
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
    const empty = await verified(store)
    assert.deepEqual([empty.verified, empty.total, empty.erased, empty.sealedTo], [0, 0, 0, 0])
    await store.append('a', numbered(1_200))
    await store.append('b', [{ type: 'Private', data: { name: 'Ada' }, tags: ['person:ada'] }])
    await store.append('c', numbered(1_300))
    const first = await verified(store)
    assert.deepEqual([first.verified, first.total, first.erased, first.seal.position], [2_501, 2_501, 0, 2_501])
    // Nobody keeps a seal over the last ones but the caller.
    assert.equal((await verified(store)).sealedTo, 2_000)
    await store.tombstone('b')
    await store.truncate('a', 11)
    await store.archive('c')
    const second = await verified(store, { expected: first.seal })
    assert.deepEqual([second.erased, second.sealedTo, second.seal.acts?.count], [11, 2_501, 3])
    assert.equal(second.seal.seal, first.seal.seal)
    await store.append('d', numbered(1_000))
    assert.equal((await verified(store, { expected: second.seal })).seal.position, 3_501)
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
      // A digest in the place of the data that is read.
      [
        `update keelson_events set digest = keelson_event_payload(data, metadata, tags), data = '{"number":9}'
          where log = ${thisLog} and position = 500`,
        /a digest beside its data/,
      ],
      [
        `update keelson_events set recorded_at = recorded_at + interval '1 microsecond' where log = ${thisLog} and position > 900`,
        /seal at 1000 does not fit/,
      ],
      [
        `update keelson_events set tags = '{other}' where log = ${thisLog} and position = 3`,
        /seal at 1000 does not fit/,
      ],
      [`update keelson_events set state = 'archived' where log = ${thisLog} and position = 7`, /was never archived/],
      [
        `update keelson_events set state = 'erased', digest = keelson_event_payload(data, metadata, tags), data = null, metadata = null,
          tags = null where log = ${thisLog} and position = 7`,
        /nobody erased it/,
      ],
      [
        `update keelson_event_streams set state = 'archived' where log = ${thisLog} and name = 'a'`,
        /is archived, and was left open/,
      ],
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
        // One who changes the seals too is found out by one that was kept elsewhere.
        await one.database.query(`delete from keelson_event_seals where log = ${thisLog}`, [one.log])
        await verified(one)
        await assert.rejects(
          verified(one, { expected: seal }),
          /is not the one that is expected|does not fit the events/,
        )
      }
      await one.close()
    }
  }),
  on(
    'verify() finds what one seal kept elsewhere is enough for, however well the rest was made to fit',
    async (store) => {
      const separated = [{ type: '1|Counted' }, { type: 'Counted' }]
      await store.append('b|1', separated)
      await store.append('a', numbered(20))
      await store.archive('b|1')
      const { seal } = await verified(store)
      const log = await logOf(store)
      const undo = async (sql: readonly string[], reason: RegExp) => {
        const spoilt = store.database.transaction(async (transaction) => {
          await transaction.query(`select set_config('keelson.erase', 'on', true)`)
          for (const one of sql) await transaction.query(one, [store.log])
          const seals = new Seals(transaction, log.id, log.name)
          const verification = verifyLog(transaction, { ...log, lostKeys: async () => [] }, seals, { expected: seal })
          for await (const _ of verification);
        })
        await assert.rejects(spoilt, (error) => isError(error, 'EVENTS_LOG_DAMAGED') && reason.test(error.message))
      }
      await undo(
        [
          `delete from keelson_events where log = ${thisLog} and position = 22`,
          `update keelson_event_logs set head = 21 where name = $1`,
          `update keelson_event_streams set version = 19 where log = ${thisLog} and name = 'a'`,
        ],
        /ends at 21, before the expected seal/,
      )
      await undo(
        [
          `update keelson_events set stream = 'b', type = '1|1|Counted' where log = ${thisLog} and position = 1`,
          `update keelson_events set stream = 'b' where log = ${thisLog} and position = 2`,
          `update keelson_event_streams set name = 'b' where log = ${thisLog} and name = 'b|1'`,
          `delete from keelson_event_acts where log = ${thisLog}`,
          `update keelson_event_streams set state = 'open' where log = ${thisLog}`,
        ],
        /there are 0 acts/,
      )
      await undo([`update keelson_event_acts set version = 9 where log = ${thisLog}`], /is not what was done/)
      await undo(
        [`update keelson_event_streams set state = 'open' where log = ${thisLog}`],
        /is open, and was left archived/,
      )
      await verified(store, { expected: seal })
    },
  ),
  on('a seal that is signed and kept outside is opened by the key and the log that it is of', async (store) => {
    await store.append('a', numbered(3))
    const { seal } = await verified(store)
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const signed = signSeal(store.log, seal, privateKey)
    assert.deepEqual(openSeal(store.log, signed, publicKey), seal)
    const other = generateKeyPairSync('ed25519').publicKey
    for (const attempt of [
      () => openSeal(store.log, signed, other),
      () => openSeal('another', signed, publicKey),
      () =>
        openSeal(
          store.log,
          { ...signed, seal: signed.seal.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) },
          publicKey,
        ),
    ])
      assert.throws(attempt, (error) => isError(error, 'EVENTS_SEAL_FORGED'))
  }),
  on(
    'archive(), truncate() and tombstone() are one short statement each, and erase what readers have seen',
    async (store) => {
      await store.append('a', numbered(1_200))
      await store.append('b', numbered(1))
      await store.noteReader('outbox "main"', 1_000)
      const refused = await store.tombstone('a').catch((error: unknown) => error)
      assert.ok(
        isError(refused, 'EVENTS_ERASURE_REFUSED') &&
          /outbox "main" has yet to come to position 1200/.test(refused.message),
      )
      assert.equal(await store.truncate('a', 900), 899)
      await store.noteReader('outbox "main"', 1_200)
      assert.equal(await store.tombstone('a'), 301)
      await store.append('c', numbered(2))
      await store.noteReader('outbox "main"', 1_201)
      assert.equal(await store.tombstone('c', { isForced: true }), 2)
      await verified(store)
    },
  ),
  on('archive() does not touch the events, and says nothing to who reads the archive too', async (store) => {
    await store.append('a', numbered(3))
    await store.archive('a')
    const { rows } = await store.database.query(`select distinct state from keelson_events where log = ${thisLog}`, [
      store.log,
    ])
    assert.deepEqual(rows, [{ state: 'live' }])
    assert.equal((await store.readFeed(feedStart)).events.length, 0)
    assert.equal((await store.readFeed(feedStart, { includeArchived: true })).events.length, 3)
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
]

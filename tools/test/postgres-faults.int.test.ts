/** What the database port and the event store on it answer when PostgreSQL keeps an answer, deadlocks, has no time, connections or room left, or is of a newer program. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  defineEvents,
  defineProjection,
  event,
  feedStart,
  openEventStore,
  openInlineProjections,
} from '@keelson/events'
import { connectPostgresDatabase, type PostgresOptions } from '@keelson/postgres'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { missingServers, type RealServer, startPostgres, startStandby } from '../real-servers.ts'
import { startCuttingProxy } from './cutting-proxy.ts'

const missing = missingServers().filter((name) => name.startsWith('PostgreSQL'))
const isSkipped = missing.length > 0 && process.env['KEELSON_REQUIRE_SERVERS'] !== '1'
const canMount = process.platform === 'linux' && process.getuid?.() === 0
if (!canMount) process.stderr.write('a full disk is tested on Linux as root only: it takes a mount\n')

describe.skipIf(isSkipped)('PostgreSQL in trouble', { timeout: 120_000 }, () => {
  let server: RealServer
  const closers: (() => unknown)[] = []
  beforeAll(async () => {
    server = await startPostgres()
  }, 120_000)
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  }, 60_000)
  afterAll(() => server?.close(), 60_000)

  async function connected(options: Partial<PostgresOptions> = {}) {
    const database = await connectPostgresDatabase({ url: server.url, ...options })
    closers.push(() => database.close())
    return database
  }

  async function openedStore(log: string, options: Partial<PostgresOptions> = {}) {
    const store = await openEventStore({ database: await connected(options), log })
    closers.push(() => store.close())
    return store
  }

  async function startedProxy() {
    const proxy = await startCuttingProxy(server.url)
    closers.push(() => proxy.close())
    return proxy
  }

  it('reads on a replica while it is there, and on the primary otherwise', async () => {
    const standby = await startStandby(server)
    closers.push(() => standby.close())
    const database = await connected({ replicaUrls: [standby.url] })
    const isReplica = async () => {
      const { rows } = (await database.replica?.query<{ is: boolean }>('select pg_is_in_recovery() as is')) ?? {}
      return rows?.[0]?.is
    }
    // A standby that has just started may refuse its first connections, and then rests for a while.
    await vi.waitUntil(isReplica, { timeout: 30_000, interval: 200 })
    await standby.kill()
    expect(await isReplica()).toBe(false)
    expect((await connected()).replica).toBeUndefined()
  })

  it('tells a change that may have been made from one that was not, when the connection is cut', async () => {
    const direct = await connected()
    await direct.query('create table cut (n int)')
    const proxy = await startedProxy()
    const database = await connected({ url: proxy.url })
    const insert = (n: number) => ({ sql: 'insert into cut values ($1)', parameters: [n] })
    const unknown = { code: 'DATABASE_OUTCOME_UNKNOWN', retryable: false }

    proxy.cutAnswerTo('insert into cut')
    await expect(database.query('insert into cut values (1)')).rejects.toMatchObject(unknown)
    proxy.cutAnswerTo('insert into cut')
    await expect(database.batch([insert(2), insert(3)])).rejects.toMatchObject(unknown)
    proxy.cutAnswerTo('commit')
    const cutAtCommit = database.transaction((transaction) => transaction.query('insert into cut values (4)'))
    await expect(cutAtCommit).rejects.toMatchObject(unknown)
    proxy.cutAnswerTo('values (5)')
    const cutBefore = database.transaction((transaction) => transaction.query('insert into cut values (5)'))
    await expect(cutBefore).rejects.toMatchObject({ code: 'DATABASE_CONNECTION_LOST', retryable: true })

    expect(proxy.cuts).toBe(4)
    const { rows } = await database.query<{ n: number }>('select n from cut order by n')
    expect(rows.map(({ n }) => n)).toEqual([1, 2, 3, 4])
  })

  it('has an append and its inline projection once when the answer to their commit was lost', async () => {
    const proxy = await startedProxy()
    const database = await connected({ url: proxy.url })
    const projection = defineProjection({
      name: 'sums',
      version: 1,
      events: defineEvents({ Added: event(z.object({ amount: z.number() })) }),
      tables: { sums: (table) => [`create table ${table} (stream text primary key, total int not null)`] },
      project: ({ stream, data }, table) => ({
        sql: `insert into ${table('sums')} as s values ($1, $2) on conflict (stream) do update set total = s.total + excluded.total`,
        parameters: [stream, data.amount],
      }),
    })
    const store = await openInlineProjections({
      store: await openEventStore({ database, log: 'inline' }),
      projections: [projection],
    })
    closers.push(() => store.close())
    for (let turn = 1; turn <= 5; turn++) {
      proxy.cutAnswerTo('commit')
      const appended = await store.append('a', [{ type: 'Added', data: { amount: turn } }])
      expect(appended).toMatchObject({ version: turn, position: turn, isRepeat: true })
    }
    expect(proxy.cuts).toBe(5)
    expect((await database.query('select * from sums')).rows).toEqual([{ stream: 'a', total: 15 }])
  })

  it('names a deadlock, after which the transaction can be run again', async () => {
    const database = await connected()
    await database.query('create table knot (n int primary key, touched int not null default 0)')
    await database.query('insert into knot values (1), (2)')
    const held = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const touch = (first: number, second: number, own: number) =>
      database.transaction(async (transaction) => {
        await transaction.query('update knot set touched = touched + 1 where n = $1', [first])
        held[own]?.resolve()
        await Promise.all(held.map(({ promise }) => promise))
        await transaction.query('update knot set touched = touched + 1 where n = $1', [second])
      })
    const outcomes = await Promise.allSettled([touch(1, 2, 0), touch(2, 1, 1)])
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
    expect(refused.map(({ reason }) => reason)).toMatchObject([{ code: 'DATABASE_CONTENDED', retryable: true }])
    await touch(1, 2, 0)
    expect((await database.query('select touched from knot')).rows).toEqual([{ touched: 2 }, { touched: 2 }])
  })

  it('takes an array for one of SQL or of JSON as its column is, in all its uses at once', async () => {
    const database = await connected()
    const list = [1, 2, 3]
    const { rows } = await database.query(
      'select $1::int[] as numbers, $2::jsonb as json, $3::text[] as texts, $4::json as empty',
      [list, list, ['a,"b"', null, '{}', ''], []],
    )
    expect(rows).toEqual([{ numbers: list, json: list, texts: ['a,"b"', null, '{}', ''], empty: [] }])
  })

  it('goes on in a transaction after a savepoint that it went back to', async () => {
    const database = await connected()
    await database.query('create table saved (n int primary key)')
    await database.transaction(async (transaction) => {
      await transaction.query('insert into saved values (1)')
      await transaction.query('savepoint before')
      await expect(transaction.query('insert into saved values (1)')).rejects.toMatchObject({
        code: 'DATABASE_QUERY_FAILED',
      })
      await transaction.query('rollback to savepoint before')
      await transaction.query('insert into saved values (2)')
      await transaction.query('release savepoint before')
    })
    expect((await database.query('select n from saved order by n')).rows).toEqual([{ n: 1 }, { n: 2 }])
  })

  it('lets a transaction finish that was open when the database was closed, and takes nothing new', async () => {
    const observer = await connected()
    await observer.query('create table closing (n int)')
    const database = await connected()
    const isOpen = Promise.withResolvers<void>()
    const mayGoOn = Promise.withResolvers<void>()
    const work = database.transaction(async (transaction) => {
      await transaction.query('insert into closing values (1)')
      isOpen.resolve()
      await mayGoOn.promise
      await transaction.query('insert into closing values (2)')
    })
    await isOpen.promise
    const closed = database.close()
    await expect(database.query('select 1')).rejects.toMatchObject({ code: 'DATABASE_CLOSED' })
    mayGoOn.resolve()
    await work
    await closed
    expect((await observer.query('select count(*)::int as count from closing')).rows).toEqual([{ count: 2 }])
  })

  it('refuses an append by name whose statement takes too long, and one that gets no connection', async () => {
    const holder = await openedStore('slow')
    const hasty = await openedStore('slow', { statementTimeoutMs: 100 })
    const poor = await openedStore('poor', { connections: 1, acquireTimeoutMs: 100 })
    await poor.append('a', [{ type: 'Before' }])
    await holder.database.transaction(async (holding) => {
      await holder.lockWithin(holding)
      await poor.database.transaction(async (only) => {
        await only.query('select 1')
        const refusals = await Promise.allSettled([
          hasty.append('a', [{ type: 'Late' }]),
          poor.append('a', [{ type: 'Late' }]),
        ])
        expect(refusals).toMatchObject([
          { reason: { code: 'DATABASE_TIMED_OUT', retryable: true } },
          { reason: { code: 'DATABASE_POOL_EXHAUSTED', retryable: true } },
        ])
      })
    })
    expect(await hasty.append('a', [{ type: 'After' }])).toMatchObject({ version: 1, position: 1 })
    expect(await poor.append('a', [{ type: 'After' }])).toMatchObject({ version: 2, position: 2 })
    expect((await poor.readFeed(feedStart)).events.map(({ type }) => type)).toEqual(['Before', 'After'])
  })

  it('sends an append again that a statement time-out met while somebody held the log for a moment', async () => {
    const holder = await openedStore('held')
    const hasty = await openedStore('held', { statementTimeoutMs: 100 })
    const appended = await holder.database.transaction(async (holding) => {
      await holder.lockWithin(holding)
      const append = hasty.append('a', [{ type: 'Written' }])
      await holding.query('select pg_sleep(0.6)')
      return { append }
    })
    expect(await appended.append).toMatchObject({ version: 1, position: 1, isRepeat: false })
    expect((await holder.readFeed(feedStart)).events).toHaveLength(1)
  })

  it('refuses tables of a newer program by name and leaves them alone', async () => {
    const store = await openedStore('newer')
    await store.append('a', [{ type: 'Written' }])
    const { database } = store
    const change =
      'insert into keelson_migrations (owner, version, name) select owner, 999, name from keelson_migrations'
    await database.query(`${change} where owner = 'events' and version = 1`)
    try {
      await expect(openEventStore({ database, log: 'newer' })).rejects.toMatchObject({
        code: 'DATABASE_NEWER',
        details: { owner: 'events', found: 999 },
      })
      await expect(openEventStore({ database, log: 'never-made' })).rejects.toMatchObject({ code: 'DATABASE_NEWER' })
      // Old code that has the log open goes on beside the new.
      await store.append('a', [{ type: 'Written' }])
    } finally {
      await database.query('delete from keelson_migrations where version = 999')
    }
    const again = await openedStore('newer')
    expect((await again.readStream('a')).version).toBe(2)
    expect((await database.query(`select 1 from keelson_event_logs where name = 'never-made'`)).rows).toEqual([])
  })

  it.skipIf(!canMount)(
    'refuses an append by name when the disk is full, and appends again when it is not',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'keelson-full-'))
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m,uid=65534,gid=65534,mode=700', 'tmpfs', folder])
      const full = await startPostgres()
      closers.push(async () => {
        await full.close()
        execFileSync('umount', [folder])
        rmSync(folder, { recursive: true })
      })
      const database = await connectPostgresDatabase({ url: full.url })
      closers.push(() => database.close())
      const store = await openEventStore({ database })
      closers.push(() => store.close())
      await database.query(`create tablespace small location '${folder}'`)
      await database.query('alter table keelson_events set tablespace small')
      let kept = 0
      const append = (count: number) =>
        store.append(
          'a',
          Array.from({ length: count }, () => ({ type: 'Large', data: { text: 'x'.repeat(1_900) } })),
        )
      const fill = async () => {
        for (; kept < 100_000; kept += 100) await append(100)
      }
      await expect(fill()).rejects.toMatchObject({ code: 'DATABASE_FULL', retryable: true })
      expect(kept).toBeGreaterThan(500)
      expect(await store.head()).toMatchObject({ position: kept })
      expect((await store.readStream('a', { from: kept })).events).toHaveLength(1)
      execFileSync('mount', ['-o', 'remount,size=60m', folder])
      expect(await append(100)).toMatchObject({ version: kept + 100, position: kept + 100 })
      for await (const _ of store.verify()) {
        // It throws when something is wrong.
      }
    },
  )
})

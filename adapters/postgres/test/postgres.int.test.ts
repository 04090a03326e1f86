import { Leases } from '@keelson/kernel'
import { createFakeClock, databaseConformance } from '@keelson/kernel/testing'
import { afterAll, beforeAll, describe, expect, it, test, vi } from 'vitest'
import { connectPostgresDatabase } from '../src/index.ts'
import { isSkipped, PostgresServer } from './postgres-server.ts'

type Opened = Awaited<ReturnType<typeof connectPostgresDatabase>>

describe.skipIf(isSkipped)('connectPostgresDatabase()', () => {
  let server: PostgresServer
  let database: Opened
  beforeAll(async () => {
    server = await PostgresServer.start()
    database = await connectPostgresDatabase({ url: server.url })
  }, 120_000)
  afterAll(async () => {
    await database?.close()
    await server?.close()
  }, 60_000)

  test.each(databaseConformance)('$name', ({ run }) => run(database), 60_000)

  it('takes a lease over from a holder that is paused within a transaction, and undoes what that did', async () => {
    const [paused, other] = await Promise.all([
      Leases.open(database, { owner: 'paused', leaseMs: 200 }),
      Leases.open(database, { owner: 'other', leaseMs: 60_000 }),
    ])
    const lease = await paused.acquire(['work'])
    if (!lease) throw new Error('the lease was not free')
    await database.query('create table protected (value text)')
    const work = database.transaction(async (transaction) => {
      await paused.keep(lease, {}, transaction)
      await transaction.query(`insert into protected values ('by the paused')`)
      expect(await other.acquire(['work'])).toBeUndefined()
      // Until the server has ended the transaction of the silent holder.
      await vi.waitUntil(() => other.acquire(['work']), 10_000)
      await transaction.query(`insert into protected values ('too late')`)
    })
    await expect(work).rejects.toMatchObject({ code: 'DATABASE_CONNECTION_LOST' })
    expect((await database.query('select * from protected')).rows).toEqual([])
    await expect(paused.keep(lease)).rejects.toMatchObject({ code: 'LEASE_LOST' })
    await database.query('drop table protected')
  })

  it('goes by a clock that it is given', async () => {
    const clock = createFakeClock()
    const tested = await connectPostgresDatabase({ url: server.url, clock })
    expect(await tested.now()).toBe(clock.now())
    await clock.advance(86_400_000)
    expect(await tested.now()).toBe(clock.now())
    expect(Math.abs((await database.now()) - Date.now())).toBeLessThan(60_000)
    await tested.close()
  })

  it('refuses a statement that runs for too long, by name, and goes on', async () => {
    const hasty = await connectPostgresDatabase({ url: server.url, statementTimeoutMs: 100 })
    await expect(hasty.query('select pg_sleep(30)')).rejects.toMatchObject({
      code: 'DATABASE_TIMED_OUT',
      retryable: true,
    })
    expect((await hasty.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await hasty.close()
  })

  it('keeps parsed what comes often, and sends it as text again when that leads nowhere', async () => {
    const small = await connectPostgresDatabase({ url: server.url, connections: 1 })
    const kept = async () => {
      const { rows } = await small.query<{ sql: string }>('select statement as sql from pg_prepared_statements')
      return rows.map(({ sql }) => sql)
    }
    await small.query('create table often (n int unique)')
    const all = 'select * from often where n = $1'
    for (let n = 0; n < 8; n++) {
      await small.query('insert into often values ($1)', [n])
      expect((await small.query(all, [n])).rows).toEqual([{ n }])
    }
    expect(await kept()).toEqual(expect.arrayContaining([all]))
    await expect(small.query('insert into often values ($1)', [1])).rejects.toMatchObject({
      code: 'DATABASE_QUERY_FAILED',
      details: { sqlState: '23505' },
    })
    // Its plan gives columns that are no longer all there are.
    await small.query('alter table often add column more text')
    for (let turn = 0; turn < 8; turn++) expect((await small.query(all, [1])).rows).toEqual([{ n: 1, more: null }])
    expect(await kept()).toEqual(expect.arrayContaining([all]))
    // As a pooler does between two that it lets in turn use one session.
    await small.query('deallocate all')
    for (let turn = 0; turn < 8; turn++) expect((await small.query(all, [2])).rows).toEqual([{ n: 2, more: null }])
    expect(await kept()).toEqual([])
    await small.query('drop table often')
    await small.close()
  })

  it('refuses by name what waits too long for one of its connections', async () => {
    const small = await connectPostgresDatabase({ url: server.url, connections: 1, acquireTimeoutMs: 200 })
    await small.transaction(async (transaction) => {
      await transaction.query('select 1')
      await expect(small.query('select 1')).rejects.toMatchObject({ code: 'DATABASE_POOL_EXHAUSTED', retryable: true })
    })
    expect((await small.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await small.close()
  })

  it('rejects by name when nobody answers, or the database is not there', async () => {
    await expect(connectPostgresDatabase({ url: 'postgres://keelson@127.0.0.1:1/postgres' })).rejects.toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      retryable: true,
    })
    const url = server.url.replace(/postgres$/, 'nobody')
    await expect(connectPostgresDatabase({ url })).rejects.toMatchObject({ code: 'DATABASE_ACCESS_REFUSED' })
  })

  it('says that nothing took effect when the server is killed in a transaction, and works again once it is back', async () => {
    await database.query('create table survivors (n int primary key)')
    const heard: string[] = []
    const stop = await database.listen('news', (payload) => heard.push(payload))
    const cut = database.transaction(async (transaction) => {
      await transaction.query('insert into survivors values (1)')
      await server.kill()
      await transaction.query('insert into survivors values (2)')
    })
    await expect(cut).rejects.toMatchObject({ code: 'DATABASE_CONNECTION_LOST', retryable: true })
    await server.start()
    await vi.waitFor(async () => expect((await database.query('select * from survivors')).rows).toEqual([]), 20_000)
    await vi.waitFor(async () => {
      await database.notify('news', 'back')
      expect(heard).toContain('back')
    }, 20_000)
    await stop()
  }, 90_000)
})

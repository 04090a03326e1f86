/** What an import promises on every database, as data so that any test runner can run it. Each case has a table and a log of its own. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type Database, isError } from '@keelson/kernel'
import { openEventStore, type SqlEventStore } from '../store/sql-event-store.ts'
import { filledIn, type ImportOptions, type ImportProgress, importRows, type RowImport } from './import-rows.ts'

export interface ImportRowsCase {
  readonly name: string
  run(database: Database): Promise<void>
}

interface Stage {
  readonly store: SqlEventStore
  readonly rowImport: RowImport
  insert(from: number, to: number): Promise<void>
  /** The last of what it yields; at most `pages` of it. */
  run(options?: ImportOptions, changed?: Partial<RowImport>, pages?: number): Promise<ImportProgress | undefined>
}

function on(name: string, run: (stage: Stage) => Promise<void>): ImportRowsCase {
  return {
    name,
    run: async (database) => {
      const id = randomUUID()
      const table = `customers_${id.replaceAll('-', '')}`
      const store = await openEventStore({ database, log: `case-${id}` })
      await database.query(
        `create table ${table} (id int primary key, "Full Name" text, joined timestamptz, tags text[], notes jsonb)`,
      )
      const rowImport: RowImport = {
        name: 'customers',
        table,
        key: 'id',
        pageSize: 10,
        toEvents: (row) => ({
          stream: filledIn('customer-{id}', row),
          events: [{ type: 'CustomerImported', data: row }],
        }),
      }
      try {
        await run({
          store,
          rowImport,
          insert: async (from, to) => {
            await database.query(
              `insert into ${table} select n, 'Ada ' || n, '2026-01-02T03:04:05Z', array['a', 'b'], '{"vip":true}' from generate_series($1::int, $2::int) n`,
              [from, to],
            )
          },
          run: async (options = {}, changed = {}, pages = Number.POSITIVE_INFINITY) => {
            let last: ImportProgress | undefined
            let count = 0
            for await (const one of importRows(store, { ...rowImport, ...changed }, options)) {
              last = one
              if (++count >= pages) break
            }
            return last
          },
        })
      } finally {
        await store.close()
        await database.query(`drop table ${table}`)
      }
    },
  }
}

export const importRowsConformance: readonly ImportRowsCase[] = [
  on(
    'importRows() makes events of all rows, each in its stream, and nothing again when it is repeated',
    async ({ store, insert, run }) => {
      await insert(1, 25)
      assert.deepEqual(await run(), { total: 25, read: 25, skipped: 0, events: 25, isDryRun: false })
      const [first] = (await store.readStream('customer-1')).events
      assert.deepEqual(first?.data, {
        id: 1,
        'Full Name': 'Ada 1',
        joined: '2026-01-02T03:04:05+00:00',
        tags: ['a', 'b'],
        notes: { vip: true },
      })
      assert.deepEqual(await run(), { total: 25, read: 25, skipped: 0, events: 25, isDryRun: false })
      await insert(26, 30)
      assert.equal((await run())?.events, 30)
      assert.equal((await run({ isFromStart: true }))?.events, 30)
      assert.equal((await store.head()).position, 30)
    },
  ),
  on(
    'importRows() keeps every digit of numbers that JavaScript would round',
    async ({ store, rowImport, insert, run }) => {
      await insert(1, 1)
      await store.database.query(
        `alter table ${rowImport.table} add column big bigint, add column amount numeric(30, 2)`,
      )
      await store.database.query(`update ${rowImport.table} set big = 9007199254740993, amount = 12345678901234567.89`)
      await store.database.query(`insert into ${rowImport.table} (id, big, amount) values (2, 7, 1.50)`)
      await run()
      const read = async (stream: string) => {
        const { big, amount } = Object((await store.readStream(stream)).events[0]?.data)
        return [big, amount]
      }
      assert.deepEqual(await read('customer-1'), ['9007199254740993', '12345678901234567.89'])
      assert.deepEqual(await read('customer-2'), [7, 1.5])
    },
  ),
  on('importRows() goes on where it was interrupted', async ({ store, insert, run }) => {
    await insert(1, 35)
    assert.equal((await run({}, {}, 2))?.read, 20)
    const resumed: number[] = []
    await run(
      {},
      {
        toEvents: (row) => {
          resumed.push(Number(row['id']))
          return { stream: filledIn('customer-{id}', row), events: [{ type: 'CustomerImported', data: row }] }
        },
      },
    )
    // The page that was appended and not noted comes again, and is recognised.
    assert.ok(resumed.length < 35 && resumed.at(-1) === 35, String(resumed))
    assert.equal((await store.head()).position, 35)
  }),
  on('importRows() as a dry run maps every row and appends nothing', async ({ store, insert, run, rowImport }) => {
    await insert(1, 12)
    const toEvents: RowImport['toEvents'] = (row) => (Number(row['id']) % 2 ? undefined : rowImport.toEvents(row))
    assert.deepEqual(await run({ isDryRun: true }, { toEvents }), {
      total: 12,
      read: 12,
      skipped: 6,
      events: 6,
      isDryRun: true,
    })
    assert.equal((await store.head()).position, 0)
    assert.equal((await run({}, { toEvents }))?.events, 6)
  }),
  on(
    'importRows() names the row that cannot be mapped, and keeps what was before it',
    async ({ store, insert, run }) => {
      await insert(1, 25)
      const toEvents: RowImport['toEvents'] = (row) => {
        if (row['id'] === 23) throw new Error('has no country')
        return { stream: 'all', events: [{ type: 'CustomerImported', data: row }] }
      }
      const error = await run({}, { toEvents }).catch((reason: unknown) => reason)
      assert.ok(
        isError(error, 'EVENTS_IMPORT_INVALID') && /the row with the key 23: has no country/.test(error.message),
        String(error),
      )
      const { events } = await store.readStream('all')
      assert.deepEqual(
        events.map(({ data }) => Reflect.get(Object(data), 'id')),
        Array.from({ length: 20 }, (_, at) => at + 1),
      )
      await assert.rejects(
        run({}, { toEvents: (row) => ({ stream: filledIn('x-{country}', row), events: [] }) }),
        /no value in "country"/,
      )
    },
  ),
  on('importRows() says when rows came in behind it', async ({ insert, run }) => {
    await insert(10, 30)
    await run({}, {}, 2)
    await insert(1, 3)
    await assert.rejects(run(), (error) => isError(error, 'EVENTS_IMPORT_INCOMPLETE'))
    assert.equal((await run({ isFromStart: true }))?.events, 24)
  }),
  on('importRows() refuses a table or column that is not there, and never takes a name for SQL', async ({ run }) => {
    for (const wrong of [
      { table: 'nowhere' },
      { key: 'nothing' },
      { table: `x"; drop table y; --` },
      { key: 'id; --' },
    ])
      await assert.rejects(
        run({}, wrong),
        (error) => isError(error, 'EVENTS_IMPORT_INVALID') || isError(error, 'DATABASE_QUERY_FAILED'),
      )
  }),
]

/**
 * What every driver of the `Database` port must pass, as data so that any test runner can run it. The cases may share one database, which
 * should be theirs alone; each makes its own tables and drops them.
 */
import assert from 'node:assert/strict'
import { type DatabaseCase, refused, withTable } from './database-case.ts'
import { leaseConformance } from './lease.conformance.ts'
import { migrateConformance } from './migrate.conformance.ts'
import { notifyConformance } from './notify.conformance.ts'
import { transactionConformance } from './transaction.conformance.ts'

const queryConformance: readonly DatabaseCase[] = [
  {
    name: 'query() gives back every type of value as it was given',
    run: async (database) => {
      for (const [type, value, expected] of roundTrips) {
        const { rows } = await database.query<{ value: unknown }>(`select $1::${type} as value`, [value])
        assert.deepEqual(
          bytesOf(rows[0]?.value),
          bytesOf(expected === undefined ? value : expected),
          `${type} ${String(value)}`,
        )
      }
    },
  },
  {
    name: 'query() stores every type of value and reads it again',
    run: (database) =>
      withTable(database, 'a int8, b bytea, c jsonb, d timestamptz, e text, f float8, g boolean', async (table) => {
        const given = [2n ** 62n, new Uint8Array([0, 255]), { list: [1, null] }, new Date(0), '', 0.1, false]
        await database.query(`insert into ${table} values ($1, $2, $3, $4, $5, $6, $7)`, given)
        await database.query(
          `insert into ${table} values ($1, $2, $3, $4, $5, $6, $7)`,
          given.map(() => null),
        )
        const { rows } = await database.query<Record<string, unknown>>(`select * from ${table} order by a nulls last`)
        assert.deepEqual(
          rows.map((row) => Object.values(row).map(bytesOf)),
          [given, given.map(() => null)],
        )
      }),
  },
  {
    name: 'query() never reads parameters as SQL',
    run: (database) =>
      withTable(database, 'value text', async (table) => {
        for (const value of [`'); drop table ${table}; --`, '$1', '\\', "''", '"', ';', 'null', '{"a":1}', '{1,2}']) {
          await database.query(`insert into ${table} values ($1)`, [value])
          const { rows } = await database.query(`select value from ${table} where value = $1`, [value])
          assert.deepEqual(rows, [{ value }])
        }
      }),
  },
  {
    name: 'query() counts the rows it inserted, updated or deleted',
    run: (database) =>
      withTable(database, 'value int primary key', async (table) => {
        const affected = async (sql: string) => (await database.query(sql)).affected
        assert.equal(await affected(`insert into ${table} values (1), (2), (3)`), 3)
        assert.equal(await affected(`insert into ${table} values (1) on conflict do nothing`), 0)
        assert.equal(await affected(`update ${table} set value = value + 10 where value > 1`), 2)
        assert.equal(await affected(`select * from ${table}`), 0)
        assert.equal(await affected(`delete from ${table} where value > 100`), 0)
        assert.equal(await affected(`delete from ${table} returning value`), 3)
      }),
  },
  {
    name: 'query() returns the rows of a changing statement in their order',
    run: (database) =>
      withTable(database, 'value int', async (table) => {
        const { rows } = await database.query(
          `insert into ${table} values (3), (1), (2) returning value, null as nothing`,
        )
        assert.deepEqual(
          rows,
          [3, 1, 2].map((value) => ({ value, nothing: null })),
        )
      }),
  },
  {
    name: 'query() answers a hundred concurrent calls, each with its own rows',
    run: async (database) => {
      const numbers = Array.from({ length: 100 }, (_, index) => index)
      const answers = await Promise.all(numbers.map((number) => database.query('select $1::int as number', [number])))
      assert.deepEqual(
        answers.flatMap(({ rows }) => rows),
        numbers.map((number) => ({ number })),
      )
    },
  },
  {
    name: "query() rejects with PostgreSQL's sqlState and goes on afterwards",
    run: (database) =>
      withTable(database, 'value int primary key', async (table) => {
        await database.query(`insert into ${table} values (1)`)
        await refused(() => database.query(`insert into ${table} values (1)`), '23505')
        await refused(() => database.query('select * from keelson_conformance_nowhere'), '42P01')
        await refused(() => database.query('selekt'), '42601')
        await refused(() => database.query('select 1 / $1::int', [0]), '22012')
        await refused(() => database.query(`insert into ${table} values (null)`), '23502')
        await refused(() => database.query(`select 1; select 2`), '42601')
        assert.deepEqual((await database.query(`select value from ${table}`)).rows, [{ value: 1 }])
      }),
  },
  {
    name: 'query() never shows parameters in its errors',
    run: (database) =>
      withTable(database, 'value text primary key, number int', async (table) => {
        const secret = 'tr0ub4dor'
        await database.query(`insert into ${table} values ($1)`, [secret])
        for (const [sql, sqlState] of [
          [`insert into ${table} values ($1)`, '23505'],
          ['select $1::int', '22P02'],
          ['select $1::timestamptz', '22007'],
          ['select $1::jsonb', '22P02'],
        ] as const) {
          const error = await refused(() => database.query(sql, [secret]), sqlState)
          const shown = `${error.message} ${JSON.stringify(error.details)} ${error.stack}`
          assert.ok(!shown.includes(secret), `${sqlState}: ${error.message}`)
        }
      }),
  },
  {
    name: 'now() is the time of nowSql, and goes on while a transaction lasts',
    run: async (database) => {
      const before = await database.now()
      const [inside, after] = await database.transaction(async (transaction) => {
        const read = async () => {
          const { rows } = await transaction.query<{ now: Date }>(`select ${database.nowSql} as now, pg_sleep(0.002)`)
          return rows[0]?.now.getTime() ?? 0
        }
        return [await read(), await read()] as const
      })
      assert.ok(before <= inside && inside < after && after <= (await database.now()))
    },
  },
]

export const databaseConformance: readonly DatabaseCase[] = [
  ...queryConformance,
  ...transactionConformance,
  ...notifyConformance,
  ...migrateConformance,
  ...leaseConformance,
]

/** SQL type, value given and, where it differs, value that comes back. */
const roundTrips: readonly (readonly [type: string, given: unknown, expected?: unknown])[] = [
  ['text', ''],
  ['text', ' line\nbreak\ttab \\ \' " '],
  ['text', 'ünïcödé 🚢 e\u0301 \u200d 漢字'],
  ['text', 'x'.repeat(1_000_000)],
  ['text', null],
  ['int2', -32_768],
  ['int4', 2_147_483_647],
  ['int4', null],
  ['int8', 0],
  ['int8', Number.MAX_SAFE_INTEGER],
  ['int8', Number.MIN_SAFE_INTEGER],
  ['int8', 5n, 5],
  ['int8', 2n ** 53n + 1n],
  ['int8', 2n ** 63n - 1n],
  ['int8', -(2n ** 63n)],
  ['float4', 1.5],
  ['float8', 0.1],
  ['float8', Number.MAX_VALUE],
  ['float8', Number.MIN_VALUE],
  ['float8', Number.NaN],
  ['float8', Number.NEGATIVE_INFINITY],
  ['boolean', true],
  ['boolean', false],
  ['boolean', null],
  ['timestamptz', new Date(0)],
  ['timestamptz', new Date('2026-02-28T23:59:59.999Z')],
  ['timestamptz', new Date('1815-12-10T00:00:00.001Z')],
  ['timestamptz', '2026-01-01T02:00:00+02:00', new Date('2026-01-01T00:00:00.000Z')],
  ['timestamptz', null],
  ['bytea', new Uint8Array()],
  ['bytea', Uint8Array.from({ length: 256 }, (_, byte) => byte)],
  ['bytea', new Uint8Array([1, 2, 3, 4]).subarray(1, 3), new Uint8Array([2, 3])],
  ['bytea', Buffer.from('buffer'), new Uint8Array(Buffer.from('buffer'))],
  ['bytea', null],
  ['jsonb', {}],
  ['jsonb', []],
  ['jsonb', [1, 'two', null, [3], { four: 4 }]],
  ['jsonb', ['a', 'b']],
  ['jsonb', [[1, 2], [3]]],
  ['jsonb', { text: 'ünï "quoted" \\ 🚢', nested: { list: [{}], nothing: null, '': true } }],
  ['jsonb', '{"given":"as text"}', { given: 'as text' }],
  ['jsonb', { when: new Date(0) }, { when: '1970-01-01T00:00:00.000Z' }],
  ['jsonb', null],
  ['json', { b: 1, a: 2 }],
]

/** A driver may give any kind of Uint8Array, such as a Buffer. */
function bytesOf(value: unknown): unknown {
  return value instanceof Uint8Array ? new Uint8Array(value) : value
}

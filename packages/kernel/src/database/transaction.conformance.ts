/** Conformance of `batch` and `transaction`: what takes effect, what does not, and what may happen beside it. */
import assert from 'node:assert/strict'
import type { Queryable } from './database.ts'
import { type DatabaseCase, refused, valuesIn, withTable } from './database-case.ts'

export const transactionConformance: readonly DatabaseCase[] = [
  {
    name: 'batch() gives one result per statement, in order',
    run: (database) =>
      withTable(database, 'value int', async (table) => {
        const results = await database.batch([
          { sql: `insert into ${table} values ($1), ($2)`, parameters: [1, 2] },
          { sql: `select value from ${table} where value > $1`, parameters: [1] },
          { sql: `delete from ${table}` },
        ])
        assert.deepEqual(
          results.map(({ affected }) => affected),
          [2, 0, 2],
        )
        assert.deepEqual(results[1]?.rows, [{ value: 2 }])
        assert.deepEqual(await database.batch([]), [])
      }),
  },
  {
    name: 'batch() undoes all its statements when one is refused',
    run: (database) =>
      withTable(database, 'value int primary key', async (table) => {
        const insert = (value: number) => ({ sql: `insert into ${table} values ($1)`, parameters: [value] })
        await refused(() => database.batch([insert(1), insert(2), insert(1), insert(3)]), '23505')
        assert.deepEqual(await valuesIn(database, table), [])
        await database.batch([insert(1)])
        assert.deepEqual(await valuesIn(database, table), [1])
      }),
  },
  {
    name: 'batch() undoes all its statements when the commit is refused',
    run: (database) =>
      withTable(database, 'value int unique deferrable initially deferred', async (table) => {
        const insert = { sql: `insert into ${table} values (1)` }
        await refused(() => database.batch([insert, insert]), '23505')
        assert.deepEqual(await valuesIn(database, table), [])
      }),
  },
  {
    name: 'batch() runs beside others without mixing with them',
    run: (database) =>
      withTable(database, 'value int', async (table) => {
        const add = { sql: `update ${table} set value = value + 1` }
        await database.query(`insert into ${table} values (0)`)
        await Promise.all(Array.from({ length: 20 }, () => database.batch([add, add])))
        assert.deepEqual(await valuesIn(database, table), [40])
      }),
  },
  {
    name: 'transaction() commits when its work resolves, and gives its value',
    run: (database) =>
      withTable(database, 'value int', async (table) => {
        const value = await database.transaction(async (transaction) => {
          await transaction.query(`insert into ${table} values (1)`)
          const { rows } = await transaction.query<{ value: number }>(
            `update ${table} set value = $1 returning value`,
            [7],
          )
          return rows[0]?.value
        })
        assert.equal(value, 7)
        assert.deepEqual(await valuesIn(database, table), [7])
      }),
  },
  {
    name: 'transaction() rolls back when its work rejects, and rejects with that same error',
    run: (database) =>
      withTable(database, 'value int', async (table) => {
        for (const error of [new TypeError('of the work'), 'not an Error', undefined]) {
          const work = async (transaction: Queryable) => {
            await transaction.query(`insert into ${table} values (1)`)
            throw error
          }
          const outcome = await database.transaction(work).then(
            () => assert.fail('it committed'),
            (reason: unknown) => ({ reason }),
          )
          assert.equal(outcome.reason, error)
        }
        assert.deepEqual(await valuesIn(database, table), [])
      }),
  },
  {
    name: 'transaction() rolls back when its commit is refused',
    run: (database) =>
      withTable(database, 'value int unique deferrable initially deferred', async (table) => {
        const work = (transaction: Queryable) => transaction.query(`insert into ${table} values (1), (1)`)
        await refused(() => database.transaction(work), '23505')
        assert.deepEqual(await valuesIn(database, table), [])
      }),
  },
  {
    name: 'transaction() refuses every statement after a refused one, and the database goes on',
    run: (database) =>
      withTable(database, 'value int', async (table) => {
        const work = async (transaction: Queryable) => {
          await transaction.query(`insert into ${table} values (1)`)
          await refused(() => transaction.query('select 1 / 0'), '22012')
          await transaction.query(`insert into ${table} values (2)`)
        }
        await refused(() => database.transaction(work), '25P02')
        await database.query(`insert into ${table} values (3)`)
        assert.deepEqual(await valuesIn(database, table), [3])
      }),
  },
  {
    name: 'transaction() does not commit what a caught error has undone',
    run: (database) =>
      withTable(database, 'value int', async (table) => {
        const work = async (transaction: Queryable) => {
          await transaction.query(`insert into ${table} values (1)`)
          await refused(() => transaction.query('select 1 / 0'), '22012')
        }
        await refused(() => database.transaction(work), '25P02')
        assert.deepEqual(await valuesIn(database, table), [])
      }),
  },
  {
    name: 'transaction() keeps statements of others outside',
    run: (database) =>
      withTable(database, 'value int', async (table) => {
        let beside: Promise<unknown> | undefined
        const work = async (transaction: Queryable) => {
          await transaction.query(`insert into ${table} values (1)`)
          beside = Promise.all([
            database.query(`insert into ${table} values (2)`),
            database.batch([{ sql: `insert into ${table} values (3)` }]),
            database.transaction((other) => other.query(`insert into ${table} values (4)`)),
          ])
          await transaction.query(`insert into ${table} values (5)`)
          throw new Error('rolled back')
        }
        await assert.rejects(database.transaction(work), /rolled back/)
        await beside
        assert.deepEqual(await valuesIn(database, table), [2, 3, 4])
      }),
  },
  {
    name: 'transaction() does not interleave with others on the same rows',
    run: (database) =>
      withTable(database, 'value int', async (table) => {
        await database.query(`insert into ${table} values (0)`)
        const increment = () =>
          database.transaction(async (transaction) => {
            const { rows } = await transaction.query<{ value: number }>(`select value from ${table} for update`)
            await transaction.query(`update ${table} set value = $1`, [(rows[0]?.value ?? 0) + 1])
          })
        await Promise.all(Array.from({ length: 20 }, increment))
        assert.deepEqual(await valuesIn(database, table), [20])
      }),
  },
  {
    name: 'transaction() runs the statements of its work that nobody awaited before it commits',
    run: (database) =>
      withTable(database, 'value int', async (table) => {
        let unawaited: Promise<unknown> | undefined
        await database.transaction(async (transaction) => {
          unawaited = transaction.query(`insert into ${table} values (1)`)
        })
        await unawaited
        assert.deepEqual(await valuesIn(database, table), [1])
      }),
  },
  {
    name: 'transaction() refuses statements after its end',
    run: (database) =>
      withTable(database, 'value int', async (table) => {
        const kept: Queryable[] = []
        await database.transaction(async (transaction) => void kept.push(transaction))
        for (const transaction of kept)
          await refused(() => transaction.query(`insert into ${table} values (1)`), '25P01')
        assert.deepEqual(await valuesIn(database, table), [])
      }),
  },
]

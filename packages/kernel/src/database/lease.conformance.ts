/** Conformance of leases: one holder at a time, taken over when it is silent for too long, and fenced off when it comes back. */
import assert from 'node:assert/strict'
import { isError } from '../keelson-error.ts'
import type { Database } from './database.ts'
import { type DatabaseCase, valuesIn, withTable } from './database-case.ts'
import { isLeaseLost, Leases, type LeaseTable } from './lease.ts'

let names = 0

/** A name that no other case leases, and holders of it. */
async function holders(database: Database) {
  const name = `conformance ${++names}`
  const [one, other] = await Promise.all(
    ['one', 'other'].map((owner) => Leases.open(database, { owner: `${owner} of ${name}`, leaseMs: 60_000 })),
  )
  assert.ok(one && other)
  await database.query('delete from keelson_leases where name = $1', [name])
  return { name, one, other }
}

/** As if a holder had been silent for as long as its lease lasts. */
async function runOut(database: Database, name: string): Promise<void> {
  await database.query(
    `update keelson_leases set leased_until = ${database.nowSql} - interval '1 ms' where name = $1`,
    [name],
  )
}

async function lost(work: () => Promise<unknown>): Promise<void> {
  const error: unknown = await work().then(
    () => assert.fail('the lease was not lost'),
    (reason: unknown) => reason,
  )
  assert.ok(isLeaseLost(error), String(error))
}

/** Rows with leases, as a queue of jobs has them. */
async function withJobs(database: Database, work: (table: LeaseTable) => Promise<void>): Promise<void> {
  const columns =
    'value int primary key, note text, owner text, fence bigint not null default 0, leased_until timestamptz'
  await withTable(database, columns, async (name) => {
    await database.query(`insert into ${name} (value) select generate_series(1, 6)`)
    await work({ name, key: { value: 'int' } })
  })
}

export const leaseConformance: readonly DatabaseCase[] = [
  {
    name: 'Leases: one holder has it until it gives it back, and the fence grows with each',
    run: async (database) => {
      const { name, one, other } = await holders(database)
      const first = await one.acquire([name])
      assert.ok(first && !first.isInherited)
      assert.equal(await other.acquire([name]), undefined)
      await one.keep(first)
      await one.release(first)
      await lost(() => one.keep(first))
      const second = await other.acquire([name])
      assert.ok(second && !second.isInherited && second.fence > first.fence)
      const again = await other.acquire([name])
      assert.ok(again && again.fence > second.fence)
      await lost(() => other.keep(second))
    },
  },
  {
    name: 'Leases: one of many who ask at once gets it',
    run: async (database) => {
      const { name } = await holders(database)
      const asked = Array.from({ length: 8 }, async (_, at) => {
        const leases = await Leases.open(database, { owner: `${at}`, leaseMs: 60_000 })
        return leases.acquire([name])
      })
      assert.equal((await Promise.all(asked)).filter((lease) => lease !== undefined).length, 1)
    },
  },
  {
    name: 'Leases: what has run out is taken over, and its holder can change nothing that the lease protects any more',
    run: (database) =>
      withTable(database, 'value int', async (table) => {
        const { name, one, other } = await holders(database)
        const paused = await one.acquire([name])
        assert.ok(paused)
        await runOut(database, name)
        const taken = await other.acquire([name])
        assert.ok(taken?.isInherited)
        const insert = { sql: `insert into ${table} values (1)` }
        await lost(() => one.keep(paused))
        await lost(() => database.batch([insert, one.keepStatement(paused), insert]))
        await lost(() =>
          database.transaction(async (transaction) => {
            await transaction.query(insert.sql)
            await one.keep(paused, {}, transaction)
          }),
        )
        await one.release(paused)
        await other.keep(taken)
        assert.deepEqual(await one.keepAll([paused]), [])
        assert.deepEqual(await valuesIn(database, table), [])
        await database.batch([insert, other.keepStatement(taken)])
        assert.deepEqual(await valuesIn(database, table), [1])
      }),
  },
  {
    name: 'Leases: what has run out and nobody took goes on',
    run: async (database) => {
      const { name, one, other } = await holders(database)
      const lease = await one.acquire([name])
      assert.ok(lease)
      await runOut(database, name)
      await database.transaction((transaction) => one.keep(lease, {}, transaction))
      assert.equal(await other.acquire([name]), undefined)
    },
  },
  {
    name: 'Leases: rows of a table are taken in their order, by one holder each, and changed with their lease',
    run: (database) =>
      withJobs(database, async (table) => {
        const open = (owner: string) => Leases.open(database, { owner, leaseMs: 60_000, table })
        const [one, other] = [await open('one'), await open('other')]
        const take = (leases: Leases) =>
          leases.acquireSome<{ value: number; note: string }>({
            where: 'leased.value > $2',
            orderBy: 'leased.value',
            limit: 2,
            set: 'note = $1',
            parameters: ['taken', 1],
            returning: 'leased.value, leased.note',
          })
        const [ours, theirs] = [await take(one), await take(other)]
        const values = [...ours, ...theirs].map(({ row }) => row.value)
        assert.deepEqual(values, [2, 3, 4, 5])
        assert.deepEqual(ours[0]?.row, { value: 2, note: 'taken' })
        assert.deepEqual(ours[0]?.key, [2])
        assert.equal(await one.acquire([4]), undefined)
        assert.equal(await one.acquire([7]), undefined)
        const [second, third] = ours
        assert.ok(second && third)
        const kept = await one.keep<{ note: string }>(second, {
          set: 'note = $1',
          parameters: ['done'],
          returning: 'note',
        })
        assert.equal(kept.note, 'done')
        await one.release(third, { set: 'note = $1', parameters: ['later'] })
        assert.deepEqual(await one.keepAll(ours), [second])
        const again = await other.acquire<{ note: string }>([3], { returning: 'leased.note' })
        assert.equal(again?.row.note, 'later')
      }),
  },
  {
    name: 'Leases: a key is a value, whatever is in it',
    run: async (database) => {
      const { one } = await holders(database)
      for (const name of [`'); drop table keelson_leases; --`, '$1', '', '"']) {
        const lease = await one.acquire([name])
        assert.deepEqual(lease?.key, [name])
        await one.release(lease)
      }
      await one
        .acquire(['\0'])
        .then(() => assert.fail('a zero character was taken'))
        .catch((error: unknown) => assert.ok(isError(error, 'DATABASE_QUERY_FAILED'), String(error)))
    },
  },
]

/** Conformance of `migrate()` on a driver: that its transaction and its lock hold what it promises. */
import assert from 'node:assert/strict'
import { isError } from '../keelson-error.ts'
import type { Database } from './database.ts'
import { type DatabaseCase, refused } from './database-case.ts'
import { type Migration, migrate } from './migrate.ts'

export const migrateConformance: readonly DatabaseCase[] = [
  {
    name: 'migrate() runs every migration once, in order',
    run: (database) =>
      asOwner(database, async (owner) => {
        await migrate(database, owner, stepsTo(owner, 2))
        await migrate(database, owner, stepsTo(owner, 2))
        assert.deepEqual(await log(database, owner), [1, 2])
        await migrate(database, owner, stepsTo(owner, 4))
        assert.deepEqual(await log(database, owner), [1, 2, 3, 4])
        assert.deepEqual(await recorded(database, owner), [1, 2, 3, 4])
      }),
  },
  {
    name: 'migrate() runs every migration once when many start together on an empty database',
    run: (database) =>
      asOwner(database, async (owner) => {
        await database.query('drop table if exists keelson_migrations')
        await Promise.all(Array.from({ length: 5 }, () => migrate(database, owner, stepsTo(owner, 3))))
        assert.deepEqual(await log(database, owner), [1, 2, 3])
      }),
  },
  {
    name: 'migrate() moves each owner by itself',
    run: (database) =>
      asOwner(database, (first) =>
        asOwner(database, async (second) => {
          await migrate(database, first, stepsTo(first, 3))
          await migrate(database, second, stepsTo(second, 1))
          assert.deepEqual(await recorded(database, first), [1, 2, 3])
          assert.deepEqual(await recorded(database, second), [1])
        }),
      ),
  },
  {
    name: 'migrate() leaves nothing of a call that fails, and can be repeated',
    run: (database) =>
      asOwner(database, async (owner) => {
        await migrate(database, owner, stepsTo(owner, 1))
        const broken = { version: 3, name: 'broken', statements: [`create table ${owner}_half ()`, 'select 1 / 0'] }
        await refused(() => migrate(database, owner, [...stepsTo(owner, 2), broken]), '22012')
        assert.deepEqual(await log(database, owner), [1])
        assert.deepEqual(await recorded(database, owner), [1])
        await refused(() => database.query(`select * from ${owner}_half`), '42P01')
        await migrate(database, owner, stepsTo(owner, 3))
        assert.deepEqual(await log(database, owner), [1, 2, 3])
      }),
  },
  {
    name: 'migrate() refuses a database that a later version of the program has used',
    run: (database) =>
      asOwner(database, async (owner) => {
        await migrate(database, owner, stepsTo(owner, 3))
        await assert.rejects(migrate(database, owner, stepsTo(owner, 2)), (error) => {
          assert.ok(isError(error, 'DATABASE_NEWER'))
          assert.deepEqual(error.details, { owner, found: 3, known: 2 })
          return true
        })
        assert.deepEqual(await recorded(database, owner), [1, 2, 3])
      }),
  },
]

let owners = 0

/** Runs `work` with an owner that has a log of its own, which its migrations write to. */
async function asOwner(database: Database, work: (owner: string) => Promise<void>): Promise<void> {
  const owner = `keelson_conformance_owner_${++owners}`
  const forget = async () => {
    await database.query(`drop table if exists ${owner}`)
    const { rows } = await database.query(`select 1 where to_regclass('keelson_migrations') is not null`)
    if (rows.length > 0) await database.query('delete from keelson_migrations where owner = $1', [owner])
  }
  await forget()
  await database.query(`create table ${owner} (position serial, version int)`)
  try {
    await work(owner)
  } finally {
    await forget()
  }
}

function stepsTo(owner: string, newest: number): Migration[] {
  return Array.from({ length: newest }, (_, index) => ({
    version: index + 1,
    name: `step ${index + 1}`,
    statements: [
      `create table ${owner}_step (version int)`,
      `insert into ${owner} (version) values (${index + 1})`,
      `drop table ${owner}_step`,
    ],
  }))
}

/** The versions that ran, in the order they did. */
async function log(database: Database, owner: string): Promise<number[]> {
  const { rows } = await database.query<{ version: number }>(`select version from ${owner} order by position`)
  return rows.map(({ version }) => version)
}

async function recorded(database: Database, owner: string): Promise<number[]> {
  const sql = 'select version from keelson_migrations where owner = $1 order by version'
  const { rows } = await database.query<{ version: number }>(sql, [owner])
  return rows.map(({ version }) => version)
}

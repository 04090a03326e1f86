import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Leases } from '@keelson/kernel'
import { createFakeClock, databaseConformance } from '@keelson/kernel/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPgliteDatabase } from '../src/index.ts'

type Opened = Awaited<ReturnType<typeof openPgliteDatabase>>

const folder = mkdtempSync(join(tmpdir(), 'keelson-pglite-'))
const places = [
  ['in memory', {}],
  ['in a folder', { folder }],
] as const

describe.each(places)('openPgliteDatabase() %s', (_, options) => {
  let database: Opened

  beforeAll(async () => {
    database = await openPgliteDatabase(options)
  })
  afterAll(() => database.close())

  test.each(databaseConformance)('$name', ({ run }) => run(database))
})

test('transaction() refuses by name what its work waits for around it, and goes on', async () => {
  const database = await openPgliteDatabase()
  const stuck = database.transaction(async (transaction) => {
    await transaction.query('create table one (n int)')
    await database.query('select 1')
  })
  await expect(stuck).rejects.toMatchObject({ code: 'DATABASE_TRANSACTION_OPEN' })
  expect((await database.query(`select to_regclass('one') is null as undone`)).rows).toEqual([{ undone: true }])
  await database.close()
})

test('openPgliteDatabase() goes by a clock that it is given', async () => {
  const clock = createFakeClock()
  const database = await openPgliteDatabase({ clock })
  expect(await database.now()).toBe(clock.now())
  const [one, other] = await Promise.all(
    ['one', 'other'].map((owner) => Leases.open(database, { owner, leaseMs: 1_000 })),
  )
  await one?.acquire(['work'])
  await clock.advance(999)
  expect(await other?.acquire(['work'])).toBeUndefined()
  await clock.advance(1)
  expect(await other?.acquire(['work'])).toMatchObject({ isInherited: true })
  expect(await database.now()).toBe(clock.now())
  await database.close()
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

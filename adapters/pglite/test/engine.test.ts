import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { afterAll, describe, expect, test } from 'vitest'
import { openPgliteDatabase } from '../src/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'keelson-pglite-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const open = () => openPgliteDatabase({ folder })
const closed = expect.objectContaining({ code: 'DATABASE_CLOSED' })
const refusedAs = (sqlState: string) =>
  expect.objectContaining({ code: 'DATABASE_QUERY_FAILED', details: expect.objectContaining({ sqlState }) })

describe('close()', () => {
  test('lets finish what was sent before, an open transaction included', async () => {
    const database = await open()
    await database.query('create table closing (value int)')
    const begun = Promise.withResolvers<void>()
    const mayEnd = Promise.withResolvers<void>()
    const transaction = database.transaction(async (inside) => {
      await inside.query('insert into closing values (1)')
      begun.resolve()
      await mayEnd.promise
      await inside.query('insert into closing values (2)')
    })
    await begun.promise
    const queued = database.query('insert into closing values (3)')
    const closing = database.close()
    mayEnd.resolve()
    await Promise.all([transaction, queued, closing])
    const again = await open()
    expect((await again.query('select value from closing order by value')).rows).toHaveLength(3)
    await again.close()
  })

  test('is safe to repeat, and everything after it is refused', async () => {
    const database = await open()
    const end = await database.listen('closing', () => {})
    await Promise.all([database.close(), database.close()])
    await database.close()
    await end()
    for (const call of [
      database.query('select 1'),
      database.batch([{ sql: 'select 1' }]),
      database.transaction(async () => {}),
      database.notify('closing', ''),
      database.listen('closing', () => {}),
    ]) {
      await expect(call).rejects.toEqual(closed)
    }
  })
})

describe('a database whose worker thread dies', () => {
  test('refuses what is waiting and what comes later, and lets go of the folder', async () => {
    const started = new Promise<Worker>((resolve) => process.once('worker', resolve))
    const database = await open()
    const worker = await started
    const begun = Promise.withResolvers<void>()
    const died = Promise.withResolvers<void>()
    const transaction = database.transaction(async (inside) => {
      begun.resolve()
      await died.promise
      await inside.query('select 1')
    })
    await begun.promise
    const waiting = Promise.allSettled([database.query('select 1'), database.batch([{ sql: 'select 1' }])])
    await worker.terminate()
    died.resolve()
    expect(await waiting).toEqual([
      { status: 'rejected', reason: closed },
      { status: 'rejected', reason: closed },
    ])
    await expect(transaction).rejects.toEqual(closed)
    await expect(database.query('select 1')).rejects.toEqual(closed)
    await (await open()).close()
  })
})

describe('a statement that would break the boundaries of transactions', () => {
  test('is refused', async () => {
    const database = await open()
    await expect(database.query('begin')).rejects.toEqual(refusedAs('25001'))
    await database.query('create table bounds (value int)')
    await expect(database.batch([{ sql: 'insert into bounds values (1)' }, { sql: 'rollback' }])).rejects.toEqual(
      refusedAs('2D000'),
    )
    const ended = database.transaction(async (inside) => {
      await inside.query('insert into bounds values (2)')
      await inside.query('rollback').catch(() => {})
      await inside.query('insert into bounds values (3)')
    })
    await expect(ended).rejects.toEqual(refusedAs('2D000'))
    expect((await database.query('select * from bounds')).rows).toEqual([])
    await database.close()
  })
})

describe('a value that SQL has no form for', () => {
  test('is refused, and named by its number only', async () => {
    const database = await open()
    const circle: Record<string, unknown> = { secret: 'tr0ub4dor' }
    circle['self'] = circle
    for (const [sql, value, sqlState] of [
      ['select $1::jsonb', circle, '22023'],
      ['select $1::jsonb', { big: 1n }, '22023'],
      ['select $1::text', () => 'tr0ub4dor', '22023'],
      ['select $1::text', Symbol('tr0ub4dor'), '22023'],
      ['select $1::timestamptz', new Date(Number.NaN), '22007'],
      ['select $1::boolean', { secret: 'tr0ub4dor' }, '22023'],
      ['select $1::text', 'zero\0character', '22021'],
      ["select to_date($1, 'YYYY-MM-DD')", 'tr0ub4dor', '22007'],
    ] as const) {
      const error: unknown = await database.query(sql, [value]).catch((reason) => reason)
      expect(error).toEqual(refusedAs(sqlState))
      expect(String(error)).not.toContain('tr0u')
    }
    await expect(database.query('select 1\0')).rejects.toEqual(refusedAs('42601'))
    await expect(database.query('select 1', new Array(65_536).fill(0))).rejects.toEqual(refusedAs('54000'))
    await expect(database.query('select 1')).resolves.toBeDefined()
    await database.close()
  })

  test('does not keep objects from text columns, which get their JSON', async () => {
    const database = await open()
    const { rows } = await database.query('select $1::text as a, $2::int[] as b, $3::jsonb as c', [
      { a: 1 },
      [1, null, 3],
      [{ at: new URL('http://localhost/') }],
    ])
    expect(rows).toEqual([{ a: '{"a":1}', b: [1, null, 3], c: [{ at: 'http://localhost/' }] }])
    await database.close()
  })
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { databaseConformance } from '@keelson/kernel/testing'
import { afterAll, beforeAll, describe, test } from 'vitest'
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

afterAll(() => rmSync(folder, { recursive: true, force: true }))

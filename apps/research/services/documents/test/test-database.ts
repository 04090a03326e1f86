/** One in-memory database for all tests of a file, since opening one takes seconds; each test begins without tables. */
import type { Database } from '@keelson/kernel'
import { openPgliteDatabase } from '@keelson/pglite'
import { afterAll, beforeAll, beforeEach } from 'vitest'

/** Call at the top of a test file; the result is the database of the running test. */
export function databaseForTests(): () => Database {
  let database: Awaited<ReturnType<typeof openPgliteDatabase>> | undefined
  const opened = () => {
    if (!database) throw new Error('the database is open only while tests run')
    return database
  }
  beforeAll(async () => {
    database = await openPgliteDatabase()
  })
  beforeEach(() => clearDatabase(opened()))
  afterAll(() => database?.close())
  return opened
}

/** Makes it a database that was never used, with another epoch at the next opening. */
export async function clearDatabase(database: Database): Promise<void> {
  await database.batch(
    [
      'documents_vectors',
      'documents_chunks',
      'documents',
      'documents_folders',
      'documents_changes',
      'keelson_migrations',
    ].map((table) => ({
      sql: `drop table if exists ${table}`,
    })),
  )
}

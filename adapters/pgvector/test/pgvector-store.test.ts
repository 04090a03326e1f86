import { vectorStoreConformance } from '@keelson/infrastructure/testing'
import { openPgliteDatabase } from '@keelson/pglite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPgvectorStore } from '../src/pgvector-store.ts'

let database: Awaited<ReturnType<typeof openPgliteDatabase>>
beforeAll(async () => {
  database = await openPgliteDatabase({ extensions: { vector: '@electric-sql/pglite-pgvector' } })
})
afterAll(() => database?.close())

describe('createPgvectorStore() as a VectorStore', () => {
  for (const { name, run } of vectorStoreConformance)
    test(name, async () => {
      await run(await createPgvectorStore(database))
    })
})

test('createPgvectorStore() names the missing extension', async () => {
  const bare = await openPgliteDatabase()
  try {
    await expect(createPgvectorStore(bare)).rejects.toMatchObject({ code: 'DATABASE_QUERY_FAILED' })
  } finally {
    await bare.close()
  }
})

test('openPgliteDatabase() says that an extension is not there', async () => {
  await expect(openPgliteDatabase({ extensions: { vector: '@nobody/has-this' } })).rejects.toMatchObject({
    code: 'DATABASE_CLOSED',
    message: expect.stringContaining('@nobody/has-this'),
  })
})

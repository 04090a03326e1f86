import { openEventStore, type SqlEventStore } from '@keelson/events'
import {
  eventStoreConformance,
  importRowsConformance,
  projectionsConformance,
  sqlEventStoreConformance,
  workflowFaultsConformance,
  workflowsConformance,
} from '@keelson/events/testing'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { openPgliteDatabase } from '../src/index.ts'

describe('openEventStore() on PGlite', () => {
  let database: Awaited<ReturnType<typeof openPgliteDatabase>>
  let store: SqlEventStore
  beforeAll(async () => {
    database = await openPgliteDatabase()
    store = await openEventStore({ database })
  })
  afterAll(async () => {
    await store?.close()
    await database?.close()
  })

  test.each(eventStoreConformance)('$name', ({ run }) => run(store))

  test.each(projectionsConformance)('projections: $name', ({ run }) => run(database))

  test.each(sqlEventStoreConformance)('$name', ({ run }) => run(database))

  test.each(importRowsConformance)('$name', ({ run }) => run(database))

  test.each([...workflowsConformance, ...workflowFaultsConformance])('workflows: $name', ({ run }) => run(database))
})

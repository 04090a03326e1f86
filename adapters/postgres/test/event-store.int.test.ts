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
import { connectPostgresDatabase } from '../src/index.ts'
import { isSkipped, PostgresServer } from './postgres-server.ts'

describe.skipIf(isSkipped)('openEventStore() on PostgreSQL', () => {
  let server: PostgresServer
  let database: Awaited<ReturnType<typeof connectPostgresDatabase>>
  let store: SqlEventStore
  beforeAll(async () => {
    server = await PostgresServer.start()
    database = await connectPostgresDatabase({ url: server.url })
    store = await openEventStore({ database })
  }, 120_000)
  afterAll(async () => {
    await store?.close()
    await database?.close()
    await server?.close()
  }, 60_000)

  test.each(eventStoreConformance)('$name', ({ run }) => run(store), 60_000)

  test.each(projectionsConformance)('projections: $name', ({ run }) => run(database), 60_000)

  test.each(sqlEventStoreConformance)('$name', ({ run }) => run(database), 60_000)

  test.each(importRowsConformance)('$name', ({ run }) => run(database), 60_000)

  test.each([...workflowsConformance, ...workflowFaultsConformance])(
    'workflows: $name',
    ({ run }) => run(database),
    60_000,
  )
})

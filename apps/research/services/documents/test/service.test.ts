import { join } from 'node:path'
import { Database, defineAdapter } from '@keelson/kernel'
import { delegatingDatabase } from '@keelson/kernel/testing'
import { startForTest } from '@keelson/services/testing'
import { expect, test } from 'vitest'
import { Documents, type Indexing, type Overview } from '../src/contract.ts'
import { documents } from '../src/service.ts'
import { temporaryFolder, writeFiles } from './temporary-folder.ts'
import { databaseForTests } from './test-database.ts'

const database = databaseForTests()

/** The service as a system runs it, on the database of the test. */
function startDocuments(config: Readonly<Record<string, unknown>> = {}) {
  const adapter = defineAdapter({ name: 'database', provides: Database, start: () => delegatingDatabase(database()) })
  return startForTest({ services: [documents], adapters: [adapter], config: { documents: config } })
}

async function last<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  let newest: T | undefined
  for await (const item of items) newest = item
  return newest
}

test('documents indexes its folder from the start and answers every operation', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, {
    'guides/keel.md': '# Keels\n\nA keel is the lowest beam of a hull.',
    'mast.txt': 'a mast stands on the keel',
  })
  await using system = await startDocuments({ folder })
  const service = system.get(Documents)
  expect(await last<Indexing>(service.indexing({ id: 'latest' }))).toMatchObject({ folder, state: 'done', indexed: 2 })

  const { hits, total, tookMs } = await service.search({ query: 'keel', path: 'guides/**', type: 'markdown' })
  expect(total).toBe(1)
  expect(tookMs).toBeGreaterThanOrEqual(0)
  expect(hits).toMatchObject([
    { path: 'guides/keel.md', title: 'Keels', text: '# Keels\n\nA keel is the lowest beam of a hull.' },
  ])
  expect(hits[0]?.chunkId).toBe(`${hits[0]?.documentId}-0`)
  expect((await service.search({ query: 'keel', limit: 1, offset: 1 })).hits).toHaveLength(1)
  expect(await service.search({ query: '?!' })).toMatchObject({ hits: [], total: 0 })
  await expect(service.search({ query: 'keel', path: '[[[' })).rejects.toMatchObject({ code: 'SEARCH_QUERY_INVALID' })

  const uploaded = await service.upload({ path: 'notes/anchor.md', content: '# Anchors\n\nAn anchor holds.' })
  expect(uploaded).toMatchObject({ folder: '', path: 'notes/anchor.md', title: 'Anchors', chunks: 1 })
  expect(await service.get({ id: uploaded.id })).toMatchObject({
    text: '# Anchors\n\nAn anchor holds.',
    passages: [{ start: 0 }],
  })
  expect((await service.list({})).documents.map((document) => document.path)).toEqual([
    'notes/anchor.md',
    'guides/keel.md',
    'mast.txt',
  ])
  await service.upload({ path: 'notes/anchor.md', content: 'replaced' })
  expect((await service.search({ query: 'holds' })).total).toBe(0)
  await service.remove({ id: uploaded.id })
  expect((await service.list({})).total).toBe(2)
  await expect(service.remove({ id: uploaded.id })).rejects.toMatchObject({ code: 'DOCUMENTS_NOT_FOUND' })

  const run = await service.index({ folder: join(folder, 'guides') })
  expect(await last<Indexing>(service.indexing({ id: run.id }))).toMatchObject({ state: 'done', indexed: 1 })
  await expect(last(service.indexing({ id: 'unknown' }))).rejects.toMatchObject({ code: 'DOCUMENTS_RUN_UNKNOWN' })
  await expect(service.index({ folder: temporaryFolder() })).rejects.toMatchObject({
    code: 'DOCUMENTS_FOLDER_NOT_ALLOWED',
  })
})

test('documents does not start on a folder that is missing', async () => {
  await expect(startDocuments({ folder: join(temporaryFolder(), 'missing') })).rejects.toMatchObject({
    code: 'DOCUMENTS_FOLDER_MISSING',
  })
})

test('documents answers from what was indexed before, at once', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, { 'a.md': 'keel' })
  {
    await using first = await startDocuments({ folder })
    await last(first.get(Documents).indexing({ id: 'latest' }))
  }
  await using second = await startDocuments({ folder })
  expect((await second.get(Documents).search({ query: 'keel' })).total).toBe(1)
})

test('documents shows what is indexed as it changes, and tells its readers when the service ends', async () => {
  const system = await startDocuments()
  const service = system.get(Documents)
  const pictures: Overview[] = []
  const { promise: sawDocument, resolve } = Promise.withResolvers<void>()
  const reader = (async () => {
    for await (const picture of service.overview()) {
      pictures.push(picture)
      if (picture.documents === 1) resolve()
    }
  })()
  await service.upload({ path: 'a.md', content: 'keel' })
  await sawDocument
  const ended = expect(reader).rejects.toMatchObject({ code: 'SERVICE_NOT_RUNNING', retryable: true })
  await system.close()
  await ended
  expect(pictures.at(-1)).toEqual({ documents: 1, chunks: 1, indexing: null, vectors: null })
})

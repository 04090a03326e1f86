/** The domain put together as the service does it, without the frame around it, so that tests can look inside. */
import { type Clock, type Database, systemClock } from '@keelson/kernel'
import type { Indexing } from '../src/contract.ts'
import { contentOf } from '../src/domain/content.ts'
import { openDocumentsStore } from '../src/domain/documents-store.ts'
import type { FileReaders } from '../src/domain/file-readers.ts'
import { FolderIndexing } from '../src/domain/folder-indexing.ts'
import { createFoldersStore } from '../src/domain/folders-store.ts'
import type { IndexingRun } from '../src/domain/indexing-run.ts'
import { openPassageIndex } from '../src/domain/passage-index.ts'
import { search } from '../src/domain/search.ts'
import { snapshotFile } from '../src/domain/snapshot-file.ts'
import { draftUpload } from '../src/domain/upload.ts'

/** Wall-clock time a minute ahead: files written a moment ago look old enough to trust their times. */
const laterClock: Clock = { ...systemClock, now: () => Date.now() + 60_000 }

export async function openTestService(
  database: Database,
  options: {
    roots?: readonly string[]
    startFolder?: string
    dataFolder?: string
    clock?: Clock
    maxBytes?: number
    readers?: Pick<FileReaders, 'read'>
    watch?: { rescanMs: number }
    changed?: () => void
  } = {},
) {
  const { clock = laterClock, maxBytes = 1_000_000, roots = [], startFolder } = options
  const store = await openDocumentsStore(database)
  const refused: string[] = []
  const failed: unknown[] = []
  const index = await openPassageIndex(
    store,
    options.dataFolder === undefined ? undefined : snapshotFile(options.dataFolder, 'documents.index'),
    {
      refused: (reason) => refused.push(reason),
      failed: (error) => failed.push(error),
    },
  )
  const folders = createFoldersStore(database)
  // In this thread: what a thread adds is tested by itself.
  const { readers = { read: contentOf } } = options
  const log = { info() {}, warn() {}, error() {} }
  const allRoots = startFolder === undefined ? roots : [...roots, startFolder]
  const indexing = new FolderIndexing({
    store,
    folders,
    index,
    readers,
    clock,
    maxBytes,
    log,
    roots: allRoots,
    ...(options.changed ? { changed: options.changed } : {}),
    ...(options.watch ? { watch: options.watch } : {}),
  })
  await indexing.start(startFolder)
  const searchByWords = (query: string, limit: number) =>
    search(
      { query, limit, offset: 0, ranking: 'hybrid', prefix: false, facets: false, explain: false },
      { store, index, semantic: undefined, clock },
      new AbortController().signal,
    )
  return {
    store,
    index,
    indexing,
    folders,
    /** Why the snapshot was refused, and what went wrong when writing one. */
    refused,
    failed,
    /** Indexes a folder to its end. */
    async run(folder: string): Promise<Indexing> {
      const { id } = await indexing.index(folder)
      return ended(indexing.run(id))
    },
    latest: () => ended(indexing.run('latest')),
    search: (query: string, limit = 100) => searchByWords(query, limit),
    /** Paths of the documents found, each once, by name. */
    async paths(query: string): Promise<string[]> {
      const { hits } = await searchByWords(query, 1_000)
      return [...new Set(hits.map((hit) => hit.path))].sort()
    },
    async upload(path: string, content: string): Promise<string> {
      const upload = { path, content, encoding: 'utf-8' } as const
      const draft = await draftUpload(upload, { readers, maxBytes, now: clock.now() })
      await store.write([draft], clock.now())
      await index.catchUp()
      return draft.id
    },
    async remove(path: string): Promise<void> {
      const { documents } = await store.list({ limit: 1_000, offset: 0 })
      await store.remove(documents.find((document) => document.path === path)?.id ?? 'unknown')
      await index.catchUp()
    },
    async close(): Promise<void> {
      await indexing.close()
      await index.save()
    },
  }
}

async function ended(run: IndexingRun): Promise<Indexing> {
  await run.finished
  return run.look()
}

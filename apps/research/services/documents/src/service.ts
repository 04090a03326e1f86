/** The documents service: a table of contents. Folders and uploads become passages in the database, and searches find them. */
import { Database, optional } from '@keelson/kernel'
import { defineService } from '@keelson/services'
import * as z from 'zod'
import { Models } from '../../models/src/contract.ts'
import { Documents, maxDocumentBytes } from './contract.ts'
import { openDocumentsStore } from './domain/documents-store.ts'
import { FileReaders } from './domain/file-readers.ts'
import { resolveFolder } from './domain/folder-access.ts'
import { FolderIndexing } from './domain/folder-indexing.ts'
import { createFoldersStore } from './domain/folders-store.ts'
import { overview } from './domain/overview.ts'
import { openPassageIndex } from './domain/passage-index.ts'
import { Revision } from './domain/revision.ts'
import { search } from './domain/search.ts'
import { SemanticSearch } from './domain/semantic-search.ts'
import { snapshotFile } from './domain/snapshot-file.ts'
import { draftUpload } from './domain/upload.ts'
import { createVectorsStore } from './domain/vectors-store.ts'

const DocumentsConfig = z.object({
  folder: z.string().min(1).optional().describe('The folder that is indexed when the service starts'),
  roots: z.array(z.string().min(1)).default([]).describe('Further folders inside which any folder may be indexed'),
  maxBytes: z
    .int()
    .min(1)
    .max(256 * 1024 * 1024)
    .default(32 * 1024 * 1024)
    .describe('Larger files are left out, and larger uploads, of which none may have more than 10 MiB, refused'),
  watch: z.boolean().default(false).describe('Whether indexed folders are watched, and changes followed at once'),
  rescanMs: z.int().min(1_000).default(600_000).describe('How often a watched folder is looked through all the same'),
})

export const documents = defineService(Documents, {
  uses: { database: Database, models: optional(Models) },
  config: DocumentsConfig,
  async start({ database, models, config, log, lifetime, clock, health, system }) {
    const { maxBytes } = config
    const startFolder = config.folder === undefined ? undefined : await resolveFolder(config.folder)
    const store = await openDocumentsStore(database)
    const { dataFolder } = system
    const fileOf = (name: string) => (dataFolder === undefined ? undefined : snapshotFile(dataFolder, name))
    const changes = new Revision()
    const changed = () => changes.advance()
    const indexed = () => {
      changed()
      semantic.wake()
    }
    const index = await openPassageIndex(store, fileOf('documents.index'), {
      changed,
      refused: (reason) => log.warn('the search index is built again from the database', { reason }),
      failed: (error) => log.warn('the search index could not be saved; the next start takes longer', { error }),
    })
    lifetime.onClose(() => index.save())
    const roots = [...(startFolder === undefined ? [] : [startFolder]), process.cwd(), ...config.roots]
    const folders = createFoldersStore(database)
    const readers = lifetime.own(new FileReaders(clock))
    const indexing = lifetime.own(
      new FolderIndexing({
        store,
        folders,
        index,
        readers,
        maxBytes,
        roots,
        clock,
        log,
        changed: indexed,
        ...(config.watch && { watch: { rescanMs: config.rescanMs } }),
      }),
    )
    const semantic = lifetime.own(
      await SemanticSearch.open({
        store,
        vectors: createVectorsStore(database),
        models,
        file: fileOf('documents.vectors'),
        clock,
        log,
        changed,
        isIndexing: () => indexing.newest?.hasEnded === false,
      }),
    )
    await indexing.start(startFolder)
    health('indexing', () => indexing.health())
    health('vectors', () => semantic.health())
    const closing = new AbortController()
    lifetime.onClose(() => closing.abort())
    const live = { store, changes, clock, newestRun: () => indexing.newest, semantic, closing: closing.signal }

    return {
      search: (input, call) => search(input, { store, index, semantic, clock }, call.signal),
      list: (page) => store.list(page),
      get: ({ id }) => store.get(id),
      async remove({ id }) {
        await store.remove(id)
        await index.catchUp()
        semantic.wake()
      },
      async upload(upload) {
        const limit = Math.min(maxBytes, maxDocumentBytes)
        const draft = await draftUpload(upload, { readers, maxBytes: limit, now: clock.now() })
        await store.write([draft], clock.now())
        await index.catchUp()
        semantic.wake()
        return store.get(draft.id)
      },
      index: ({ folder }) => indexing.index(folder),
      overview: (_, call) => overview(live, call.signal),
      indexing: ({ id }, call) => indexing.run(id).follow(call.signal),
    }
  },
})

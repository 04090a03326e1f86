/** Search by meaning put together as the service does it, with a model that makes its vectors of the letters of a text. */
import { createHash } from 'node:crypto'
import { type Database, systemClock } from '@keelson/kernel'
import { openDocumentsStore } from '../src/domain/documents-store.ts'
import { type SemanticPlatform, SemanticSearch } from '../src/domain/semantic-search.ts'
import { snapshotFile } from '../src/domain/snapshot-file.ts'
import { createVectorsStore } from '../src/domain/vectors-store.ts'

const model = { model: 'letters', version: '1' }
const signal = new AbortController().signal

export async function documentsWithVectors(database: Database): Promise<number> {
  await openDocumentsStore(database)
  const { rows } = await database.query<{ count: number }>('select count(*)::int as count from documents_vectors')
  return rows[0]?.count ?? 0
}

export async function openTestVectors(database: Database, dataFolder?: string) {
  let embedded = 0
  const store = await openDocumentsStore(database)
  const models = {
    resolve: () => Promise.resolve({ ...model, task: 'embed', source: 'endpoint', dimension: 32, tags: {} }),
    embed: ({ texts }: { texts: readonly string[] }) => {
      embedded += texts.length
      return Promise.resolve({ vectors: texts.map(vectorOf) })
    },
    async *changes(_: undefined, call: { signal: AbortSignal }) {
      yield {}
      await new Promise((resolve) => call.signal.addEventListener('abort', resolve))
    },
  }
  let woken = Promise.withResolvers<void>()
  const semantic = await SemanticSearch.open({
    store,
    vectors: createVectorsStore(database),
    // Of all operations those that this search calls.
    models: { current: models as unknown as SemanticPlatform['models']['current'] },
    file: dataFolder === undefined ? undefined : snapshotFile(dataFolder, 'documents.vectors'),
    clock: systemClock,
    isIndexing: () => false,
    changed: () => woken.resolve(),
    log: { info() {}, warn() {} },
  })
  return {
    /** Texts that the model was asked for. */
    get embedded() {
      return embedded
    },
    /** Resolves when each passage can be found. */
    async whole() {
      for (;;) {
        woken = Promise.withResolvers()
        const [state, { chunks }] = await Promise.all([semantic.state(), store.count()])
        if (state?.done === chunks) return
        await woken.promise
      }
    },
    search: (text: string) => semantic.search(text, 1_000, [], signal),
    close: () => semantic.close(),
  }
}

function vectorOf(text: string): number[] {
  return [...createHash('sha256').update(text).digest()].map((byte) => byte - 127.5)
}

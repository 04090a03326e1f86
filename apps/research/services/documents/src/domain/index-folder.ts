/**
 * The work of one indexing run: compares a folder with what is stored of it and makes the database follow, file by file in small
 * transactions, so that a run that is killed loses at most one of them and the next run finds the rest done.
 */
import { type Clock, isError, type KeelsonError } from '@keelson/kernel'
import { type DocumentContent, type DocumentDraft, draftDocument, hashOf } from './document-draft.ts'
import type { DocumentsStore, KnownFile } from './documents-store.ts'
import { type FileReaders, readersAtOnce } from './file-readers.ts'
import { formatOf } from './formats/formats.ts'
import type { IndexingRun } from './indexing-run.ts'
import type { PassageIndex } from './passage-index.ts'
import { openFile } from './read-file.ts'
import { systemCodeOf } from './reason-of.ts'
import { type Found, scan } from './scan.ts'
import { titleOf } from './title.ts'

/** One transaction holds about this much text, in UTF-16 units, and at most so many documents: searches wait for it. */
const batchText = 128 * 1024
const batchDocuments = 32

export interface IndexFolderPlatform {
  readonly store: DocumentsStore
  readonly index: Pick<PassageIndex, 'catchUp'>
  readonly readers: Pick<FileReaders, 'read'>
  readonly maxBytes: number
  readonly clock: Clock
  /** Told the real paths of all folders that a run has read. */
  readonly entered?: (folder: string, folders: ReadonlySet<string>) => void
}

/**
 * Indexes `run.folder` and counts into `run`. A document whose file is gone, or holds no text any more, is dropped; one whose file
 * cannot be read at the moment is kept. Rejects with the scan's error when the folder itself cannot be read (its documents are dropped
 * when it does not exist), and with the signal's reason when it aborts: what was stored until then stays.
 */
export async function indexFolder(run: IndexingRun, platform: IndexFolderPlatform, signal: AbortSignal): Promise<void> {
  const known = await platform.store.knownFiles(run.folder)
  const kept = new Set<string>()
  const unseen: string[] = []
  try {
    const files = await findFiles(run, platform, unseen, signal)
    await storeFiles(run, platform, known, files, kept, signal)
  } catch (error) {
    if (!isError(error, 'DOCUMENTS_FOLDER_MISSING')) throw error
    await dropFiles(run, platform, [...known.values()])
    throw error
  }
  const mayBeThere = (path: string) =>
    kept.has(path) || unseen.some((place) => path === place || path.startsWith(`${place}/`))
  await dropFiles(
    run,
    platform,
    [...known.values()].filter((file) => !mayBeThere(file.path)),
  )
}

type File = Extract<Found, { kind: 'file' }>

async function findFiles(
  run: IndexingRun,
  { entered }: IndexFolderPlatform,
  unseen: string[],
  signal: AbortSignal,
): Promise<File[]> {
  const files: File[] = []
  const folders = new Set<string>()
  for await (const found of scan(run.folder, signal, (folder) => folders.add(folder))) {
    run.count('found')
    if (found.kind === 'file') files.push(found)
    else {
      run.skip(found.path, found.error)
      if (found.unseen) unseen.push(found.path)
    }
  }
  entered?.(run.folder, folders)
  return files
}

/** Stores what is new or changed. Adds to `kept` the paths whose documents stay, whether looked into or not. */
async function storeFiles(
  run: IndexingRun,
  platform: IndexFolderPlatform,
  known: ReadonlyMap<string, KnownFile>,
  files: readonly File[],
  kept: Set<string>,
  signal: AbortSignal,
): Promise<void> {
  const batch = new Batch(run, platform)
  const byHash = new Map([...known.values()].filter(({ state }) => state === 'live').map((file) => [file.hash, file]))
  const store = async (file: File): Promise<void> => {
    signal.throwIfAborted()
    try {
      const outcome = await inspect(run.folder, file, known.get(file.path), byHash, platform)
      kept.add(file.path)
      await batch.add(outcome)
    } catch (error) {
      if (!isError(error) || !error.code.startsWith('DOCUMENTS_FILE_')) throw error
      if (isForNow(error)) kept.add(file.path)
      run.skip(file.path, error)
    }
  }
  // As many at once as are read at once, and one that is on its way to a reader.
  const queue = files[Symbol.iterator]()
  const lanes = Array.from({ length: readersAtOnce + 1 }, async () => {
    for (const file of queue) await store(file)
  })
  const ends = await Promise.allSettled(lanes)
  const failed = ends.find((end) => end.status === 'rejected')
  if (failed) throw failed.reason
  await batch.flush()
}

/** What may be otherwise at the next run, so that what was indexed before is kept. */
function isForNow(error: KeelsonError): boolean {
  if (error.code === 'DOCUMENTS_FILE_UNREADABLE') return systemCodeOf(error.cause) !== 'ENOENT'
  return error.kind === 'unavailable'
}

async function dropFiles(
  run: IndexingRun,
  { store, index }: IndexFolderPlatform,
  files: readonly KnownFile[],
): Promise<void> {
  const ids = files.filter((file) => file.state === 'live').map((file) => file.id)
  run.count('removed', await store.drop(ids))
  await index.catchUp()
}

type Outcome =
  | { readonly kind: 'changed'; readonly draft: DocumentDraft }
  | { readonly kind: 'unchanged' }
  /** The content is the same, but the file looks different: the next run need not read it again. */
  | {
      readonly kind: 'unchanged'
      readonly look: { readonly id: string; readonly stamp: string; readonly modifiedAt: number }
    }

/** Looks at a file, and into it when its look does not show that it is unchanged. Rejects with a DOCUMENTS_FILE_ error. */
async function inspect(
  folder: string,
  found: File,
  known: KnownFile | undefined,
  byHash: ReadonlyMap<string, KnownFile>,
  platform: IndexFolderPlatform,
): Promise<Outcome> {
  const { clock, maxBytes } = platform
  const { path, realPath } = found
  const file = await openFile(realPath, path, clock.now())
  try {
    const { stamp, modifiedAt } = file.look
    const current = known && known.state !== 'gone' ? known : undefined
    if (current && stamp !== '' && stamp === current.stamp) return { kind: 'unchanged' }
    const bytes = await file.read(maxBytes)
    const hash = hashOf(bytes)
    if (current?.hash === hash) {
      const looksSame = stamp === current.stamp && modifiedAt === current.modifiedAt
      return looksSame ? { kind: 'unchanged' } : { kind: 'unchanged', look: { id: current.id, stamp, modifiedAt } }
    }
    const { type } = formatOf(path)
    const about = { folder, path, type, bytes: bytes.length, modifiedAt, stamp, hash }
    const content = await contentOf(bytes, path, byHash.get(hash), platform)
    return { kind: 'changed', draft: draftDocument({ ...about, ...content }) }
  } finally {
    await file.close()
  }
}

/** What is stored of a file. One that has only moved is not read again. */
async function contentOf(
  bytes: Uint8Array,
  path: string,
  same: KnownFile | undefined,
  { readers, store }: IndexFolderPlatform,
): Promise<DocumentContent> {
  const isSameFormat = same !== undefined && formatOf(same.path).type === formatOf(path).type
  const content = isSameFormat ? await store.content(same.id) : undefined
  if (!content) return readers.read(bytes, path)
  // A title that was only the name of the file moves with it.
  const isNamedAfterFile = same !== undefined && content.title === titleOf(undefined, same.path)
  return isNamedAfterFile ? { ...content, title: titleOf(undefined, path) } : content
}

/** Gathers outcomes into transactions; a file counts as done when its outcome is stored. */
class Batch {
  readonly #run: IndexingRun
  readonly #platform: IndexFolderPlatform
  #drafts: DocumentDraft[] = []
  #looks: { id: string; stamp: string; modifiedAt: number }[] = []
  #text = 0

  constructor(run: IndexingRun, platform: IndexFolderPlatform) {
    this.#run = run
    this.#platform = platform
  }

  async add(outcome: Outcome): Promise<void> {
    if (outcome.kind === 'changed') {
      this.#drafts.push(outcome.draft)
      this.#text += outcome.draft.text.length
    } else {
      if ('look' in outcome) this.#looks.push(outcome.look)
      this.#run.count('unchanged')
      this.#run.count('done')
    }
    if (this.#text >= batchText || this.#drafts.length >= batchDocuments || this.#looks.length >= 10 * batchDocuments)
      await this.flush()
  }

  async flush(): Promise<void> {
    const { store, index, clock } = this.#platform
    const drafts = this.#drafts
    const looks = this.#looks
    this.#drafts = []
    this.#looks = []
    this.#text = 0
    if (looks.length > 0) await store.confirm(looks)
    if (drafts.length === 0) return
    await store.write(drafts, clock.now())
    await index.catchUp()
    this.#run.count('indexed', drafts.length)
    this.#run.count('done', drafts.length)
  }
}

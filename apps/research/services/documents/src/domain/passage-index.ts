/**
 * The search index over all passages, kept in step with the database by one path: whatever has changed after the counter value it stands
 * at is read and applied. Starting, indexing, uploading and recovering differ only in how far behind it is.
 */
import {
  createSearchIndex,
  openSnapshot,
  type SearchIndex,
  type SearchQuery,
  type SearchResult,
} from '@keelson/infrastructure'
import { isError, reasonOf } from '@keelson/kernel'
import { chunkId } from './document-draft.ts'
import { attributesOf, type ChangedDocument, type DocumentsStore } from './documents-store.ts'
import { titleWithHeadings } from './passages.ts'
import type { SnapshotFile } from './snapshot-file.ts'
import { markOf, parseMark } from './snapshot-mark.ts'

/** What is applied at once holds up the event loop, so pages are small. */
const pageBytes = 128 * 1024
const entriesAtOnce = 25

export interface PassageIndex {
  search(query: SearchQuery): SearchResult
  /** Applies what has changed in the database; when it resolves, a search sees every change committed before the call. */
  catchUp(): Promise<void>
  /** Writes a snapshot when the index has changed since the last one. A failed write is reported to `failed`, never thrown. */
  save(): Promise<void>
}

/** Told of what cannot be helped but should be known. */
export interface PassageIndexHooks {
  /** The snapshot cannot be used; the index is built again from the database. */
  readonly refused?: (reason: string) => void
  /** The snapshot could not be written; the next start takes longer. */
  readonly failed?: (error: unknown) => void
  /** Documents have changed, and a search now sees it. */
  readonly changed?: () => void
}

/**
 * Opens the index from its snapshot and brings it up to date. A snapshot that is damaged, of another database or ahead of this one is
 * refused and the index built from the database. Without a `file` nothing is kept on disk.
 */
export async function openPassageIndex(
  store: DocumentsStore,
  file: SnapshotFile | undefined,
  hooks: PassageIndexHooks = {},
): Promise<PassageIndex> {
  const opened = await openFromSnapshot(store, file, hooks)
  const { index } = opened
  let applied = opened.change
  let saved = opened.isFresh ? -1 : applied

  const applyChanges = async (): Promise<void> => {
    for (;;) {
      const changed = await store.changesAfter(applied, pageBytes)
      for (const document of changed) {
        await apply(index, document)
        applied = document.change
      }
      if (changed.length === 0) return
      hooks.changed?.()
    }
  }

  const catchUp = oneAtATime(applyChanges)
  const save = oneAtATime(async () => {
    if (!file || saved === applied) return
    const change = applied
    try {
      await file.write(index.snapshot(markOf(store.epoch, change)))
      saved = change
    } catch (error) {
      hooks.failed?.(error)
    }
  })
  await catchUp()
  return { search: (query) => index.search(query), catchUp, save }
}

interface Opened {
  readonly index: SearchIndex
  /** The counter value the index stands at. */
  readonly change: number
  readonly isFresh: boolean
}

async function openFromSnapshot(
  store: DocumentsStore,
  file: SnapshotFile | undefined,
  hooks: PassageIndexHooks,
): Promise<Opened> {
  const fresh = (): Opened => ({ index: createSearchIndex(), change: 0, isFresh: true })
  const refuse = (reason: string): Opened => {
    hooks.refused?.(reason)
    return fresh()
  }
  try {
    const bytes = await file?.read()
    if (!bytes) return fresh()
    const { index, mark } = openSnapshot(bytes)
    const { epoch, change } = parseMark(mark)
    if (epoch !== store.epoch) return refuse('it belongs to another database')
    if (change === undefined) return refuse('it is of another version')
    if (change > (await store.lastChange())) return refuse('it is ahead of the database')
    return { index, change, isFresh: false }
  } catch (error) {
    if (isError(error, 'DATABASE_QUERY_FAILED') || isError(error, 'DATABASE_CLOSED')) throw error
    return refuse(reasonOf(error))
  }
}

async function apply(index: SearchIndex, document: ChangedDocument): Promise<void> {
  const { id, title, passages, mostChunks } = document
  const attributes = attributesOf(document)
  for (let from = 0; from < passages.length; from += entriesAtOnce) {
    const page = passages.slice(from, from + entriesAtOnce)
    index.upsert(
      page.map(({ text, headings }, at) => ({
        id: chunkId(id, from + at),
        title: titleWithHeadings(title, headings),
        text,
        attributes,
      })),
    )
    await nextTurn()
  }
  const ids: string[] = []
  for (let position = passages.length; position < mostChunks; position++) ids.push(chunkId(id, position))
  if (ids.length > 0) index.remove(ids)
}

/** Runs `work` never twice at once. Calls made while it runs share one further run, so each sees what was there when it was made. */
function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined
  const run = (): Promise<void> => {
    if (!running) {
      running = work().finally(() => {
        running = undefined
      })
      return running
    }
    next ??= running
      .catch(() => {})
      .then(() => {
        next = undefined
        return run()
      })
    return next
  }
  return run
}

/** Lets timers and messages have their turn. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

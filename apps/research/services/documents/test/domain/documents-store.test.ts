import { expect, test } from 'vitest'
import { type DocumentDraft, documentId, draftDocument, hashOf } from '../../src/domain/document-draft.ts'
import { type DocumentsStore, openDocumentsStore } from '../../src/domain/documents-store.ts'
import { createFoldersStore } from '../../src/domain/folders-store.ts'
import { wholeText } from '../../src/domain/formats/format.ts'
import { passagesOf } from '../../src/domain/passages.ts'
import { titleInMarkdown, titleOf } from '../../src/domain/title.ts'
import { randomMarkdown, seededRandom } from '../seeded-random.ts'
import { clearDatabase, databaseForTests } from '../test-database.ts'

const database = databaseForTests()
const modifiedAt = Date.UTC(2024, 1, 29, 12, 30, 15, 123)

function draft(path: string, text: string, folder = '/docs'): DocumentDraft {
  const bytes = Buffer.from(text)
  const sections = wholeText(text)
  return draftDocument({
    folder,
    path,
    text,
    title: titleOf(titleInMarkdown(text), path),
    passages: passagesOf({ text, sections, title: undefined, hasLines: true }),
    type: 'markdown',
    bytes: bytes.length,
    modifiedAt,
    stamp: `${bytes.length}:1`,
    hash: hashOf(bytes),
  })
}

async function changes(store: DocumentsStore, after: number): Promise<string[]> {
  return (await store.changesAfter(after, 1_000_000)).map(
    ({ path, change, passages }) => `${change} ${path} ${passages.length}`,
  )
}

test('openDocumentsStore() keeps the epoch of a database and gives each its own', async () => {
  const { epoch } = await openDocumentsStore(database())
  expect(epoch).toMatch(/^[0-9a-f-]{36}$/)
  expect((await openDocumentsStore(database())).epoch).toBe(epoch)
  await clearDatabase(database())
  expect((await openDocumentsStore(database())).epoch).not.toBe(epoch)
})

test('write() stores a document with its passages, whole and exact', async () => {
  const store = await openDocumentsStore(database())
  const text = `'; drop table documents; -- \\ 😀 船\r\n${randomMarkdown(seededRandom(3), 700)}`
  await store.write([draft('a/b.md', text), draft('c.md', '# C')], 5_000)
  const id = documentId('/docs', 'a/b.md')
  const stored = await store.get(id)
  expect(stored).toMatchObject({
    id,
    folder: '/docs',
    path: 'a/b.md',
    type: 'markdown',
    modifiedAt: '2024-02-29T12:30:15.123Z',
    indexedAt: '1970-01-01T00:00:05.000Z',
    text,
    bytes: Buffer.byteLength(text),
  })
  expect(stored.passages.length).toBeGreaterThan(2)
  expect(stored.chunks).toBe(stored.passages.length)
  const ids = stored.passages.map((passage) => passage.chunkId)
  const passages = await store.passages([...ids].reverse().concat(`${id}-999`, 'nonsense'))
  expect(passages.map((passage) => passage.text)).toEqual(
    stored.passages.map(({ start, end }) => text.slice(start, end)).reverse(),
  )
})

test('write() replaces a document and leaves no passage of the old one', async () => {
  const store = await openDocumentsStore(database())
  await store.write([draft('a.md', randomMarkdown(seededRandom(4), 2_000))], 0)
  await store.write([draft('a.md', '# Short')], 0)
  const id = documentId('/docs', 'a.md')
  expect((await store.get(id)).passages).toHaveLength(1)
  expect(await store.passages([`${id}-0`, `${id}-1`])).toHaveLength(1)
  const [change] = await store.changesAfter(1, 1_000)
  expect(change).toMatchObject({ change: 2, title: 'Short', passages: [{ text: '# Short', headings: [] }] })
  expect(change?.mostChunks).toBeGreaterThan(5)
})

test('changesAfter() tells each change once, in order, and is empty at the end', async () => {
  const store = await openDocumentsStore(database())
  await store.write([draft('a.md', 'a'), draft('b.md', 'b'), draft('c.md', 'c')], 0)
  expect(await changes(store, 0)).toEqual(['1 a.md 1', '2 b.md 1', '3 c.md 1'])
  await store.remove(documentId('/docs', 'b.md'))
  await store.write([draft('a.md', 'a2')], 0)
  await store.drop([documentId('/docs', 'c.md'), documentId('/docs', 'b.md'), 'unknown'])
  expect(await changes(store, 3)).toEqual(['4 b.md 0', '5 a.md 1', '6 c.md 0'])
  expect(await changes(store, 6)).toEqual([])
  expect(await store.lastChange()).toBe(6)
})

test('changesAfter() pages by the size of texts and gives at least one', async () => {
  const store = await openDocumentsStore(database())
  const text = 'keel '.repeat(100)
  await store.write(
    ['a.md', 'b.md', 'c.md', 'd.md'].map((path) => draft(path, text)),
    0,
  )
  expect((await store.changesAfter(0, 1)).map((one) => one.path)).toEqual(['a.md'])
  expect((await store.changesAfter(1, 1_001)).map((one) => one.path)).toEqual(['b.md', 'c.md', 'd.md'])
  expect((await store.changesAfter(1, 1_000)).map((one) => one.path)).toEqual(['b.md', 'c.md'])
})

test('remove() deletes once, for readers at once, and rejects for what is not there', async () => {
  const store = await openDocumentsStore(database())
  await store.write([draft('a.md', 'a')], 0)
  const id = documentId('/docs', 'a.md')
  await store.remove(id)
  await expect(store.remove(id)).rejects.toMatchObject({ code: 'DOCUMENTS_NOT_FOUND' })
  await expect(store.remove('0'.repeat(24))).rejects.toMatchObject({ code: 'DOCUMENTS_NOT_FOUND' })
  await expect(store.get(id)).rejects.toMatchObject({ code: 'DOCUMENTS_NOT_FOUND' })
  expect(await store.list({ limit: 10, offset: 0 })).toEqual({ documents: [], total: 0 })
  expect(await store.passages([`${id}-0`])).toEqual([])
  expect(await store.count()).toEqual({ documents: 0, chunks: 0 })
})

test('write() brings a deleted file back only with another hash, an upload always', async () => {
  const store = await openDocumentsStore(database())
  const [file, upload] = [draft('a.md', 'a'), draft('a.md', 'a', '')]
  await store.write([file, upload], 0)
  await store.remove(file.id)
  await store.remove(upload.id)
  await store.write([file, upload], 0)
  expect((await store.list({ limit: 10, offset: 0 })).documents.map((one) => one.folder)).toEqual([''])
  expect(await store.passages([`${file.id}-0`, `${upload.id}-0`])).toHaveLength(1)
  await store.write([draft('a.md', 'a2')], 0)
  expect((await store.get(file.id)).text).toBe('a2')
})

test('drop() leaves what a user has deleted deleted', async () => {
  const store = await openDocumentsStore(database())
  const file = draft('a.md', 'a')
  await store.write([file], 0)
  await store.remove(file.id)
  expect(await store.drop([file.id])).toBe(0)
  expect((await store.knownFiles('/docs')).get('a.md')?.state).toBe('deleted')
})

test('confirm() notes a new look, and counts as a change only when readers can see it', async () => {
  const store = await openDocumentsStore(database())
  const file = draft('a.md', 'a')
  await store.write([file], 0)
  await store.confirm([{ id: file.id, stamp: '1:2', modifiedAt }])
  expect((await store.knownFiles('/docs')).get('a.md')).toMatchObject({ stamp: '1:2', modifiedAt })
  expect(await changes(store, 1)).toEqual([])
  await store.confirm([{ id: file.id, stamp: '1:3', modifiedAt: modifiedAt + 1 }])
  expect(await changes(store, 1)).toHaveLength(1)
})

test('list() orders by folder and path, byte by byte, and pages', async () => {
  const store = await openDocumentsStore(database())
  const paths = ['b.md', 'B.md', 'a/x.md', 'a.md', 'é.md', '船.md']
  await store.write([...paths.map((path) => draft(path, path)), draft('z.md', 'z', ''), draft('a.md', 'a', '/an')], 0)
  const { documents, total } = await store.list({ limit: 100, offset: 0 })
  const ordered = ['z.md', 'a.md', 'B.md', 'a.md', 'a/x.md', 'b.md', 'é.md', '船.md']
  expect(documents.map((one) => one.path)).toEqual(ordered)
  expect(total).toBe(8)
  const page = await store.list({ limit: 3, offset: 6 })
  expect(page.documents.map((one) => one.path)).toEqual(ordered.slice(6))
  expect(page.total).toBe(8)
})

test('write() is all or nothing', async () => {
  const store = await openDocumentsStore(database())
  const bad: DocumentDraft = { ...draft('b.md', 'b'), text: 'nul \u0000' }
  await expect(store.write([draft('a.md', 'a'), bad], 0)).rejects.toMatchObject({ code: 'DATABASE_QUERY_FAILED' })
  expect(await store.count()).toEqual({ documents: 0, chunks: 0 })
  expect(await store.lastChange()).toBe(0)
})

test('concurrent writes take different counter values', async () => {
  const store = await openDocumentsStore(database())
  const names = Array.from({ length: 30 }, (_, index) => `${index}.md`)
  await Promise.all(names.map((name) => store.write([draft(name, name)], 0)))
  const seen = await store.changesAfter(0, 1_000_000)
  expect(seen.map((one) => one.change)).toEqual(names.map((_, index) => index + 1))
})

test('replaceStart() drops the documents of the start folder before, not of folders asked for or of uploads', async () => {
  const store = await openDocumentsStore(database())
  const folders = createFoldersStore(database())
  await folders.replaceStart('/one')
  await folders.request('/asked')
  await store.write([draft('a.md', 'a', '/one'), draft('b.md', 'b', '/asked'), draft('c.md', 'c', '')], 0)
  await folders.finish('/one')
  expect(await folders.unfinished()).toEqual(['/asked'])
  await folders.replaceStart('/one')
  expect((await store.count()).documents).toBe(3)
  await folders.replaceStart('/two')
  expect((await store.list({ limit: 10, offset: 0 })).documents.map((one) => one.folder)).toEqual(['', '/asked'])
  expect(await folders.unfinished()).toEqual(['/two', '/asked'])
  expect((await store.knownFiles('/one')).get('a.md')?.state).toBe('gone')
})

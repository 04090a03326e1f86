import { appendFileSync, chmodSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { kernelErrors, systemClock } from '@keelson/kernel'
import { createFakeClock, delegatingDatabase } from '@keelson/kernel/testing'
import { expect, test, vi } from 'vitest'
import { contentOf } from '../../src/domain/content.ts'
import { asOrdinaryUser } from '../ordinary-user.ts'
import { temporaryFolder, writeFiles } from '../temporary-folder.ts'
import { databaseForTests } from '../test-database.ts'
import { openTestService } from '../test-service.ts'

const database = databaseForTests()

test('indexing makes the files of a folder searchable and reports what it did', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, {
    'a.md': '# Keels\n\nA keel is a beam.',
    'b/c.txt': 'a mast stands on the keel',
    'bad.md': Uint8Array.from([0xff, 0xfe, 0x41]),
    'binary.txt': 'a\0b',
    'empty.md': '',
    'big.md': 'x'.repeat(1_001),
    'image.png': 'x',
  })
  const service = await openTestService(database(), { roots: [folder], maxBytes: 1_000 })
  const run = await service.run(folder)
  expect(run).toMatchObject({
    folder,
    state: 'done',
    found: 7,
    done: 7,
    indexed: 2,
    unchanged: 0,
    removed: 0,
    skipped: 5,
    error: null,
  })
  expect(run.problems.map(({ path, code }) => `${path} ${code}`)).toEqual([
    'bad.md DOCUMENTS_FILE_ENCODING',
    'big.md DOCUMENTS_FILE_TOO_LARGE',
    'binary.txt DOCUMENTS_FILE_BINARY',
    'empty.md DOCUMENTS_FILE_EMPTY',
    'image.png DOCUMENTS_FILE_UNSUPPORTED',
  ])
  expect(await service.paths('keel')).toEqual(['a.md', 'b/c.txt'])
  const [hit] = (await service.search('beam')).hits
  expect(hit).toMatchObject({ path: 'a.md', title: 'Keels', text: '# Keels\n\nA keel is a beam.' })
  expect(hit?.highlights.map(([start, end]) => hit.text.slice(start, end))).toEqual(['beam'])
})

test('indexing again leaves unchanged files alone, whether their times are trusted or not', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, { 'a.md': 'keel', 'b.md': 'mast' })
  const fresh = await openTestService(database(), { roots: [folder], clock: systemClock })
  expect(await fresh.run(folder)).toMatchObject({ indexed: 2 })
  const change = await fresh.store.lastChange()
  expect((await fresh.store.knownFiles(folder)).get('a.md')?.stamp).toBe('')
  expect(await fresh.run(folder)).toMatchObject({ indexed: 0, unchanged: 2 })
  const later = await openTestService(database(), { roots: [folder] })
  expect(await later.run(folder)).toMatchObject({ indexed: 0, unchanged: 2 })
  expect((await later.store.knownFiles(folder)).get('a.md')?.stamp).not.toBe('')
  expect(await later.run(folder)).toMatchObject({ indexed: 0, unchanged: 2 })
  expect(await later.store.changesAfter(change, 1_000)).toEqual([])
})

test('indexing follows changes, additions, moves and deletions', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, { 'a.md': 'keel one', 'b.md': 'keel two', 'c.md': 'keel three', 'd/e.md': 'keel four' })
  const service = await openTestService(database(), { roots: [folder] })
  await service.run(folder)
  writeFileSync(join(folder, 'a.md'), 'rudder')
  rmSync(join(folder, 'b.md'))
  renameSync(join(folder, 'd'), join(folder, 'f'))
  writeFiles(folder, { 'g.md': 'keel five' })
  expect(await service.run(folder)).toMatchObject({ indexed: 3, unchanged: 1, removed: 2 })
  expect(await service.paths('keel')).toEqual(['c.md', 'f/e.md', 'g.md'])
  expect(await service.paths('rudder')).toEqual(['a.md'])
  renameSync(join(folder, 'f'), join(folder, 'd'))
  expect(await service.run(folder)).toMatchObject({ indexed: 1, unchanged: 3, removed: 1 })
  expect(await service.paths('four')).toEqual(['d/e.md'])
})

test('indexing sees a change of the same size that was given the old time', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'a.md')
  writeFileSync(path, 'keel')
  const service = await openTestService(database(), { roots: [folder], clock: systemClock })
  await service.run(folder)
  const now = new Date()
  utimesSync(path, now, now)
  await service.run(folder)
  writeFileSync(path, 'mast')
  utimesSync(path, now, now)
  expect(await service.run(folder)).toMatchObject({ indexed: 1 })
})

test('a document whose file holds no text any more is dropped', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, { 'a.md': 'keel', 'b.md': 'keel', 'c.md': 'keel' })
  const service = await openTestService(database(), { roots: [folder] })
  await service.run(folder)
  writeFiles(folder, { 'a.md': '', 'b.md': 'keel\0' })
  expect(await service.run(folder)).toMatchObject({ removed: 2, skipped: 2, unchanged: 1 })
  expect(await service.paths('keel')).toEqual(['c.md'])
})

test('what cannot be read at the moment keeps its documents', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, { 'a/b/1.md': 'keel', 'a/b-other/2.md': 'keel', '3.md': 'keel' })
  const service = await openTestService(database(), { roots: [folder] })
  await service.run(folder)
  renameSync(join(folder, 'a/b'), join(folder, 'a/.b'))
  // A link to itself: it is there, and nobody can say what is behind it.
  symlinkSync('b', join(folder, 'a/b'))
  rmSync(join(folder, 'a/b-other'), { recursive: true })
  expect(await service.run(folder)).toMatchObject({
    removed: 1,
    skipped: 1,
    problems: [{ code: 'DOCUMENTS_FILE_UNREADABLE' }],
  })
  expect(await service.paths('keel')).toEqual(['3.md', 'a/b/1.md'])
})

test('a file or folder without permission keeps its documents', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, { 'a/1.md': 'keel', '2.md': 'keel' })
  const service = await openTestService(database(), { roots: [folder] })
  await service.run(folder)
  chmodSync(folder, 0o755)
  chmodSync(join(folder, 'a'), 0o000)
  chmodSync(join(folder, '2.md'), 0o000)
  expect(await asOrdinaryUser(() => service.run(folder))).toMatchObject({ removed: 0, skipped: 2 })
  expect(await service.paths('keel')).toEqual(['2.md', 'a/1.md'])
  chmodSync(join(folder, 'a'), 0o700)
})

test('a document a user deleted returns only when its file changes', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, { 'a.md': 'keel', 'b.md': 'keel' })
  const service = await openTestService(database(), { roots: [folder] })
  await service.run(folder)
  await service.remove('a.md')
  expect(await service.paths('keel')).toEqual(['b.md'])
  expect(await service.run(folder)).toMatchObject({ indexed: 0, unchanged: 2 })
  const touched = new Date(1_000_000)
  utimesSync(join(folder, 'a.md'), touched, touched)
  await service.run(folder)
  renameSync(join(folder, 'a.md'), join(folder, '.a.md'))
  await service.run(folder)
  renameSync(join(folder, '.a.md'), join(folder, 'a.md'))
  await service.run(folder)
  expect(await service.paths('keel')).toEqual(['b.md'])
  appendFileSync(join(folder, 'a.md'), ' again')
  expect(await service.run(folder)).toMatchObject({ indexed: 1, unchanged: 1 })
  expect(await service.paths('keel')).toEqual(['a.md', 'b.md'])
})

test('the start folder replaces the one before; folders asked for and uploads stay', async () => {
  const [one, two, asked] = [temporaryFolder(), temporaryFolder(), temporaryFolder()]
  writeFiles(one, { 'one.md': 'keel' })
  writeFiles(two, { 'two.md': 'keel' })
  writeFiles(asked, { 'asked.md': 'keel' })
  const first = await openTestService(database(), { startFolder: one, roots: [asked] })
  await first.latest()
  await first.run(asked)
  await first.upload('upload.md', 'keel')
  expect(await first.paths('keel')).toEqual(['asked.md', 'one.md', 'upload.md'])
  await first.close()
  const second = await openTestService(database(), { startFolder: two })
  await second.latest()
  expect(await second.paths('keel')).toEqual(['asked.md', 'two.md', 'upload.md'])
  await second.close()
  const third = await openTestService(database(), { startFolder: one })
  expect(await third.latest()).toMatchObject({ indexed: 1, unchanged: 0 })
  expect(await third.paths('keel')).toEqual(['asked.md', 'one.md', 'upload.md'])
})

test('without a start folder what was indexed before stays', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, { 'a.md': 'keel' })
  const first = await openTestService(database(), { startFolder: folder })
  await first.latest()
  await first.close()
  const second = await openTestService(database())
  expect(await second.paths('keel')).toEqual(['a.md'])
  expect(() => second.indexing.run('latest')).toThrow(expect.objectContaining({ code: 'DOCUMENTS_RUN_UNKNOWN' }))
})

test('a run stopped by closing goes on at the next start', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`${index}.md`, `keel ${index}`])))
  let closing: Promise<void> | undefined
  const first = await openTestService(database(), {
    roots: [folder],
    // Told as it happens: whoever waits for the run to report may find that it has ended.
    changed: () => {
      if (first.indexing.newest?.look().found === 100) closing ??= first.close()
    },
  })
  const { id } = await first.indexing.index(folder)
  const run = first.indexing.run(id)
  await run.finished
  await closing
  expect(run.look()).toMatchObject({ state: 'stopped', error: null })
  const second = await openTestService(database(), { roots: [folder] })
  expect(await second.latest()).toMatchObject({ state: 'done', done: 200, skipped: 0 })
  expect(await second.paths('keel')).toHaveLength(200)
  await second.close()
  const third = await openTestService(database(), { roots: [folder] })
  expect(() => third.indexing.run('latest')).toThrow()
})

test('an unfinished folder that is no longer allowed is left as it is; one that is missing loses its documents', async () => {
  const [folder, outside] = [temporaryFolder(), temporaryFolder()]
  writeFiles(outside, { 'a.md': 'keel' })
  writeFiles(folder, { 'x/b.md': 'keel' })
  const first = await openTestService(database(), { roots: [folder, outside] })
  await first.run(outside)
  await first.run(join(folder, 'x'))
  await first.folders.request(outside)
  await first.folders.request(join(folder, 'x'))
  rmSync(join(folder, 'x'), { recursive: true })
  const second = await openTestService(database(), { roots: [folder] })
  expect(await second.latest()).toMatchObject({ folder: join(folder, 'x'), state: 'failed', removed: 1 })
  expect(second.indexing.run('latest').look().error).toContain('does not exist')
  expect(second.indexing.health()).toEqual({ status: 'degraded', message: 'the newest indexing run failed' })
  expect(await second.paths('keel')).toEqual(['a.md'])
})

test('index() queues runs one after the other and gives the run of a folder under way', async () => {
  const [one, two] = [temporaryFolder(), temporaryFolder()]
  writeFiles(one, { 'a.md': 'keel' })
  writeFiles(two, { 'b.md': 'keel' })
  symlinkSync(one, join(two, 'same'))
  const service = await openTestService(database(), { roots: [one, two] })
  const asked = await Promise.all(
    [one, two, one, `${one}/`, join(two, 'same')].map((folder) => service.indexing.index(folder)),
  )
  expect(new Set(asked.map((run) => run.id)).size).toBe(2)
  expect(asked[0]?.state).toBe('running')
  await Promise.all(asked.map((run) => service.indexing.run(run.id).finished))
  const again = await service.run(one)
  expect(again.id).not.toBe(asked[0]?.id)
  expect(service.indexing.run('latest').id).toBe(again.id)
})

test('index() refuses folders by name and says how to allow one', async () => {
  const [root, outside] = [temporaryFolder(), temporaryFolder()]
  writeFiles(root, { 'file.md': 'x', 'inside/a.md': 'x' })
  symlinkSync(outside, join(root, 'link'))
  const service = await openTestService(database(), { roots: [root, join(root, 'missing root')] })
  const index = (folder: string) => service.indexing.index(folder)
  await expect(index(join(root, 'missing'))).rejects.toMatchObject({ code: 'DOCUMENTS_FOLDER_MISSING' })
  await expect(index(join(root, 'file.md'))).rejects.toMatchObject({ code: 'DOCUMENTS_FOLDER_UNREADABLE' })
  await expect(index(outside)).rejects.toMatchObject({
    code: 'DOCUMENTS_FOLDER_NOT_ALLOWED',
    message: expect.stringContaining('documents.roots'),
  })
  await expect(index(join(root, 'link'))).rejects.toMatchObject({ code: 'DOCUMENTS_FOLDER_NOT_ALLOWED' })
  await expect(index(join(root, '..'))).rejects.toMatchObject({ code: 'DOCUMENTS_FOLDER_NOT_ALLOWED' })
  await expect(index('relative')).rejects.toMatchObject({ code: 'DOCUMENTS_FOLDER_INVALID' })
  await expect(index(`${root}\0`)).rejects.toMatchObject({ code: 'DOCUMENTS_FOLDER_INVALID' })
  expect((await index(join(root, 'inside/../inside'))).folder).toBe(join(root, 'inside'))
})

test('an empty folder is indexed to its end with nothing in it', async () => {
  const folder = temporaryFolder()
  const service = await openTestService(database(), { startFolder: folder })
  expect(await service.latest()).toMatchObject({ state: 'done', found: 0, done: 0, problems: [] })
})

test('many unsupported files do not hide the problems of others', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`${index}.png`, 'x'])))
  writeFiles(folder, { 'zz.md': '' })
  const service = await openTestService(database(), { roots: [folder] })
  const run = await service.run(folder)
  expect(run).toMatchObject({ found: 151, skipped: 151 })
  expect(run.problems).toHaveLength(100)
  expect(run.problems[0]?.code).toBe('DOCUMENTS_FILE_EMPTY')
})

test('indexing does not read a file again that has only moved, and a title that was its name moves with it', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, { 'mast.txt': 'a mast stands on the keel', 'keel.md': '# Keels\n\nA keel is a beam.' })
  let reads = 0
  const readers = {
    read: (bytes: Uint8Array, path: string) => {
      reads++
      return contentOf(bytes, path)
    },
  }
  const service = await openTestService(database(), { roots: [folder], readers })
  await service.run(folder)
  expect(reads).toBe(2)
  renameSync(join(folder, 'mast.txt'), join(folder, 'spar.txt'))
  renameSync(join(folder, 'keel.md'), join(folder, 'beam.md'))
  expect(await service.run(folder)).toMatchObject({ indexed: 2, removed: 2 })
  expect(reads).toBe(2)
  const { hits } = await service.search('keel')
  expect(hits.map(({ path, title }) => `${path} ${title}`).sort()).toEqual(['beam.md Keels', 'spar.txt spar'])
})

test('indexing follows a watched folder: files that come, change and go, in folders that come too', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, { 'a.md': 'keel' })
  const service = await openTestService(database(), {
    roots: [folder],
    clock: systemClock,
    watch: { rescanMs: 600_000 },
  })
  await service.run(folder)
  const untilFound = (query: string, paths: string[]) =>
    vi.waitFor(async () => expect(await service.paths(query)).toEqual(paths), { timeout: 60_000, interval: 50 })
  writeFiles(folder, { 'b/c.md': 'mast' })
  await untilFound('mast', ['b/c.md'])
  writeFiles(folder, { 'b/c.md': 'spars', 'b/d/e.md': 'tiller' })
  await untilFound('spars', ['b/c.md'])
  await untilFound('tiller', ['b/d/e.md'])
  rmSync(join(folder, 'b'), { recursive: true })
  await untilFound('spars', [])
  await service.close()
})

test('indexing looks through a watched folder now and then all the same', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, { 'a.md': 'keel' })
  const clock = createFakeClock()
  const service = await openTestService(database(), { roots: [folder], clock, watch: { rescanMs: 600_000 } })
  await service.run(folder)
  const { id } = service.indexing.run('latest')
  await vi.waitFor(() => expect(clock.sleeping).toBeGreaterThan(0))
  await clock.advance(600_001)
  await vi.waitFor(() => expect(service.indexing.run('latest').id).not.toBe(id))
  await service.close()
})

test('indexing on a full disk fails by name, what was indexed is still found, and the next run goes on', async () => {
  const folder = temporaryFolder()
  writeFiles(folder, Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`${at}.md`, `keel ${at}`])))
  const real = database()
  let writes = 0
  const full = async () => {
    throw kernelErrors.DATABASE_QUERY_FAILED({ sqlState: '53100', reason: 'No space left on device' })
  }
  const service = await openTestService(
    delegatingDatabase(real, { batch: (statements) => (++writes > 2 ? full() : real.batch(statements)) }),
    { roots: [folder] },
  )
  const run = await service.run(folder)
  expect(run).toMatchObject({ state: 'failed', error: expect.stringContaining('53100') })
  expect(service.indexing.health().status).toBe('degraded')
  const found = (await service.paths('keel')).length
  expect(found).toBeGreaterThan(0)
  expect(found).toBe(run.indexed)
  writes = Number.NEGATIVE_INFINITY
  expect(await service.run(folder)).toMatchObject({ state: 'done', unchanged: found, indexed: 100 - found })
  expect(await service.paths('keel')).toHaveLength(100)
})

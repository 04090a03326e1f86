/** What survives `kill -9`: a process is killed at random moments of indexing until the work is done, and nothing may be lost or doubled. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openPgliteDatabase } from '@keelson/pglite'
import { expect, onTestFinished, test } from 'vitest'
import { randomMarkdown, seededRandom } from './seeded-random.ts'
import { temporaryFolder, writeFiles } from './temporary-folder.ts'
import { openTestService } from './test-service.ts'
import { documentsWithVectors, openTestVectors } from './test-vectors.ts'

const queries = ['keel', 'rudder anchor', 'compass harbour tide', '7', 'plank']
const indexingChild = new URL('./indexing-child.ts', import.meta.url)
const vectorsChild = new URL('./vectors-child.ts', import.meta.url)

/** What the child said that it found when it began. */
function runUntilKilled(
  child: URL,
  dataFolder: string,
  { messages, delayMs, folder = '' }: { messages: number; delayMs: number; folder?: string },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const running = spawn(process.execPath, [fileURLToPath(child), dataFolder, `${messages}`, `${delayMs}`, folder], {
      // The lines it runs are counted in this process.
      env: { ...process.env, NODE_V8_COVERAGE: '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    running.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    running.on('error', reject)
    running.on('close', (code, signal) => {
      if (code === 0 || signal === 'SIGKILL') resolve(Number.parseInt(said, 10))
      else reject(new Error(`the child ended with ${code ?? signal}`))
    })
  })
}

async function answers(service: Awaited<ReturnType<typeof openTestService>>): Promise<unknown> {
  const results = await Promise.all(queries.map((query) => service.search(query, 1_000)))
  const { documents } = await service.store.list({ limit: 1_000, offset: 0 })
  return {
    found: results.map(({ hits, total }) => ({ total, hits })),
    documents: documents.map(({ indexedAt: _, ...document }) => document),
  }
}

test('indexing killed again and again ends as if it had never been disturbed', { timeout: 180_000 }, async () => {
  const random = seededRandom(9)
  const folder = temporaryFolder()
  writeFiles(
    folder,
    Object.fromEntries(
      Array.from({ length: 320 }, (_, at) => [`${at % 7}/${at}.md`, randomMarkdown(random, 20 + random.below(600))]),
    ),
  )
  const undisturbed = await openPgliteDatabase()
  onTestFinished(() => undisturbed.close())
  const reference = await openTestService(undisturbed, { startFolder: folder })
  expect(await reference.latest()).toMatchObject({ state: 'done', indexed: 320 })

  const dataFolder = temporaryFolder()
  const stored: number[] = []
  for (let round = 0; round < 6; round++) {
    const end = { messages: 9 + random.below(7), delayMs: random.below(12), folder }
    stored.push(await runUntilKilled(indexingChild, dataFolder, end))
  }
  // Each process found what the ones before had stored, and several were killed half-way.
  expect(stored).toEqual([...stored].sort((a, b) => a - b))
  expect(new Set(stored.filter((count) => count > 0 && count < 320)).size).toBeGreaterThan(2)

  const database = await openPgliteDatabase({ folder: join(dataFolder, 'database') })
  onTestFinished(() => database.close())
  const service = await openTestService(database, { startFolder: folder, dataFolder })
  expect(await service.latest()).toMatchObject({ state: 'done', found: 320, done: 320, skipped: 0, removed: 0 })
  expect(await answers(service)).toEqual(await answers(reference))
  const { rows } = await database.query(
    'select from documents_chunks left join documents on id = document_id where id is null or state <> $1',
    ['live'],
  )
  expect(rows).toHaveLength(0)
})

test('making vectors killed again and again ends as if it had never been disturbed', { timeout: 180_000 }, async () => {
  const random = seededRandom(10)
  const folder = temporaryFolder()
  const dataFolder = temporaryFolder()
  writeFiles(
    folder,
    Object.fromEntries(
      Array.from({ length: 500 }, (_, at) => [`${at}.md`, randomMarkdown(random, 100 + random.below(500))]),
    ),
  )
  const first = await openPgliteDatabase({ folder: join(dataFolder, 'database') })
  const indexed = await openTestService(first, { startFolder: folder, dataFolder })
  expect(await indexed.latest()).toMatchObject({ state: 'done', indexed: 500 })
  await indexed.close()
  await first.close()

  const stored: number[] = []
  for (let round = 0; round < 6; round++) {
    const end = { messages: 6 + random.below(6), delayMs: random.below(6) }
    stored.push(await runUntilKilled(vectorsChild, dataFolder, end))
  }
  expect(stored).toEqual([...stored].sort((a, b) => a - b))
  expect(new Set(stored.filter((count) => count > 0 && count < 500)).size).toBeGreaterThan(2)

  const database = await openPgliteDatabase({ folder: join(dataFolder, 'database') })
  onTestFinished(() => database.close())
  const { rows } = await database.query<{ missing: number }>(
    'select sum(chunks)::int as missing from documents where id not in (select document_id from documents_vectors)',
  )
  const vectors = await openTestVectors(database, dataFolder)
  await vectors.whole()
  // What was stored is not made again.
  expect(vectors.embedded).toBe(rows[0]?.missing)
  expect(await documentsWithVectors(database)).toBe(500)
  const answers = await Promise.all(queries.map((query) => vectors.search(query)))
  await vectors.close()

  await database.query('delete from documents_vectors')
  const anew = await openTestVectors(database)
  await anew.whole()
  expect(await Promise.all(queries.map((query) => anew.search(query)))).toEqual(answers)
  await anew.close()
})

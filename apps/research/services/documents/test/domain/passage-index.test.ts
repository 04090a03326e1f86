import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { randomMarkdown, seededRandom } from '../seeded-random.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { clearDatabase, databaseForTests } from '../test-database.ts'
import { openTestService } from '../test-service.ts'

const database = databaseForTests()
const queries = ['keel', 'rudder anchor', 'the compass', '7', 'mast hull sail tide']

type Service = Awaited<ReturnType<typeof openTestService>>

async function answers(service: Service): Promise<unknown[]> {
  const results = await Promise.all(queries.map((query) => service.search(query)))
  return results.map(({ hits, total }) => ({
    total,
    hits: hits.map(({ chunkId, score, text }) => ({ chunkId, score, text })),
  }))
}

/** What an index answers that is built from the database alone. */
async function answersOfRebuild(): Promise<unknown[]> {
  return answers(await openTestService(database()))
}

async function changeSomething(service: Service, seed: number): Promise<void> {
  const random = seededRandom(seed)
  for (let count = 0; count < 12; count++) {
    const path = `${random.below(8)}.md`
    const { documents } = await service.store.list({ limit: 100, offset: 0 })
    if (random.below(3) === 0 && documents.some((document) => document.path === path)) await service.remove(path)
    else await service.upload(path, randomMarkdown(random, random.below(1_500)))
  }
}

test('the index follows any history and equals one built anew', async () => {
  const service = await openTestService(database())
  for (let seed = 0; seed < 6; seed++) {
    await changeSomething(service, seed)
    expect(await answers(service)).toEqual(await answersOfRebuild())
  }
})

test('a snapshot that is behind the database is opened and brought up to date', async () => {
  const dataFolder = temporaryFolder()
  const first = await openTestService(database(), { dataFolder })
  await changeSomething(first, 1)
  await first.close()
  const meanwhile = await openTestService(database())
  await changeSomething(meanwhile, 2)
  const second = await openTestService(database(), { dataFolder })
  expect(second.refused).toEqual([])
  expect(await answers(second)).toEqual(await answersOfRebuild())
})

test('a snapshot is written only when something has changed, and leaves no other file behind', async () => {
  const dataFolder = temporaryFolder()
  const file = join(dataFolder, 'documents.index')
  const first = await openTestService(database(), { dataFolder })
  await changeSomething(first, 1)
  await first.close()
  const bytes = readFileSync(file)
  writeFileSync(file, 'marked')
  await first.close()
  expect(readFileSync(file, 'utf8')).toBe('marked')
  writeFileSync(file, bytes)
  const second = await openTestService(database(), { dataFolder })
  rmSync(file)
  await second.close()
  expect(readdirSync(dataFolder)).toEqual([])
  await second.upload('x.md', 'keel')
  await second.close()
  expect(readdirSync(dataFolder)).toEqual(['documents.index'])
})

test('a damaged snapshot is refused and the index built again', async () => {
  const dataFolder = temporaryFolder()
  const file = join(dataFolder, 'documents.index')
  const first = await openTestService(database(), { dataFolder })
  await changeSomething(first, 3)
  await first.close()
  const whole = readFileSync(file)
  const damaged = [
    whole.subarray(0, whole.length / 2),
    Buffer.alloc(0),
    Buffer.from('not an index'),
    Buffer.concat([whole, whole]),
  ]
  for (const bytes of damaged) {
    writeFileSync(file, bytes)
    const service = await openTestService(database(), { dataFolder })
    expect(service.refused).toHaveLength(1)
    expect(await answers(service)).toEqual(await answersOfRebuild())
    await service.close()
    const again = await openTestService(database(), { dataFolder })
    expect(again.refused).toEqual([])
  }
})

test('a snapshot of another database or ahead of this one is refused', async () => {
  const dataFolder = temporaryFolder()
  const first = await openTestService(database(), { dataFolder })
  await changeSomething(first, 4)
  await first.close()
  await database().query('update documents_changes set value = 1')
  const ahead = await openTestService(database(), { dataFolder })
  expect(ahead.refused).toEqual(['it is ahead of the database'])
  await clearDatabase(database())
  const other = await openTestService(database(), { dataFolder })
  expect(other.refused).toEqual(['it belongs to another database'])
  await changeSomething(other, 5)
  expect(await answers(other)).toEqual(await answersOfRebuild())
})

test('a snapshot that cannot be written is reported and nothing else is lost', async () => {
  const dataFolder = temporaryFolder()
  mkdirSync(join(dataFolder, 'documents.index/full'), { recursive: true })
  const service = await openTestService(database(), { dataFolder })
  expect(service.refused).toHaveLength(1)
  await service.upload('a.md', 'keel')
  await service.close()
  expect(service.failed).toHaveLength(1)
  expect(readdirSync(dataFolder)).toEqual(['documents.index'])
  expect(await service.paths('keel')).toEqual(['a.md'])
})

test('catchUp() called many times at once shows each caller its own change', async () => {
  const service = await openTestService(database())
  await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      await service.upload(`${index}.md`, `keel number${index}`)
      expect(await service.paths(`number${index}`)).toEqual([`${index}.md`])
    }),
  )
})

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isError } from '@keelson/kernel'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPgliteDatabase } from '../src/index.ts'
import { asOrdinaryUser } from './ordinary-user.ts'

const root = mkdtempSync(join(tmpdir(), 'keelson-pglite-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('openPgliteDatabase() with a folder', () => {
  const folder = join(root, 'data', 'nested')

  beforeAll(async () => {
    const database = await openPgliteDatabase({ folder })
    await database.query('create table written (value text)')
    await database.query(`insert into written values ('before')`)
    await database.close()
  })

  test('keeps rows from one opening to the next', async () => {
    const database = await openPgliteDatabase({ folder })
    await database.query(`insert into written values ('after')`)
    await database.close()
    const again = await openPgliteDatabase({ folder })
    expect((await again.query('select value from written order by value')).rows).toEqual([
      { value: 'after' },
      { value: 'before' },
    ])
    await again.close()
    expect(readdirSync(folder).sort()).toEqual(['database', 'database.lock'])
  })

  test('refuses a folder that this process has open, by whatever name', async () => {
    const link = join(root, 'link')
    symlinkSync(folder, link)
    const database = await openPgliteDatabase({ folder })
    for (const name of [folder, link, `${folder}/../nested`]) await refusedWith('DATABASE_IN_USE', name)
    await expect(database.query('select 1')).resolves.toBeDefined()
    await database.close()
    await (await openPgliteDatabase({ folder: link })).close()
  })

  test('lets only one of several that open at once have it', async () => {
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => openPgliteDatabase({ folder })))
    const opened = outcomes.filter((outcome) => outcome.status === 'fulfilled')
    expect(opened).toHaveLength(1)
    await Promise.all(opened.map(({ value }) => value.close()))
  })

  test('refuses a folder that another process has open, and takes it over when that one is killed', async () => {
    const child = holdFolder(folder)
    const committed = await killAfterLines(child, 50, () => refusedWith('DATABASE_IN_USE', folder))
    const database = await openPgliteDatabase({ folder })
    const { rows } = await database.query<{ value: number }>('select value from kept order by value')
    // The row whose number was not printed any more may or may not have been committed.
    expect(rows.slice(0, committed).map(({ value }) => value)).toEqual(
      Array.from({ length: committed }, (_, index) => index + 1),
    )
    expect(rows.length - committed).toBeLessThanOrEqual(1)
    await database.close()
  })

  test('refuses a database of another PostgreSQL version, and one that is damaged, and lets go of the folder', async () => {
    const version = join(folder, 'database', 'PG_VERSION')
    const original = readFileSync(version)
    writeFileSync(version, '99\n')
    expect(await refusedWith('DATABASE_FOLDER_UNUSABLE', folder)).toContain('written by PostgreSQL 99')
    writeFileSync(version, original)
    const control = join(folder, 'database', 'global', 'pg_control')
    const intact = readFileSync(control)
    writeFileSync(control, intact.subarray(0, 100))
    await refusedWith('DATABASE_FOLDER_UNUSABLE', folder)
    writeFileSync(control, intact)
    await (await openPgliteDatabase({ folder })).close()
  })
})

describe('openPgliteDatabase() with a folder that cannot be used', () => {
  const file = join(root, 'file')
  beforeAll(() => writeFileSync(file, 'not a folder'))

  test('says that a file stands in the way', async () => {
    expect(await refusedWith('DATABASE_FOLDER_UNUSABLE', file)).toContain('EEXIST')
    expect(await refusedWith('DATABASE_FOLDER_UNUSABLE', join(file, 'below'))).toContain('ENOTDIR')
  })

  test.skipIf(process.platform === 'win32')('says that permission is denied', async () => {
    const closed = join(root, 'closed')
    mkdirSync(closed, { mode: 0o500 })
    await asOrdinaryUser(async () => {
      expect(await refusedWith('DATABASE_FOLDER_UNUSABLE', closed)).toContain('EACCES')
      expect(await refusedWith('DATABASE_FOLDER_UNUSABLE', join(closed, 'below'))).toContain('EACCES')
    })
  })

  test('leaves alone what is no database and no lock of ours', async () => {
    const foreign = join(root, 'foreign')
    mkdirSync(join(foreign, 'database'), { recursive: true })
    writeFileSync(join(foreign, 'database', 'precious'), 'data')
    expect(await refusedWith('DATABASE_FOLDER_UNUSABLE', foreign)).toContain('PG_VERSION is missing')
    expect(readFileSync(join(foreign, 'database', 'precious'), 'utf8')).toBe('data')
    rmSync(join(foreign, 'database.lock'))
    writeFileSync(join(foreign, 'database.lock'), 'something else entirely, longer than a header of SQLite, '.repeat(9))
    expect(await refusedWith('DATABASE_FOLDER_UNUSABLE', foreign)).toContain('lock file')
  })
})

describe('openPgliteDatabase() after a process was killed while it made the database', () => {
  test('starts again from nothing', async () => {
    const folder = join(root, 'killed')
    const random = seeded(20260101)
    const points = [1, ...Array.from({ length: 3 }, () => Math.floor(random() * 1_000))]
    for (const files of points) {
      const child = holdFolder(folder)
      await Promise.race([filesIn(join(folder, 'database.new'), files, child), once(child, 'exit')])
      await kill(child)
      if (existsSync(join(folder, 'database'))) break
    }
    const database = await openPgliteDatabase({ folder })
    await expect(database.query('select count(*) from pg_class')).resolves.toBeDefined()
    await database.close()
    expect(readdirSync(folder).sort()).toEqual(['database', 'database.lock'])
  })
})

/** The reason that opening `folder` is refused with `code`. */
async function refusedWith(code: string, folder: string): Promise<string> {
  const error = await openPgliteDatabase({ folder }).then(
    async (database) => {
      await database.close()
      return expect.fail(`opened "${folder}" though ${code} is due`)
    },
    (reason: unknown) => reason,
  )
  if (!isError(error, code)) throw error
  return String(error.details['reason'] ?? '')
}

function holdFolder(folder: string): ChildProcess {
  const program = fileURLToPath(new URL('./hold-folder.ts', import.meta.url))
  return spawn(process.execPath, [program, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** The number of lines that `child` printed until it was killed, which is soon after the first `count`, once `then` has run. */
async function killAfterLines(child: ChildProcess, count: number, then: () => Promise<unknown>): Promise<number> {
  if (!child.stdout) return expect.fail('the child has no output')
  let lines = 0
  let isDue = false
  for await (const _ of createInterface({ input: child.stdout })) {
    lines += 1
    if (lines < count || isDue) continue
    isDue = true
    await then()
    child.kill('SIGKILL')
  }
  return lines
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** Resolves when `folder` exists and holds `count` files, or the child that makes them has ended. */
async function filesIn(folder: string, count: number, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    if (existsSync(folder) && listFiles(folder).length >= count) return
    if (existsSync(join(folder, '..', 'database'))) return
    await pause(1)
  }
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
  } catch {
    return []
  }
}

/** Numbers from 0 to 1 that are the same in every run (a linear congruential generator). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

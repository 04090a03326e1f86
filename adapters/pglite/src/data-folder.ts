/**
 * The layout of a data folder: `database` is PGlite's own, `database.lock` says that it is taken. A new database is made under the name
 * `database.new` and renamed when it is complete, so that a process killed on the way leaves nothing that looks like a database.
 */
import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { kernelErrors } from '@keelson/kernel'
import { fileReason } from './folder-lock.ts'

/** The major version of the PostgreSQL in PGlite: the only one whose files it reads. */
const postgresMajor = '18'

/**
 * Where the database of `folder` is, made by `create` if there is none. The caller holds the folder's lock. Throws
 * DATABASE_FOLDER_UNUSABLE for a database of another PostgreSQL version, for what is no database, and when it cannot be made.
 */
export async function findDatabase(folder: string, create: (dataFolder: string) => Promise<void>): Promise<string> {
  const dataFolder = join(folder, 'database')
  try {
    if (isMissing(dataFolder)) await createWhole(folder, dataFolder, create)
  } catch (cause) {
    throw kernelErrors.DATABASE_FOLDER_UNUSABLE({ folder, reason: fileReason(cause) }, { cause })
  }
  const version = versionOf(dataFolder)
  if (version === postgresMajor) return dataFolder
  const reason =
    version === undefined
      ? `"${dataFolder}" holds no PostgreSQL database (PG_VERSION is missing)`
      : `it was written by PostgreSQL ${version}, and this version of the program brings PostgreSQL ${postgresMajor}`
  throw kernelErrors.DATABASE_FOLDER_UNUSABLE({ folder, reason })
}

/** An empty folder counts as missing: somebody made it in advance, for its permissions or as a mount point. */
function isMissing(dataFolder: string): boolean {
  try {
    return readdirSync(dataFolder).length === 0
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return true
    throw error
  }
}

async function createWhole(
  folder: string,
  dataFolder: string,
  create: (dataFolder: string) => Promise<void>,
): Promise<void> {
  const unfinished = join(folder, 'database.new')
  rmSync(unfinished, { recursive: true, force: true })
  try {
    await create(unfinished)
    removeEmpty(dataFolder)
    renameSync(unfinished, dataFolder)
    syncFolder(folder)
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true })
    throw error
  }
}

function removeEmpty(dataFolder: string): void {
  try {
    rmdirSync(dataFolder)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
}

/** Makes the rename itself survive a power cut, on the systems that let a folder be opened. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

function versionOf(dataFolder: string): string | undefined {
  try {
    return readFileSync(join(dataFolder, 'PG_VERSION'), 'utf8').trim()
  } catch {
    return undefined
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

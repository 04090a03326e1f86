/**
 * An exclusive lock on a data folder, since PGlite takes none: a second process would open the same files without a word and ruin them.
 * SQLite holds the lock on a file of its own, because the operating system then lets go of it whatever way the process ends, which no
 * file with a process id in it can promise.
 */
import { accessSync, constants, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { kernelErrors, reasonOf } from '@keelson/kernel'

export interface FolderLock {
  /** Safe to repeat. */
  release(): void
}

/**
 * Creates `folder` where it is missing and locks it, against other processes and this one alike. Throws DATABASE_IN_USE when somebody
 * holds it, and DATABASE_FOLDER_UNUSABLE when it cannot be created or written.
 */
export function lockFolder(folder: string): FolderLock {
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw kernelErrors.DATABASE_FOLDER_UNUSABLE({ folder, reason: fileReason(cause) }, { cause })
  }
  let file: DatabaseSync | undefined
  try {
    file = new DatabaseSync(join(folder, 'database.lock'), { timeout: 0 })
    // Nothing is ever written to it, so it needs no journal file beside it.
    file.exec('pragma locking_mode = exclusive; pragma journal_mode = memory; begin exclusive')
  } catch (cause) {
    file?.close()
    if (isBusy(cause)) throw kernelErrors.DATABASE_IN_USE({ folder })
    const reason = `its lock file cannot be used: ${reasonOf(cause)}`
    throw kernelErrors.DATABASE_FOLDER_UNUSABLE({ folder, reason }, { cause })
  }
  const held = file
  return {
    release: () => {
      if (held.isOpen) held.close()
    },
  }
}

/** What the file system said, in words where its code alone misleads. */
export function fileReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if ('code' in error && error.code === 'EEXIST') return 'EEXIST: a file has this name'
  return error.message
}

/** SQLite's extended codes carry the plain one in the low byte: 5 is SQLITE_BUSY, 6 is SQLITE_LOCKED. */
function isBusy(error: unknown): boolean {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return false
  const code = error.errcode & 0xff
  return code === 5 || code === 6
}

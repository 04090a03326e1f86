/** Which folders may be indexed. Decided on real paths: a link inside an allowed root does not open what lies outside. */
import { realpath } from 'node:fs/promises'
import { isAbsolute, resolve } from 'node:path'
import { documentsErrors } from '../errors.ts'
import { assertFolderReadable, folderError, isInside } from './scan.ts'

/**
 * The real path of a folder that the configuration names; a relative one is taken from the working directory. Rejects with
 * DOCUMENTS_FOLDER_MISSING or DOCUMENTS_FOLDER_UNREADABLE.
 */
export async function resolveFolder(folder: string): Promise<string> {
  const path = resolve(folder)
  const real = await realpath(path).catch((cause: unknown) => {
    throw folderError(path, cause)
  })
  await assertFolderReadable(real)
  return real
}

/**
 * The real path of a folder that a caller names. Rejects like `resolveFolder`, with DOCUMENTS_FOLDER_INVALID unless it is an absolute
 * path, and with DOCUMENTS_FOLDER_NOT_ALLOWED outside `roots`.
 */
export async function resolveAllowedFolder(folder: string, roots: readonly string[]): Promise<string> {
  if (!isAbsolute(folder) || folder.includes('\0')) throw documentsErrors.DOCUMENTS_FOLDER_INVALID({ folder })
  const real = await realpath(folder).catch((cause: unknown) => {
    throw folderError(folder, cause)
  })
  // Before anything else is told of it: an outsider learns of a folder only that it exists.
  if (!(await isAllowed(real, roots))) throw documentsErrors.DOCUMENTS_FOLDER_NOT_ALLOWED({ folder })
  await assertFolderReadable(real)
  return real
}

/** Roots are looked up each time, since one may be made or moved while the service runs. */
async function isAllowed(real: string, roots: readonly string[]): Promise<boolean> {
  for (const root of roots) {
    const realRoot = await realpath(resolve(root)).catch(() => undefined)
    if (realRoot !== undefined && isInside(realRoot, real)) return true
  }
  return false
}

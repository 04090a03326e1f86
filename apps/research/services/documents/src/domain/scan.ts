/**
 * Walks a folder and names every file in it, in an order that is the same on each run. Real folders come before links, so that what can
 * be reached twice keeps its own path; a link is followed only inside the folder, and each real file and folder is visited once.
 */
import type { Dirent } from 'node:fs'
import { opendir, readdir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { isError, type KeelsonError } from '@keelson/kernel'
import { documentsErrors } from '../errors.ts'
import { formatOf } from './formats/formats.ts'
import { reasonOf, systemCodeOf } from './reason-of.ts'

/** One thing found. `path` is relative to the folder, with forward slashes. */
export type Found =
  | { readonly kind: 'file'; readonly path: string; readonly realPath: string }
  /** What cannot be indexed. `unseen`: a folder or link that is there and may hold files that cannot be reached now. */
  | { readonly kind: 'skipped'; readonly path: string; readonly error: KeelsonError; readonly unseen: boolean }

/**
 * Everything under `folder`, which is an absolute real path. Hidden entries (`.name`) and `node_modules` are passed over silently. What
 * goes wrong inside is reported as an item; rejects only when `folder` itself cannot be read, with DOCUMENTS_FOLDER_MISSING or
 * DOCUMENTS_FOLDER_UNREADABLE, and with the signal's reason when it aborts.
 *
 * @param entered is told the real path of every folder that is read.
 */
export async function* scan(
  folder: string,
  signal?: AbortSignal,
  entered: (realPath: string) => void = () => {},
): AsyncGenerator<Found, void> {
  const walk: Walk = { folder, visited: new Set(), links: [], signal, entered }
  await assertFolderReadable(folder)
  yield* walkFolder(walk, '', folder)
  // A link's target may hold links itself, so the list grows while it is worked off.
  for (const link of walk.links) yield* followLink(walk, link)
}

/** Rejects with DOCUMENTS_FOLDER_MISSING or DOCUMENTS_FOLDER_UNREADABLE when `folder` is not there, no folder, or may not be read. */
export async function assertFolderReadable(folder: string): Promise<void> {
  try {
    const handle = await opendir(folder)
    await handle.close()
  } catch (cause) {
    throw folderError(folder, cause)
  }
}

/** The named error for what the system said about a folder. */
export function folderError(folder: string, cause: unknown): KeelsonError {
  if (systemCodeOf(cause) === 'ENOENT') return documentsErrors.DOCUMENTS_FOLDER_MISSING({ folder }, { cause })
  return documentsErrors.DOCUMENTS_FOLDER_UNREADABLE({ folder, reason: reasonOf(cause) }, { cause })
}

interface Walk {
  readonly folder: string
  /** Real paths of the files and folders seen so far. */
  readonly visited: Set<string>
  readonly links: { readonly path: string; readonly realParent: string; readonly name: string }[]
  readonly signal: AbortSignal | undefined
  readonly entered: (realPath: string) => void
}

async function* walkFolder(walk: Walk, path: string, realPath: string): AsyncGenerator<Found, void> {
  walk.signal?.throwIfAborted()
  if (walk.visited.has(realPath)) return
  walk.visited.add(realPath)
  walk.entered(realPath)
  let entries: Dirent<Buffer>[]
  try {
    entries = await readdir(realPath, { withFileTypes: true, encoding: 'buffer' })
  } catch (cause) {
    if (path === '') throw folderError(walk.folder, cause)
    yield unreadable(path, cause)
    return
  }
  entries.sort((a, b) => a.name.compare(b.name))
  for (const entry of entries) yield* visit(walk, path, realPath, entry)
}

async function* visit(
  walk: Walk,
  parent: string,
  realParent: string,
  entry: Dirent<Buffer>,
): AsyncGenerator<Found, void> {
  const name = entry.name.toString()
  if (name.startsWith('.') || name === 'node_modules') return
  const path = parent === '' ? name : `${parent}/${name}`
  const badName = problemOfName(entry.name, name)
  if (badName) {
    const shown = path.replaceAll(controlCharacter, '\ufffd')
    yield skipped(shown, documentsErrors.DOCUMENTS_FILE_NAME({ path: shown, reason: badName }), false)
  } else if (entry.isSymbolicLink()) walk.links.push({ path, realParent, name })
  else if (entry.isDirectory()) yield* walkFolder(walk, path, join(realParent, name))
  else if (entry.isFile()) {
    walk.visited.add(join(realParent, name))
    yield fileAt(path, join(realParent, name))
  } else
    yield skipped(path, documentsErrors.DOCUMENTS_FILE_UNSUPPORTED({ path, reason: 'it is no regular file' }), false)
}

async function* followLink(walk: Walk, link: Walk['links'][number]): AsyncGenerator<Found, void> {
  const { path } = link
  walk.signal?.throwIfAborted()
  try {
    const target = await realpath(join(link.realParent, link.name))
    if (walk.visited.has(target)) return
    if (!isInside(walk.folder, target)) {
      yield skipped(path, documentsErrors.DOCUMENTS_LINK_OUTSIDE({ path }), false)
      return
    }
    const stats = await stat(target)
    if (stats.isDirectory()) yield* walkFolder(walk, path, target)
    else {
      walk.visited.add(target)
      yield stats.isFile()
        ? fileAt(path, target)
        : skipped(path, documentsErrors.DOCUMENTS_FILE_UNSUPPORTED({ path, reason: 'it is no regular file' }), false)
    }
  } catch (cause) {
    if (walk.signal?.aborted) throw cause
    yield unreadable(path, cause)
  }
}

/** True when the real path `target` is `folder` or lies in it. */
export function isInside(folder: string, target: string): boolean {
  return target === folder || target.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}

function fileAt(path: string, realPath: string): Found {
  try {
    formatOf(path)
    return { kind: 'file', path, realPath }
  } catch (error) {
    if (isError(error, 'DOCUMENTS_FILE_UNSUPPORTED')) return skipped(path, error, false)
    throw error
  }
}

const controlCharacter = /\p{Cc}/gu

function problemOfName(bytes: Buffer, name: string): string | undefined {
  if (!Buffer.from(name).equals(bytes)) return 'is not valid UTF-8'
  return name.search(controlCharacter) >= 0 ? 'holds control characters' : undefined
}

function skipped(path: string, error: KeelsonError, unseen: boolean): Found {
  return { kind: 'skipped', path, error, unseen }
}

function unreadable(path: string, cause: unknown): Found {
  const unseen = systemCodeOf(cause) !== 'ENOENT'
  return skipped(path, documentsErrors.DOCUMENTS_FILE_UNREADABLE({ path, reason: reasonOf(cause) }, { cause }), unseen)
}

/** What comes in as a request body becomes a document like any file, under a path that names it and nothing on the disk. */
import { documentsErrors } from '../errors.ts'
import { type DocumentDraft, draftDocument, hashOf } from './document-draft.ts'
import type { FileReaders } from './file-readers.ts'
import { formatOf } from './formats/formats.ts'

export interface Upload {
  readonly path: string
  readonly content: string
  /** How `content` stands for the bytes of the file. */
  readonly encoding: 'utf-8' | 'base64'
}

/**
 * A document of an upload. Rejects with DOCUMENTS_PATH_INVALID, DOCUMENTS_FILE_TOO_LARGE, DOCUMENTS_FILE_UNSUPPORTED (by the extension of
 * the path), or what `readers` reject with. `now` is in milliseconds since 1970.
 */
export async function draftUpload(
  { path: given, content, encoding }: Upload,
  { readers, maxBytes, now }: { readers: Pick<FileReaders, 'read'>; maxBytes: number; now: number },
): Promise<DocumentDraft> {
  const path = normalisePath(given)
  const { type } = formatOf(path)
  const bytes = Buffer.from(content, encoding)
  if (bytes.length > maxBytes) throw documentsErrors.DOCUMENTS_FILE_TOO_LARGE({ path, limit: maxBytes })
  const about = { folder: '', path, type, bytes: bytes.length, modifiedAt: now, stamp: '', hash: hashOf(bytes) }
  return draftDocument({ ...about, ...(await readers.read(bytes, path)) })
}

/** The path in Unicode's composed form and without `.` segments. Throws DOCUMENTS_PATH_INVALID. */
export function normalisePath(path: string): string {
  const refuse = (reason: string) => documentsErrors.DOCUMENTS_PATH_INVALID({ path, reason })
  if (!path.isWellFormed() || /\p{Cc}/u.test(path)) throw refuse('it holds control characters or half a surrogate pair')
  if (path.includes('\\')) throw refuse('it holds a backslash; folders are separated by "/"')
  if (path.startsWith('/') || /^[a-z]:/i.test(path)) throw refuse('it is absolute')
  const segments = path.normalize('NFC').split('/')
  if (segments.includes('')) throw refuse('it has an empty segment')
  if (segments.includes('..')) throw refuse('it leads upwards with ".."')
  const kept = segments.filter((segment) => segment !== '.')
  if (kept.length === 0) throw refuse('it names no file')
  return kept.join('/')
}

/**
 * From bytes to text, strictly: what is not UTF-8 text is refused by name rather than indexed as noise. Line ends are kept as they are,
 * so that offsets are those of the file.
 */

import type { Document } from '../contract.ts'
import { documentsErrors } from '../errors.ts'

export type DocumentType = Document['type']

const types: ReadonlyMap<string, DocumentType> = new Map([
  ['md', 'markdown'],
  ['markdown', 'markdown'],
  ['txt', 'text'],
  ['text', 'text'],
])

/** The type by the extension of `path`, in any case. Throws DOCUMENTS_FILE_UNSUPPORTED for any other. */
export function documentTypeOf(path: string): DocumentType {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const dot = name.lastIndexOf('.')
  const type = dot > 0 ? types.get(name.slice(dot + 1).toLowerCase()) : undefined
  if (type) return type
  const known = [...types.keys()].map((extension) => `.${extension}`).join(', ')
  throw documentsErrors.DOCUMENTS_FILE_UNSUPPORTED({ path, reason: `only ${known} are indexed` })
}

/**
 * The text of a file, without a byte order mark. `path` is for messages. Throws DOCUMENTS_FILE_EMPTY, DOCUMENTS_FILE_BINARY or
 * DOCUMENTS_FILE_ENCODING.
 */
export function decode(bytes: Uint8Array, path: string): string {
  // PostgreSQL keeps no NUL in a text, and no text that people write has one.
  if (bytes.includes(0)) throw documentsErrors.DOCUMENTS_FILE_BINARY({ path })
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw documentsErrors.DOCUMENTS_FILE_ENCODING({ path }, { cause })
  }
  // The decoder takes one mark away; files that were joined or converted twice have more.
  text = text.replace(/^\ufeff+/, '')
  if (text === '') throw documentsErrors.DOCUMENTS_FILE_EMPTY({ path })
  return text
}

/**
 * From bytes to text, strictly: what is not UTF-8 text is refused by name rather than indexed as noise. Line ends are kept as they are,
 * so that offsets are those of the file.
 */
import { documentsErrors } from '../../errors.ts'

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

/**
 * From bytes to text: UTF-8, UTF-16 with a byte order mark, the encoding that an HTML page names, and what old Western programs wrote
 * (Windows-1252, Latin-1). Anything else is refused by name rather than indexed as noise. Line ends are kept as they are, so that offsets
 * are those of the file.
 */
import { documentsErrors } from '../../errors.ts'

/**
 * The text of a file, without a byte order mark. `path` is for messages, `declared` the encoding that the file itself names, by any label of
 * the WHATWG Encoding Standard. Throws DOCUMENTS_FILE_EMPTY, DOCUMENTS_FILE_BINARY or DOCUMENTS_FILE_ENCODING.
 */
export function decode(bytes: Uint8Array, path: string, declared?: string): string {
  const declaredText = () => (declared === undefined ? undefined : strict(declared, bytes))
  const decoded = markedText(bytes) ?? strict('utf-8', bytes) ?? declaredText() ?? westernText(bytes)
  // PostgreSQL keeps no NUL in a text, and no text that people write has one.
  if (decoded?.includes('\0') || (decoded === undefined && bytes.includes(0)))
    throw documentsErrors.DOCUMENTS_FILE_BINARY({ path })
  if (decoded === undefined) throw documentsErrors.DOCUMENTS_FILE_ENCODING({ path })
  // The decoder takes one mark away; files that were joined or converted twice have more.
  const text = decoded.replace(/^\ufeff+/, '')
  if (text === '') throw documentsErrors.DOCUMENTS_FILE_EMPTY({ path })
  return text
}

function markedText(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return strict('utf-16le', bytes)
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return strict('utf-16be', bytes)
  return undefined
}

/** As Windows-1252, which holds Latin-1; undefined for what is more likely damaged UTF-8, another alphabet or no text. */
function westernText(bytes: Uint8Array): string | undefined {
  if (looksLikeUtf8(bytes)) return undefined
  const text = strict('windows-1252', bytes)
  if (text === undefined || /[^\P{Cc}\t\n\f\r]/u.test(text)) return undefined
  // Western texts are written in ASCII for the most part; others in eight bits are not.
  const beyond = text.match(/[^\p{ASCII}]/gu)?.length ?? 0
  const letters = text.match(/[A-Za-z]/g)?.length ?? 0
  return beyond < letters ? text : undefined
}

/** Whether more of what is not ASCII reads as UTF-8 than does not. */
function looksLikeUtf8(bytes: Uint8Array): boolean {
  let readable = 0
  let broken = 0
  for (const [character] of new TextDecoder().decode(bytes).matchAll(/[^\p{ASCII}]/gu)) {
    if (character === '\ufffd') broken++
    else readable++
  }
  return readable > broken
}

/** Undefined for an encoding that is not known, and for bytes that are none of its text. */
function strict(encoding: string, bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/**
 * From bytes to text: by the byte order mark, by the encoding that the file names, as UTF-8, or by what its letters tell. Anything else is
 * refused by name rather than indexed as noise. Line ends are kept as they are, so that lines are those of the file.
 */
import { documentsErrors } from '../../errors.ts'
import { detectedText, sampleBytes } from './detect-encoding.ts'
import { encodingName, isMultiByte, looksLikeAscii, mostlyText, strictText } from './encodings.ts'

/**
 * The text of a file, without a byte order mark. `path` is for messages, `declared` the encoding that the file itself names, by any label.
 * Throws DOCUMENTS_FILE_EMPTY, DOCUMENTS_FILE_BINARY or DOCUMENTS_FILE_ENCODING.
 */
export function decode(bytes: Uint8Array, path: string, declared?: string): string {
  const encoding = declared === undefined ? undefined : encodingName(declared)
  const decoded = markedText(bytes) ?? declaredText(bytes, encoding) ?? undeclaredText(bytes, encoding)
  // PostgreSQL keeps no NUL in a text, and no text that people write has one.
  if (decoded?.includes('\0') || (decoded === undefined && bytes.includes(0)))
    throw documentsErrors.DOCUMENTS_FILE_BINARY({ path })
  if (decoded === undefined)
    throw documentsErrors.DOCUMENTS_FILE_ENCODING({ path, ...(encoding !== undefined && { encoding }) })
  // The decoder takes one mark away; files that were joined or converted twice have more.
  const text = decoded.replace(/^\ufeff+/, '')
  if (text === '') throw documentsErrors.DOCUMENTS_FILE_EMPTY({ path })
  return text
}

function markedText(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return strictText('utf-16le', bytes)
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return strictText('utf-16be', bytes)
  return undefined
}

/** What is declared, except where the bytes say that it is a lie: text of other encodings is UTF-8 by accident only when it is short. */
function declaredText(bytes: Uint8Array, encoding: string | undefined): string | undefined {
  // A file in UTF-16 cannot say so in letters of one byte.
  if (encoding === undefined || /^utf-(?:8|16)/.test(encoding)) return undefined
  if (looksLikeAscii(encoding)) return strictText(encoding, bytes)
  const utf8 = strictText('utf-8', bytes)
  const isLie =
    utf8 !== undefined && (isMultiByte(encoding) ? /[\u0800-\uffff]/.test(utf8) : /[^\p{ASCII}]/u.test(utf8))
  return isLie ? utf8 : (strictText(encoding, bytes) ?? mostlyText(encoding, bytes))
}

/** Nothing is guessed against a declaration; what is unknown by name may still be UTF-8, unless its letters would look like ASCII. */
function undeclaredText(bytes: Uint8Array, encoding: string | undefined): string | undefined {
  if (encoding !== undefined && looksLikeAscii(encoding)) return undefined
  const utf8 = strictText('utf-8', bytes)
  if (utf8 !== undefined && !utf8.includes('\0')) {
    if (!utf8.includes('\x1b$')) return utf8
    // Escapes that change the alphabet: one of these encodings can be read, the others are refused.
    return strictText('iso-2022-jp', bytes)
  }
  if (bytes.includes(0)) return wideText(bytes)
  if (encoding !== undefined && encoding !== 'utf-8') return undefined
  if (looksLikeUtf8(bytes)) return mostlyText('utf-8', bytes)
  return detectedText(bytes)
}

/** UTF-16 without a mark: every other byte of what is written in ASCII is zero. */
function wideText(bytes: Uint8Array): string | undefined {
  const sample = bytes.subarray(0, 4_096)
  const zeros = [0, 0]
  for (const [at, byte] of sample.entries()) if (byte === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1
  const [even = 0, odd = 0] = zeros
  if (sample.length < 8 || Math.max(even, odd) * 4 < sample.length || Math.min(even, odd) > 0) return undefined
  return strictText(odd > even ? 'utf-16le' : 'utf-16be', bytes)
}

/** Whether more of what is not ASCII reads as UTF-8 than does not, from the first of it on. */
function looksLikeUtf8(bytes: Uint8Array): boolean {
  let readable = 0
  let broken = 0
  const first = bytes.findIndex((byte) => byte > 0x7f)
  const sample = bytes.subarray(first, first + sampleBytes)
  for (const [character] of new TextDecoder().decode(sample, { stream: true }).matchAll(/[^\p{ASCII}]/gu)) {
    if (character === '\ufffd') broken++
    else readable++
  }
  return readable > broken
}

/** Rich Text Format (.rtf): paragraphs and rows of tables as they are shown. Source: Microsoft, RTF specification 1.9.1. */
import { documentsErrors } from '../../errors.ts'
import { encodingName } from './encodings.ts'
import type { Extract } from './format.ts'
import { limits } from './limits.ts'
import { RichTextReader } from './rich-text-reader.ts'
import { TextBuilder } from './text-builder.ts'

export const extractRichText: Extract = (bytes, path) => {
  const damaged = (reason: string) => documentsErrors.DOCUMENTS_FILE_DAMAGED({ path, reason })
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1').trimStart()
  if (!source.startsWith('{\\rtf')) throw damaged('it does not begin as RTF does')
  const builder = new TextBuilder(path)
  const reader = new RichTextReader(builder, encodingOf(source))
  let depth = 0
  for (const [token, word, number, hex, sign] of tokensOf(source)) {
    if (token === '{') {
      if (++depth > limits.depth) throw damaged(`its groups stand more than ${limits.depth} deep in each other`)
      reader.begin()
    } else if (token === '}') {
      // What follows the end of the first group is no document.
      if (--depth <= 0) break
      reader.end()
    } else if (word !== undefined) reader.word(word, number === undefined || number === '' ? undefined : Number(number))
    else if (hex !== undefined) reader.byte(Number.parseInt(hex, 16))
    else if (sign !== undefined) reader.sign(sign)
    else reader.plain(token)
  }
  if (depth > 0) throw damaged('it is cut short')
  const title = reader.finish()
  const { text, sections } = builder.end()
  if (text.trim() === '') throw documentsErrors.DOCUMENTS_FILE_EMPTY({ path })
  return { text, title, sections, hasLines: false }
}

/** Control words with their number and the space behind, bytes in hexadecimal, other signs, groups, and text between them. */
function* tokensOf(source: string): Generator<RegExpExecArray, void> {
  const pattern = /\\([a-z]{1,32})(-?\d{0,10}) ?|\\'([0-9a-f]{2})|\\([\s\S])|[{}]|[^\\{}\r\n]+|[\r\n]+|\\$/gi
  for (let match = pattern.exec(source); match; match = pattern.exec(source)) {
    // Bytes that follow `\bin` are a picture or the like.
    if (match[1] === 'bin') pattern.lastIndex += Math.max(0, Number(match[2]) || 0)
    else yield match
  }
}

function encodingOf(source: string): string {
  const head = source.slice(0, 1_000)
  const page = /\\ansicpg(\d+)/.exec(head)?.[1]
  const old = /\\mac\b/.test(head) ? 'macintosh' : /\\pca?\b/.test(head) ? 'cp437' : undefined
  return encodingName(page ?? old ?? 'windows-1252') ?? 'windows-1252'
}

/**
 * JSON, JSON by lines, and JSON with comments: shown as it stands, but for escapes, which are read. What cannot be parsed is refused: it is
 * cut short, or no JSON.
 */
import { isRecord } from '@keelson/kernel'
import { documentsErrors } from '../../errors.ts'
import { decode } from './decode.ts'
import { type Extract, type Section, wholeText } from './format.ts'
import { readableJson, strictJson } from './json-text.ts'

export const extractJson: Extract = (bytes, path) => {
  const source = decode(bytes, path)
  const text = readableJson(source)
  if (/\.(?:jsonl|ndjson)$/i.test(path)) {
    for (const line of source.split('\n')) if (line.trim() !== '') parseJson(line, path)
    return { text, title: undefined, sections: linesOf(text), hasLines: true }
  }
  const value = parseJson(source, path)
  const title = isRecord(value) ? [value['title'], value['name']].find((one) => typeof one === 'string') : undefined
  return { text, title: typeof title === 'string' ? title : undefined, sections: wholeText(text), hasLines: true }
}

/** Throws DOCUMENTS_FILE_DAMAGED. */
export function parseJson(text: string, path: string): unknown {
  const refused = (cause: unknown) => {
    const reason = cause instanceof RangeError ? 'it is nested too deeply' : 'it is no JSON, or cut short'
    return documentsErrors.DOCUMENTS_FILE_DAMAGED({ path, reason }, { cause })
  }
  try {
    return JSON.parse(text)
  } catch (strict) {
    try {
      return JSON.parse(strictJson(text))
    } catch {
      throw refused(strict)
    }
  }
}

function linesOf(text: string): Section[] {
  const sections: Section[] = []
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline + 1
    if (text.slice(start, end).trim() !== '') sections.push({ start, end, headings: [], page: null })
    start = end
  }
  return sections
}

/** JSON, and JSON by lines: shown as it stands. What cannot be parsed is refused: it is cut short, or no JSON. */
import { isRecord } from '@keelson/kernel'
import { documentsErrors } from '../../errors.ts'
import { decode } from './decode.ts'
import { type Extract, type Section, wholeText } from './format.ts'

export const extractJson: Extract = (bytes, path) => {
  const text = decode(bytes, path)
  if (/\.(jsonl|ndjson)$/i.test(path)) return { text, title: undefined, sections: linesOf(text, path), hasLines: true }
  const value = parse(text, path)
  const title = isRecord(value) ? [value['title'], value['name']].find((one) => typeof one === 'string') : undefined
  return { text, title: typeof title === 'string' ? title : undefined, sections: wholeText(text), hasLines: true }
}

function linesOf(text: string, path: string): Section[] {
  const sections: Section[] = []
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline + 1
    const line = text.slice(start, end)
    if (line.trim() !== '') {
      parse(line, path)
      sections.push({ start, end, headings: [], page: null })
    }
    start = end
  }
  return sections
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const reason = cause instanceof RangeError ? 'it is nested too deeply' : 'it is no JSON, or cut short'
    throw documentsErrors.DOCUMENTS_FILE_DAMAGED({ path, reason }, { cause })
  }
}

/** CSV and TSV: shown as they stand, a section for each row, all under the words of the first. Source: RFC 4180. */
import { decode } from './decode.ts'
import type { Extract, Section } from './format.ts'

const longestHeading = 200

export const extractSeparatedValues: Extract = (bytes, path) => {
  const text = decode(bytes, path)
  const separator = separatorOf(text, path)
  const sections: Section[] = []
  let headings: string[] | undefined
  for (const { start, end } of recordsOf(text)) {
    if (text.slice(start, end).trim() === '') continue
    sections.push({ start, end, headings: headings ?? [], page: null })
    headings ??= [columnsHeading(cellsOf(text.slice(start, end), separator))]
  }
  return { text, title: undefined, sections, hasLines: true }
}

/** The names of columns in a line. */
export function columnsHeading(cells: readonly string[]): string {
  const names = cells.filter((cell) => cell.trim() !== '').join(' · ')
  return names
    .replaceAll(/\s+/g, ' ')
    .slice(0, longestHeading)
    .replace(/[\ud800-\udbff]$/, '')
}

/** The character that the first line has most of. */
function separatorOf(text: string, path: string): string {
  if (/\.tsv$/i.test(path)) return '\t'
  const newline = text.indexOf('\n')
  const first = text.slice(0, newline < 0 ? 10_000 : Math.min(newline, 10_000))
  const counts = [',', ';', '\t', '|'].map((separator) => ({ separator, count: first.split(separator).length }))
  return counts.reduce((best, one) => (one.count > best.count ? one : best)).separator
}

/** Records with their line ends; a line end inside quotes belongs to its record. */
function* recordsOf(text: string): Generator<{ start: number; end: number }, void> {
  let isQuoted = false
  let start = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 34) isQuoted = !isQuoted
    else if (code === 10 && !isQuoted) {
      yield { start, end: at + 1 }
      start = at + 1
    }
  }
  if (start < text.length) yield { start, end: text.length }
}

function cellsOf(record: string, separator: string): string[] {
  const cells: string[] = []
  let cell = ''
  let isQuoted = false
  for (const character of record.trimEnd()) {
    if (character === '"') isQuoted = !isQuoted
    else if (character === separator && !isQuoted) {
      cells.push(cell)
      cell = ''
    } else cell += character
  }
  return [...cells, cell]
}

/** CSV and TSV: shown as they stand, a section for each row, all under the words of the first. Source: RFC 4180. */
import { decode } from './decode.ts'
import type { Extract, Section } from './format.ts'

const longestHeading = 200
/** What Excel takes for the separator, whatever else the file holds. */
const separatorLine = /^"?sep=(.)"?\r?(?:\n|$)/i
const separators = [',', ';', '\t', '|']
/** How much of a file tells its separator. */
const sampleLength = 65_536
const sampleRecords = 20

export const extractSeparatedValues: Extract = (bytes, path) => {
  const text = decode(bytes, path)
  const named = separatorLine.exec(text)
  const start = named?.[0].length ?? 0
  const separator = named?.[1] ?? separatorOf(text, path)
  const sections: Section[] = []
  let headings: string[] | undefined
  for (const record of recordsOf(text, separator, start)) {
    const source = text.slice(record.start, record.end)
    if (source.trim() === '') continue
    sections.push({ ...record, headings: headings ?? [], page: null })
    headings ??= [columnsHeading(cellsOf(source, separator))]
  }
  // A file of no more than that line says nothing else.
  if (sections.length === 0) sections.push({ start: 0, end: text.length, headings: [], page: null })
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

/** The character that cuts the first records into the same number of cells, the largest; else the one that the first has most of. */
function separatorOf(text: string, path: string): string {
  if (/\.tsv$/i.test(path)) return '\t'
  const sample = text.slice(0, sampleLength)
  const ranked = separators.map((separator) => {
    const counts = []
    for (const { start, end } of recordsOf(sample, separator, 0)) {
      if (counts.length === sampleRecords) break
      // The last record of a sample may be cut.
      if (end < sample.length || sample.length === text.length)
        counts.push(cellsOf(sample.slice(start, end), separator).length)
    }
    const [first = cellsOf(sample, separator).length] = counts
    const same = counts.filter((count) => count === first).length / Math.max(1, counts.length)
    return { separator, score: first > 1 ? first * same : 0 }
  })
  return ranked.reduce((best, one) => (one.score > best.score ? one : best)).separator
}

/** Records with their line ends; a line end inside quotes belongs to its record. A quote opens only where a cell begins. */
function* recordsOf(text: string, separator: string, from: number): Generator<{ start: number; end: number }, void> {
  const separatorCode = separator.charCodeAt(0)
  let isQuoted = false
  let isCellStart = true
  let start = from
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    const isNewline = code === 10 || (code === 13 && text.charCodeAt(at + 1) !== 10)
    if (code === 34 && (isQuoted || isCellStart)) isQuoted = !isQuoted
    else if (isNewline && !isQuoted) {
      yield { start, end: at + 1 }
      start = at + 1
    }
    // After a closing quote another one stands for itself.
    isCellStart = code === 34 ? !isQuoted : !isQuoted && (code === separatorCode || isNewline)
  }
  // A quote that is never closed stands for itself: what follows are lines.
  for (; isQuoted && start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline + 1
    yield { start, end }
    start = end
  }
  if (start < text.length) yield { start, end: text.length }
}

function cellsOf(record: string, separator: string): string[] {
  const cells: string[] = []
  let cell = ''
  let isQuoted = false
  for (const character of record.replace(/[\r\n]+$/, '')) {
    if (character === '"' && (isQuoted || cell === '')) isQuoted = !isQuoted
    else if (character === separator && !isQuoted) {
      cells.push(cell)
      cell = ''
    } else cell += character
  }
  return [...cells, cell]
}

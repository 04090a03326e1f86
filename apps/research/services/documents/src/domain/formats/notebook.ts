/** Notebooks (.ipynb): cell by cell, the code with what it printed, under the headings of the text. Source: nbformat 4. */
import { stripVTControlCharacters } from 'node:util'
import { isRecord } from '@keelson/kernel'
import { documentsErrors } from '../../errors.ts'
import { decode } from './decode.ts'
import type { Extract } from './format.ts'
import { parseJson } from './json.ts'
import { headingsIn } from './markdown-headings.ts'
import { readableMarkdown } from './markdown-text.ts'
import { headingPath, TextBuilder } from './text-builder.ts'

export const extractNotebook: Extract = (bytes, path) => {
  const notebook = parseJson(decode(bytes, path), path)
  const cells = cellsOf(notebook)
  if (!cells) throw documentsErrors.DOCUMENTS_FILE_DAMAGED({ path, reason: 'it has no cells' })
  const builder = new TextBuilder(path)
  let title = titleIn(notebook)
  let open: ReturnType<typeof headingPath> = []
  for (const cell of cells) {
    if (!isRecord(cell)) continue
    const isText = cell['cell_type'] === 'markdown' || cell['cell_type'] === 'heading'
    const source = sourceOf(cell)
    const text = isText ? readableMarkdown(source, 'markdown') : source
    for (const heading of isText ? headingsIn(text) : []) {
      title ??= heading.text
      open = headingPath(open, heading.level, heading.text)
    }
    builder.section(open.map((heading) => heading.text).filter((heading) => heading !== title))
    for (const piece of [text, ...outputsOf(cell)]) {
      if (piece.trim() === '') continue
      builder.newline(1)
      builder.verbatim(piece.trimEnd())
    }
  }
  const { text, sections } = builder.end()
  if (text.trim() === '') throw documentsErrors.DOCUMENTS_FILE_EMPTY({ path })
  return { text, title, sections, hasLines: false }
}

/** Cells stood on sheets before nbformat 4. */
function cellsOf(notebook: unknown): readonly unknown[] | undefined {
  if (!isRecord(notebook)) return undefined
  if (Array.isArray(notebook['cells'])) return notebook['cells']
  const sheets = notebook['worksheets']
  if (!Array.isArray(sheets)) return undefined
  return sheets.flatMap((sheet: unknown) => (isRecord(sheet) && Array.isArray(sheet['cells']) ? sheet['cells'] : []))
}

function titleIn(notebook: unknown): string | undefined {
  const metadata = isRecord(notebook) ? notebook['metadata'] : undefined
  const title = isRecord(metadata) ? metadata['title'] : undefined
  return typeof title === 'string' && title.trim() !== '' ? title : undefined
}

function sourceOf(cell: Readonly<Record<string, unknown>>): string {
  const source = joined(cell['source'] ?? cell['input'])
  const level = cell['cell_type'] === 'heading' ? Number(cell['level'] ?? 1) : 0
  return level >= 1 && level <= 6 ? `${'#'.repeat(level)} ${source}` : source
}

/** Printed lines, results as text, and errors; pictures and what only a browser shows are left out. */
function outputsOf(cell: Readonly<Record<string, unknown>>): string[] {
  const outputs = cell['outputs']
  if (!Array.isArray(outputs)) return []
  return outputs.flatMap((output: unknown) => {
    if (!isRecord(output)) return []
    const data = isRecord(output['data']) ? output['data'] : {}
    const error = output['traceback'] === undefined ? '' : lines(output['traceback'])
    return [stripVTControlCharacters(joined(output['text']) || joined(data['text/plain']) || error)]
  })
}

/** A text, or the lines of one with their ends. */
function joined(value: unknown): string {
  if (typeof value === 'string') return value
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string').join('') : ''
}

function lines(value: unknown): string {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string').join('\n') : ''
}

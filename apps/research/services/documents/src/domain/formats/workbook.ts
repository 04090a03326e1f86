/** Excel (.xlsx): sheet by sheet, a line for each row; every row stands under the name of its sheet and the first row's words. */
import { documentsErrors } from '../../errors.ts'
import { type Archive, openArchive } from './archive.ts'
import type { Extract } from './format.ts'
import { relationsOf, titleIn } from './office-parts.ts'
import { columnsHeading } from './separated-values.ts'
import { TextBuilder } from './text-builder.ts'
import { readXml } from './xml.ts'

const main = 'xl/workbook.xml'

export const extractWorkbook: Extract = (bytes, path) => {
  const archive = openArchive(bytes, path)
  const strings = sharedStrings(archive, path)
  const builder = new TextBuilder(path)
  for (const [index, { name, part }] of sheetsOf(archive, path).entries()) {
    const sheet = archive.read(part)
    if (!sheet) continue
    let headings: string[] | undefined
    readRows(sheet, strings, path, (cells) => {
      if (cells.every((cell) => cell === '')) return
      builder.section(headings ?? [name], index + 1)
      builder.verbatim(cells.join('\t'))
      headings ??= [name, columnsHeading(cells)]
    })
  }
  const { text, sections } = builder.end()
  if (text.trim() === '') throw documentsErrors.DOCUMENTS_FILE_EMPTY({ path })
  return { text, title: titleIn(archive, path), sections, hasLines: false }
}

function sheetsOf(archive: Archive, path: string): { name: string; part: string }[] {
  const bytes = archive.read(main)
  if (!bytes) throw documentsErrors.DOCUMENTS_FILE_DAMAGED({ path, reason: `it has no ${main}` })
  const relations = relationsOf(archive, main, path)
  const sheets: { name: string; part: string }[] = []
  readXml(bytes, path, {
    open(element, attributes) {
      const relation = element === 'sheet' ? relations.get(attributes['r:id'] ?? '') : undefined
      if (relation) sheets.push({ name: attributes['name'] ?? '', part: relation.target })
    },
  })
  return sheets
}

function sharedStrings(archive: Archive, path: string): readonly string[] {
  const bytes = archive.read('xl/sharedStrings.xml')
  const strings: string[] = []
  if (!bytes) return strings
  let current = ''
  let isText = false
  let phonetic = 0
  readXml(bytes, path, {
    open(name) {
      if (name === 'si') current = ''
      else if (name === 't') isText = phonetic === 0
      else if (name === 'rPh') phonetic++
    },
    text(text) {
      if (isText) current += text
    },
    close(name) {
      if (name === 't') isText = false
      else if (name === 'rPh') phonetic--
      else if (name === 'si') strings.push(current)
    },
  })
  return strings
}

function readRows(sheet: Uint8Array, strings: readonly string[], path: string, row: (cells: string[]) => void): void {
  let cells: string[] = []
  let value = ''
  let type = ''
  let isValue = false
  readXml(sheet, path, {
    open(name, attributes) {
      if (name === 'row') cells = []
      else if (name === 'c') {
        type = attributes['t'] ?? 'n'
        value = ''
        // Empty cells are left out of the file; their columns are kept, up to a bound that a made-up address cannot pass.
        const column = columnOf(attributes['r'] ?? '')
        while (cells.length < Math.min(column, 1_000)) cells.push('')
      } else if (name === 'v' || name === 't') isValue = true
    },
    text(text) {
      if (isValue) value += text
    },
    close(name) {
      if (name === 'v' || name === 't') isValue = false
      else if (name === 'c') cells.push(shown(value, type, strings).replaceAll(/\s+/g, ' ').trim())
      else if (name === 'row') row(cells)
    },
  })
}

function shown(value: string, type: string, strings: readonly string[]): string {
  if (type === 's') return strings[Number(value)] ?? ''
  if (type === 'b') return value === '1' ? 'TRUE' : 'FALSE'
  return value
}

/** `C7` is column 2. */
function columnOf(address: string): number {
  let column = 0
  for (const letter of /^[A-Z]{1,3}/.exec(address)?.[0] ?? '') column = column * 26 + letter.charCodeAt(0) - 64
  return Math.max(0, column - 1)
}

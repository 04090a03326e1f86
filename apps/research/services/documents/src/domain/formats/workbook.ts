/** Excel (.xlsx): sheet by sheet, a line for each row; every row stands under the name of its sheet and the first row's words. */
import { documentsErrors } from '../../errors.ts'
import { type CellFormats, readCellFormats } from './cell-formats.ts'
import type { Extract } from './format.ts'
import { drawingTexts } from './office-drawing.ts'
import { expectRoot, isOn, type OfficePackage, openPackage, relatedPart, unescapeText } from './office-parts.ts'
import { columnsHeading } from './separated-values.ts'
import { SheetReader } from './sheet-reader.ts'
import { TextBuilder } from './text-builder.ts'
import { readXml } from './xml.ts'

export const extractWorkbook: Extract = (bytes, path) => {
  const office = openPackage(bytes, path, 'xl/workbook.xml')
  const { sheets, isFrom1904 } = readWorkbook(office)
  const strings = sharedStrings(office)
  const formats = readCellFormats(relatedPart(office, office.main, 'styles', 'styles.xml'), path, isFrom1904)
  const builder = new TextBuilder(path)
  for (const [index, { name, part }] of sheets.entries())
    readSheet(office, part, { name, page: index + 1, strings, formats, builder })
  const { text, sections } = builder.end()
  if (text.trim() === '') throw documentsErrors.DOCUMENTS_FILE_EMPTY({ path })
  return { text, title: office.title, sections, hasLines: false }
}

interface SheetTarget {
  readonly name: string
  readonly page: number
  readonly strings: readonly string[]
  readonly formats: CellFormats
  readonly builder: TextBuilder
}

function readSheet(office: OfficePackage, part: string, { name, page, strings, formats, builder }: SheetTarget): void {
  const sheet = office.read(part)
  if (!sheet) return
  let headings: string[] | undefined
  const reader = new SheetReader(strings, formats, (cells) => {
    builder.section(headings ?? [name], page)
    builder.verbatim(cells.join('\t').trimEnd())
    headings ??= [name, columnsHeading(cells)]
  })
  readXml(sheet, office.path, reader)
  const drawings = office.relations(part).filter(({ type }) => type === 'drawing')
  for (const { target } of drawings) {
    const charts = office.relations(target).filter(({ type }) => type === 'chart')
    for (const text of [target, ...charts.map((chart) => chart.target)].flatMap((one) => drawingTexts(office, one))) {
      builder.section([name], page)
      builder.words(text)
    }
  }
}

/** The sheets in their order, without those that are hidden. */
function readWorkbook(office: OfficePackage): { sheets: { name: string; part: string }[]; isFrom1904: boolean } {
  const targets = new Map(office.relations(office.main).map((relation) => [relation.id, relation.target]))
  const sheets: { name: string; part: string }[] = []
  let isFrom1904 = false
  let isFirst = true
  readXml(office.read(office.main) ?? new Uint8Array(), office.path, {
    open(element, attributes) {
      if (isFirst) expectRoot(element, 'workbook', office.path)
      isFirst = false
      if (element === 'workbookPr') isFrom1904 = isOn(attributes['date1904'])
      const part = element === 'sheet' ? targets.get(attributes['r:id'] ?? '') : undefined
      const isHidden = /hidden$/i.test(attributes['state'] ?? '')
      if (part !== undefined && !isHidden) sheets.push({ name: unescapeText(attributes['name'] ?? ''), part })
    },
  })
  return { sheets, isFrom1904 }
}

function sharedStrings(office: OfficePackage): readonly string[] {
  const bytes = relatedPart(office, office.main, 'sharedStrings', 'sharedStrings.xml')
  const strings: string[] = []
  if (!bytes) return strings
  let current = ''
  let isText = false
  let phonetic = 0
  readXml(bytes, office.path, {
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
      else if (name === 'si') strings.push(unescapeText(current))
    },
  })
  return strings
}

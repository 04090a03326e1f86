/** Reads the content of an OpenDocument as a stream: paragraphs and what floats beside them, tables, sheets and slides. */
import { columnsHeading } from './separated-values.ts'
import { headingPath, type TextBuilder } from './text-builder.ts'
import type { XmlAttributes, XmlReader } from './xml.ts'

interface Paragraph {
  text: string
  readonly level: number | undefined
  /** Notes and boxes that it holds. */
  readonly after: string[]
}

interface Table {
  cells: string[]
  /** The cell that is open, with what it shows beside its paragraphs. */
  cell: { text: string; readonly shown: string | undefined; readonly repeated: number } | undefined
  isRowHidden: boolean
  readonly sheet: string | undefined
  headings: string[] | undefined
}

/** The content of these is not shown, or repeats on every page. */
const unread = new Set(
  'office:annotation text:tracked-changes text:ruby-text text:note-citation text:hidden-text text:hidden-paragraph presentation:date-time presentation:footer presentation:header office:forms table:tracked-changes table:calculation-settings svg:title svg:desc draw:object text:page-number'.split(
    ' ',
  ),
)
/** Cells may claim to be repeated to the edge of the sheet. */
const mostRepeated = 1_000

export class OpenDocumentReader implements XmlReader {
  firstHeading: string | undefined
  readonly #builder: TextBuilder
  readonly #hidden = new Set<string>()
  #style = ''
  readonly #paragraphs: Paragraph[] = []
  readonly #tables: Table[] = []
  #headings: ReturnType<typeof headingPath> = []
  #unread = 0
  #sheets = 0
  #slides = 0
  #isSpreadsheet = false
  #isSlideTitle = false
  /** Set while the notes of a slide are read; what comes first is marked as such. */
  #notes: 'none' | 'first' | 'more' = 'none'

  constructor(builder: TextBuilder) {
    this.#builder = builder
  }

  /** Takes in the styles that hide what has them. */
  readonly readStyle = (name: string, attributes: XmlAttributes): void => {
    if (name === 'style:style') this.#style = attributes['style:name'] ?? ''
    const hides =
      (name === 'style:text-properties' && attributes['text:display'] === 'none') ||
      (name === 'style:table-properties' && attributes['table:display'] === 'false')
    if (hides) this.#hidden.add(this.#style)
  }

  readonly open = (name: string, attributes: XmlAttributes): void => {
    if (this.#unread > 0 || unread.has(name) || this.#isHidden(name, attributes)) {
      this.#unread++
      return
    }
    this.readStyle(name, attributes)
    if (name === 'text:p' || name === 'text:h') this.#beginParagraph(name, attributes)
    else if (name === 'text:tab') this.#add('\t')
    else if (name === 'text:line-break') this.#add('\n')
    else if (name === 'text:s') this.#add(' ')
    else if (name === 'office:spreadsheet') this.#isSpreadsheet = true
    else if (name === 'table:table') this.#beginTable(attributes)
    else if (name === 'table:table-row') this.#beginRow(attributes)
    else if (name === 'table:table-cell' || name === 'table:covered-table-cell') this.#beginCell(name, attributes)
    else if (name === 'draw:page') this.#beginSlide()
    else if (name === 'presentation:notes') this.#notes = 'first'
    else if (name === 'draw:frame') this.#isSlideTitle = attributes['presentation:class'] === 'title'
  }

  readonly text = (text: string): void => {
    if (this.#unread === 0) this.#add(text.replaceAll(/\s+/g, ' '))
  }

  readonly close = (name: string): void => {
    if (this.#unread > 0) {
      this.#unread--
      return
    }
    if (name === 'text:p' || name === 'text:h') this.#endParagraph()
    else if (name === 'table:table-cell' || name === 'table:covered-table-cell') this.#endCell()
    else if (name === 'table:table-row') this.#endRow()
    else if (name === 'table:table') {
      this.#tables.pop()
      this.#builder.newline(1)
    } else if (name === 'presentation:notes') this.#notes = 'none'
    else if (name === 'draw:frame') this.#isSlideTitle = false
  }

  #isHidden(name: string, attributes: XmlAttributes): boolean {
    const style = attributes[name.startsWith('table:') ? 'table:style-name' : 'text:style-name']
    if (name !== 'style:style' && style !== undefined && this.#hidden.has(style)) return true
    if (name === 'table:table-row') return attributes['table:visibility'] === 'collapse'
    return name === 'text:section' && attributes['text:display'] === 'none'
  }

  #add(text: string): void {
    const paragraph = this.#paragraphs.at(-1)
    if (paragraph) paragraph.text += text
  }

  #beginParagraph(name: string, attributes: XmlAttributes): void {
    const level = name === 'text:h' ? Number(attributes['text:outline-level'] ?? 1) : undefined
    this.#paragraphs.push({ text: '', level, after: [] })
  }

  #endParagraph(): void {
    const paragraph = this.#paragraphs.pop()
    if (!paragraph) return
    const texts = [paragraph.text, ...paragraph.after].map((text) => text.replaceAll(/[^\S\n\t]+/g, ' ').trim())
    for (const [at, text] of texts.entries()) if (text !== '') this.#write(text, at === 0 ? paragraph.level : undefined)
  }

  #write(text: string, level: number | undefined): void {
    const around = this.#paragraphs.at(-1)
    const cell = this.#tables.at(-1)?.cell
    if (cell) cell.text += `${cell.text === '' ? '' : ' '}${text.replaceAll(/\s+/g, ' ')}`
    else if (around) around.after.push(text)
    else if (this.#slides > 0) this.#writeSlideLine(text)
    else {
      if (level !== undefined) {
        this.firstHeading ??= text
        this.#headings = headingPath(this.#headings, level, text)
        this.#builder.section(this.#headings.map((heading) => heading.text))
      }
      this.#builder.newline(1)
      this.#builder.verbatim(text)
      this.#builder.newline(1)
    }
  }

  #beginSlide(): void {
    this.#builder.section([], ++this.#slides)
  }

  #writeSlideLine(text: string): void {
    if (this.#isSlideTitle && this.#notes === 'none') {
      this.firstHeading ??= text
      this.#builder.section([text], this.#slides)
    }
    this.#builder.newline()
    this.#builder.verbatim(this.#notes === 'first' ? `Speaker notes: ${text}` : text)
    if (this.#notes === 'first') this.#notes = 'more'
  }

  #beginTable(attributes: XmlAttributes): void {
    const isSheet = this.#isSpreadsheet && this.#tables.length === 0
    if (isSheet) this.#sheets++
    const sheet = isSheet ? (attributes['table:name'] ?? '') : undefined
    this.#tables.push({ cells: [], cell: undefined, isRowHidden: false, sheet, headings: undefined })
  }

  #beginRow(attributes: XmlAttributes): void {
    const table = this.#tables.at(-1)
    if (table) table.isRowHidden = attributes['table:visibility'] === 'collapse'
  }

  #beginCell(name: string, attributes: XmlAttributes): void {
    const table = this.#tables.at(-1)
    if (!table) return
    const repeated = Math.min(Number(attributes['table:number-columns-repeated'] ?? 1) || 1, mostRepeated)
    const isCovered = name === 'table:covered-table-cell'
    table.cell = { text: '', shown: isCovered ? '' : shownValue(attributes), repeated }
  }

  #endCell(): void {
    const table = this.#tables.at(-1)
    const cell = table?.cell
    if (!table || !cell) return
    const text = cell.shown ?? cell.text
    for (let times = 0; times < cell.repeated && table.cells.length < mostRepeated; times++) table.cells.push(text)
    table.cell = undefined
  }

  #endRow(): void {
    const table = this.#tables.at(-1)
    if (!table) return
    const line = table.cells.join('\t').trimEnd()
    const { cells } = table
    table.cells = []
    if (line.trim() === '' || table.isRowHidden) return
    if (table.sheet !== undefined) {
      this.#builder.section(table.headings ?? [table.sheet], this.#sheets)
      table.headings ??= [table.sheet, columnsHeading(cells)]
      this.#builder.verbatim(line)
      return
    }
    const outer = this.#tables.at(-2)?.cell
    if (outer) outer.text += `${outer.text === '' ? '' : ' '}${line.replaceAll('\t', ' ')}`
    else {
      this.#builder.newline()
      this.#builder.verbatim(line)
    }
  }
}

/** Days in one form, and values of cells that hold no text; undefined where the text of the cell says what it shows. */
function shownValue(attributes: XmlAttributes): string | undefined {
  if (attributes['office:value-type'] !== 'date') return undefined
  const date = attributes['office:date-value']
  return date?.replace(/T00:00:00(?:\.0+)?$/, '').replace('T', ' ')
}

/**
 * The paragraphs and tables of one part of a Word document, as a reader sees them: without the readings above characters, what was
 * deleted or moved away, and hidden text. A box that floats beside a paragraph comes after it.
 */
import { isOn } from './office-parts.ts'
import type { WordStyle } from './word-styles.ts'
import type { XmlAttributes, XmlReader } from './xml.ts'

export type WordBlock =
  | { readonly kind: 'paragraph'; readonly text: string; readonly level: number | undefined }
  | { readonly kind: 'row'; readonly cells: readonly string[] }
  | { readonly kind: 'table-end' }

/** Texts that stand in other parts. */
export interface WordReferences {
  note(kind: string, id: string): readonly string[]
  /** A chart or diagram by the id of its relation. */
  drawing(id: string): readonly string[]
}

interface Paragraph {
  text: string
  level: number | undefined
  isHidden: boolean
  isShaded: boolean
  readonly after: string[]
}

interface Run {
  isHidden: boolean
  isWhite: boolean
  isShaded: boolean
}

interface Table {
  cells: string[]
  cell: string
}

/** The body, or a box inside a paragraph of what is around it. */
interface Frame {
  readonly paragraphs: Paragraph[]
  readonly tables: Table[]
}

/** The content of these is not read: it is not shown, or says how something else looks or looked. */
const unread = new Set(
  'w:rt w:moveFrom w:tabs w:pPrChange w:rPrChange w:sectPrChange w:tblPrChange w:tcPrChange w:trPrChange w:instrText w:delText w:del'.split(
    ' ',
  ),
)
const characters: ReadonlyMap<string, string> = new Map([
  ['w:tab', '\t'],
  ['w:ptab', '\t'],
  ['w:br', '\n'],
  ['w:cr', '\n'],
  ['w:noBreakHyphen', '-'],
])

export class WordStory implements XmlReader {
  readonly #styles: ReadonlyMap<string, WordStyle>
  readonly #write: (block: WordBlock) => void
  readonly #references: WordReferences | undefined
  readonly #frames: Frame[] = [{ paragraphs: [], tables: [] }]
  #run: Run | undefined
  #unread = 0
  #isText = false
  /** Depth of what describes a paragraph, in which a run stands for the mark at its end. */
  #properties = 0
  #hasBackground = false

  constructor(styles: ReadonlyMap<string, WordStyle>, write: (block: WordBlock) => void, references?: WordReferences) {
    this.#styles = styles
    this.#write = write
    this.#references = references
  }

  readonly open = (name: string, attributes: XmlAttributes): void => {
    if (this.#unread > 0 || unread.has(name)) {
      this.#unread++
      return
    }
    const frame = this.#frame
    if (name === 'w:t' || name === 'm:t' || name === 'a:t') this.#isText = true
    else if (name === 'w:p')
      frame.paragraphs.push({ text: '', level: undefined, isHidden: false, isShaded: false, after: [] })
    else if (name === 'w:pPr') this.#properties++
    else if (name === 'w:r') this.#run = { isHidden: false, isWhite: false, isShaded: false }
    else if (name === 'w:txbxContent') this.#frames.push({ paragraphs: [], tables: [] })
    else if (name === 'w:tbl') frame.tables.push({ cells: [], cell: '' })
    else if (name === 'w:background') this.#hasBackground = true
    else if (characters.has(name)) this.#add(characters.get(name) ?? '')
    else if (this.#properties > 0) this.#describeParagraph(name, attributes)
    else if (this.#run) this.#describeRun(name, attributes)
    this.#refer(name, attributes)
  }

  readonly text = (text: string): void => {
    if (this.#isText && this.#unread === 0) this.#add(text)
  }

  readonly close = (name: string): void => {
    if (this.#unread > 0) {
      this.#unread--
      return
    }
    const frame = this.#frame
    const table = frame.tables.at(-1)
    if (name === 'w:t' || name === 'm:t' || name === 'a:t') this.#isText = false
    else if (name === 'w:p') this.#endParagraph(frame)
    else if (name === 'w:pPr') this.#properties--
    else if (name === 'w:r') this.#run = undefined
    else if (name === 'm:num') this.#add('/')
    else if (name === 'a:p') this.#add(' ')
    else if (name === 'w:txbxContent' && this.#frames.length > 1) this.#frames.pop()
    else if (name === 'w:tc' && table) {
      table.cells.push(table.cell)
      table.cell = ''
    } else if (name === 'w:tr' && table) this.#endRow(frame, table)
    else if (name === 'w:tbl') {
      frame.tables.pop()
      if (frame.tables.length === 0 && this.#frames.length === 1) this.#write({ kind: 'table-end' })
    }
  }

  get #frame(): Frame {
    return this.#frames.at(-1) ?? { paragraphs: [], tables: [] }
  }

  #add(text: string): void {
    const frame = this.#frame
    const paragraph = frame.paragraphs.at(-1)
    if (!paragraph || this.#isHidden(paragraph)) return
    paragraph.text += text
  }

  #isHidden(paragraph: Paragraph): boolean {
    if (paragraph.isHidden || this.#run?.isHidden) return true
    // White letters are seen where something gives them a ground: tables and boxes may, by their own styles.
    const hasGround = this.#hasBackground || paragraph.isShaded || this.#run?.isShaded || this.#isFramed
    return this.#run?.isWhite === true && !hasGround
  }

  get #isFramed(): boolean {
    return this.#frames.length > 1 || this.#frame.tables.length > 0
  }

  #describeParagraph(name: string, attributes: XmlAttributes): void {
    const paragraph = this.#frame.paragraphs.at(-1)
    if (!paragraph) return
    if (name === 'w:pStyle') {
      const style = this.#styles.get(attributes['w:val'] ?? '')
      paragraph.level ??= style?.level
      paragraph.isHidden = style?.isHidden ?? false
    } else if (name === 'w:outlineLvl' && Number(attributes['w:val']) < 9)
      paragraph.level = Number(attributes['w:val']) + 1
    else if (name === 'w:shd') paragraph.isShaded = isGround(attributes)
  }

  #describeRun(name: string, attributes: XmlAttributes): void {
    const run = this.#run
    if (!run) return
    if (name === 'w:vanish') run.isHidden = isOn(attributes['w:val'] ?? 'true')
    else if (name === 'w:rStyle') run.isHidden ||= this.#styles.get(attributes['w:val'] ?? '')?.isHidden ?? false
    else if (name === 'w:color') run.isWhite = attributes['w:val']?.toLowerCase() === 'ffffff'
    else if (name === 'w:highlight') run.isShaded = attributes['w:val'] !== 'none'
    else if (name === 'w:shd') run.isShaded = isGround(attributes)
  }

  /** What stands in another part, or in an attribute, comes after the paragraph that leads to it. */
  #refer(name: string, attributes: XmlAttributes): void {
    const paragraph = this.#frame.paragraphs.at(-1)
    if (!paragraph) return
    const note = /^w:(footnote|endnote)Reference$/.exec(name)?.[1]
    if (note !== undefined) paragraph.after.push(...(this.#references?.note(note, attributes['w:id'] ?? '') ?? []))
    const drawing = name === 'dgm:relIds' ? attributes['r:dm'] : name === 'c:chart' ? attributes['r:id'] : undefined
    if (drawing !== undefined) paragraph.after.push(...(this.#references?.drawing(drawing) ?? []))
    if (name === 'v:textpath' && attributes['string']) paragraph.after.push(attributes['string'])
  }

  #endParagraph(frame: Frame): void {
    const paragraph = frame.paragraphs.pop()
    if (!paragraph) return
    const texts = [paragraph.text, ...paragraph.after].map((text) => text.replaceAll(/[^\S\n\t]+/g, ' ').trim())
    for (const [at, text] of texts.entries())
      if (text !== '') this.#emit(frame, text, at === 0 ? paragraph.level : undefined)
  }

  #emit(frame: Frame, text: string, level: number | undefined): void {
    const cell = frame.tables.at(-1)
    if (cell) {
      cell.cell = joined(cell.cell, text)
      return
    }
    const around = this.#frames.at(this.#frames.indexOf(frame) - 1)?.paragraphs.at(-1)
    if (frame !== this.#frames[0] && around) around.after.push(text)
    else this.#write({ kind: 'paragraph', text, level })
  }

  #endRow(frame: Frame, table: Table): void {
    const { cells } = table
    table.cells = []
    if (cells.every((cell) => cell === '')) return
    if (frame.tables.length === 1 && frame === this.#frames[0]) {
      this.#write({ kind: 'row', cells })
      return
    }
    // A row of a table inside a cell, or inside a box, is a line of what is around it.
    frame.tables.pop()
    this.#emit(frame, cells.join(' '), undefined)
    frame.tables.push(table)
  }
}

function isGround(attributes: XmlAttributes): boolean {
  const fill = (attributes['w:fill'] ?? 'auto').toLowerCase()
  return fill !== 'auto' && fill !== 'ffffff'
}

function joined(before: string, text: string): string {
  const folded = text.replaceAll(/\s+/g, ' ')
  return before === '' ? folded : `${before} ${folded}`
}

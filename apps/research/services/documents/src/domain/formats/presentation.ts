/** PowerPoint (.pptx): slide by slide in the order they are shown, each under its title, with tables and the speaker's notes. */
import { documentsErrors } from '../../errors.ts'
import type { Extract } from './format.ts'
import { drawingTexts } from './office-drawing.ts'
import { expectRoot, isOn, type OfficePackage, openPackage, unescapeText } from './office-parts.ts'
import { TextBuilder } from './text-builder.ts'
import { readXml, type XmlAttributes, type XmlReader } from './xml.ts'

export const extractPresentation: Extract = (bytes, path) => {
  const office = openPackage(bytes, path, 'ppt/presentation.xml')
  const builder = new TextBuilder(path)
  let firstTitle: string | undefined
  for (const [index, part] of slidesOf(office).entries()) {
    const slide = office.read(part)
    if (!slide) continue
    const shapes = new ShapesReader()
    readXml(slide, path, shapes)
    const title = shapes.title
    firstTitle ??= title
    builder.section(title ? [title] : [], index + 1)
    const lines = [...shapes.lines]
    for (const { type, target } of office.relations(part)) {
      if (type === 'chart' || type === 'diagramData') lines.push(...drawingTexts(office, target))
      if (type === 'notesSlide') lines.push(...notesOf(office, target))
    }
    for (const line of lines) {
      builder.newline()
      builder.verbatim(line)
    }
  }
  const { text, sections } = builder.end()
  if (text.trim() === '') throw documentsErrors.DOCUMENTS_FILE_EMPTY({ path })
  return { text, title: office.title ?? firstTitle, sections, hasLines: false }
}

function slidesOf(office: OfficePackage): string[] {
  const targets = new Map(office.relations(office.main).map(({ id, target }) => [id, target]))
  const slides: string[] = []
  let isFirst = true
  readXml(office.read(office.main) ?? new Uint8Array(), office.path, {
    open(name, attributes) {
      if (isFirst) expectRoot(name, 'p:presentation', office.path)
      isFirst = false
      const target = name === 'p:sldId' ? targets.get(attributes['r:id'] ?? '') : undefined
      if (target !== undefined) slides.push(target)
    },
  })
  return slides
}

function notesOf(office: OfficePackage, part: string): string[] {
  const notes = office.read(part)
  if (!notes) return []
  const shapes = new ShapesReader()
  readXml(notes, office.path, shapes)
  const [first, ...others] = shapes.lines
  return first === undefined ? [] : [`Speaker notes: ${first}`, ...others]
}

interface Shape {
  readonly element: string
  placeholder: string
  isHidden: boolean
}

const shapeElements = new Set(['p:sp', 'p:graphicFrame', 'p:pic', 'p:cxnSp', 'p:grpSp', 'p:contentPart'])
/** Numbers, dates and lines that slides repeat. */
const repeated = /^(?:sldNum|dt|ftr|hdr|sldImg)$/

/** The paragraphs and rows of all shapes, and the text of the one that is the title. */
class ShapesReader implements XmlReader {
  readonly lines: string[] = []
  readonly #shapes: Shape[] = []
  readonly #title: string[] = []
  #paragraph = ''
  /** The cells of the row that is open, and the paragraphs of the cell that is. */
  #row: string[] | undefined
  #cell: string[] | undefined
  #isText = false
  #isSlideNumber = false

  get title(): string | undefined {
    return this.#title.join(' ') || undefined
  }

  readonly open = (name: string, attributes: XmlAttributes): void => {
    const shape = this.#shapes.at(-1)
    if (shapeElements.has(name))
      this.#shapes.push({ element: name, placeholder: '', isHidden: shape?.isHidden ?? false })
    else if (name === 'p:ph' && shape) shape.placeholder = attributes['type'] ?? 'obj'
    else if (name === 'p:cNvPr' && shape) shape.isHidden ||= isOn(attributes['hidden'])
    else if (name === 'a:fld') this.#isSlideNumber = attributes['type'] === 'slidenum'
    else if (name === 'a:t') this.#isText = !this.#isSlideNumber
    else if (name === 'a:br') this.#paragraph += ' '
    else if (name === 'a:tr') this.#row = []
    else if (name === 'a:tc') this.#cell = []
  }

  readonly text = (text: string): void => {
    if (this.#isText) this.#paragraph += text
  }

  readonly close = (name: string): void => {
    if (name === 'a:t') this.#isText = false
    else if (name === 'a:fld') this.#isSlideNumber = false
    else if (name === 'a:p') this.#endParagraph()
    else if (name === 'a:tc') {
      this.#row?.push(this.#cell?.join(' ') ?? '')
      this.#cell = undefined
    } else if (name === 'a:tr') {
      if (this.#row?.some((cell) => cell !== '')) this.lines.push(this.#row.join('\t'))
      this.#row = undefined
    } else if (shapeElements.has(name)) this.#shapes.pop()
  }

  #endParagraph(): void {
    const text = unescapeText(this.#paragraph).replaceAll(/\s+/g, ' ').trim()
    this.#paragraph = ''
    const { placeholder = '', isHidden = false } = this.#shapes.at(-1) ?? {}
    if (text === '' || isHidden || repeated.test(placeholder)) return
    if (this.#cell) {
      this.#cell.push(text)
      return
    }
    this.lines.push(text)
    if (/^(?:title|ctrTitle)$/.test(placeholder)) this.#title.push(text)
  }
}

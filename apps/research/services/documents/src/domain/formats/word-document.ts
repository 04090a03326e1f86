/** Word (.docx): paragraphs with their notes and boxes behind them, headings by their style, tables row by row. */
import { documentsErrors } from '../../errors.ts'
import type { Extract } from './format.ts'
import { drawingTexts } from './office-drawing.ts'
import { expectRoot, type OfficePackage, openPackage, relatedPart } from './office-parts.ts'
import { headingPath, TextBuilder } from './text-builder.ts'
import { type WordBlock, WordStory } from './word-story.ts'
import { readWordStyles } from './word-styles.ts'
import { readXml } from './xml.ts'

export const extractWordDocument: Extract = (bytes, path) => {
  const office = openPackage(bytes, path, 'word/document.xml')
  const { main } = office
  const styles = readWordStyles(relatedPart(office, main, 'styles', 'styles.xml'), path)
  const notes = new Map(['footnote', 'endnote'].map((kind) => [kind, notesOf(office, kind)]))
  const builder = new TextBuilder(path)
  const writer = new BlockWriter(builder)
  const targets = new Map(office.relations(main).map(({ id, target }) => [id, target]))
  const story = new WordStory(styles, writer.write, {
    note: (kind, id) => take(notes.get(kind), id),
    drawing: (id) => drawingTexts(office, targets.get(id)),
  })
  let isFirst = true
  readXml(office.read(main) ?? new Uint8Array(), path, {
    ...story,
    open(name, attributes) {
      if (isFirst) expectRoot(name, 'w:document', path)
      isFirst = false
      story.open(name, attributes)
    },
  })
  // Notes that nothing refers to, then the lines that stand on every page.
  const rest = [...notes.values()].flatMap((all) => [...(all?.values() ?? [])].flat())
  for (const text of [...rest, ...marginLines(office)]) writer.write({ kind: 'paragraph', text, level: undefined })
  const { text, sections } = builder.end()
  if (text.trim() === '') throw documentsErrors.DOCUMENTS_FILE_EMPTY({ path })
  const title = office.title ?? writer.firstHeading
  return {
    text,
    title,
    sections: sections.map((one) => ({ ...one, headings: one.headings.filter((heading) => heading !== title) })),
    hasLines: false,
  }
}

class BlockWriter {
  readonly #builder: TextBuilder
  #open: ReturnType<typeof headingPath> = []
  firstHeading: string | undefined

  constructor(builder: TextBuilder) {
    this.#builder = builder
  }

  readonly write = (block: WordBlock): void => {
    const builder = this.#builder
    if (block.kind === 'row') {
      builder.newline()
      builder.verbatim(block.cells.join('\t').trimEnd())
      return
    }
    if (block.kind === 'table-end') {
      builder.newline(1)
      return
    }
    const { text, level } = block
    if (level !== undefined) {
      this.firstHeading ??= text
      this.#open = headingPath(this.#open, level, text)
      builder.section(this.#open.map((heading) => heading.text))
    }
    builder.newline(1)
    builder.verbatim(text)
    builder.newline(1)
  }
}

/** The texts of a note, which is given once. */
function take(notes: Map<string, string[]> | undefined, id: string): string[] {
  const texts = notes?.get(id) ?? []
  notes?.delete(id)
  return texts
}

/** The notes of a document by their id: `footnote` or `endnote`. */
function notesOf(office: OfficePackage, kind: string): Map<string, string[]> {
  const notes = new Map<string, string[]>()
  const part = relatedPart(office, office.main, `${kind}s`, `${kind}s.xml`)
  if (!part) return notes
  let texts: string[] = []
  const story = new WordStory(new Map(), (block) => texts.push(textOf(block)))
  readXml(part, office.path, {
    ...story,
    open(name, attributes) {
      if (name === `w:${kind}`) {
        texts = []
        // A note with a type is the line that separates notes from the page.
        if (attributes['w:type'] === undefined || attributes['w:type'] === 'normal')
          notes.set(attributes['w:id'] ?? '', texts)
      }
      story.open(name, attributes)
    },
  })
  return notes
}

/** Headers and footers, each different line once. */
function marginLines(office: OfficePackage): string[] {
  const lines = new Set<string>()
  const story = () => new WordStory(new Map(), (block) => lines.add(textOf(block)))
  for (const { type, target } of office.relations(office.main)) {
    const part = type === 'header' || type === 'footer' ? office.read(target) : undefined
    if (part) readXml(part, office.path, story())
  }
  return [...lines].filter((line) => /\p{L}/u.test(line))
}

function textOf(block: WordBlock): string {
  if (block.kind === 'table-end') return ''
  return block.kind === 'row' ? block.cells.join('\t') : block.text
}

/** Word (.docx): paragraphs, headings by their style, tables row by row. */
import { documentsErrors } from '../../errors.ts'
import { openArchive } from './archive.ts'
import type { Extract } from './format.ts'
import { titleIn } from './office-parts.ts'
import { headingPath, TextBuilder } from './text-builder.ts'
import { readXml } from './xml.ts'

const notes = ['word/footnotes.xml', 'word/endnotes.xml']

export const extractWordDocument: Extract = (bytes, path) => {
  const archive = openArchive(bytes, path)
  const main = archive.read('word/document.xml')
  if (!main) throw documentsErrors.DOCUMENTS_FILE_DAMAGED({ path, reason: 'it has no word/document.xml' })
  const levels = headingLevels(archive.read('word/styles.xml'), path)
  const builder = new TextBuilder(path)
  const first = readParagraphs(main, path, builder, levels)
  for (const part of notes) {
    const note = archive.read(part)
    if (note) readParagraphs(note, path, builder, new Map())
  }
  const { text, sections } = builder.end()
  if (text.trim() === '') throw documentsErrors.DOCUMENTS_FILE_EMPTY({ path })
  const title = titleIn(archive, path) ?? first
  return {
    text,
    title,
    sections: sections.map((one) => ({ ...one, headings: one.headings.filter((heading) => heading !== title) })),
    hasLines: false,
  }
}

/** Which paragraph styles are headings, and how deep: 0 is the title. Localised templates name styles differently, their ids less so. */
function headingLevels(styles: Uint8Array | undefined, path: string): ReadonlyMap<string, number> {
  const levels = new Map<string, number>()
  if (!styles) return levels
  let style = ''
  readXml(styles, path, {
    open(name, attributes) {
      if (name === 'style') style = attributes['w:styleId'] ?? ''
      const value = attributes['w:val'] ?? ''
      if (name === 'name') {
        const level = /^heading ([1-9])$/i.exec(value)?.[1]
        if (level !== undefined) levels.set(style, Number(level))
        else if (/^title$/i.test(value)) levels.set(style, 0)
      }
      if (name === 'outlineLvl' && !levels.has(style)) levels.set(style, Number(value) + 1)
    },
  })
  return levels
}

/** Adds the paragraphs of a part; gives the first heading. */
function readParagraphs(
  part: Uint8Array,
  path: string,
  builder: TextBuilder,
  levels: ReadonlyMap<string, number>,
): string | undefined {
  let open: ReturnType<typeof headingPath> = []
  let firstHeading: string | undefined
  let paragraph = ''
  let level: number | undefined
  let isText = false
  let cells = 0
  let inCell = 0
  const endParagraph = () => {
    const text = paragraph.replaceAll(/[^\S\n\t]+/g, ' ').trim()
    paragraph = ''
    if (text === '') return
    if (level !== undefined && inCell === 0) {
      firstHeading ??= text
      open = headingPath(open, level, text)
      builder.section(open.map((heading) => heading.text))
    }
    if (inCell > 0) {
      if (cells++ > 0) builder.verbatim('\t')
      builder.words(text)
      return
    }
    builder.newline(1)
    builder.verbatim(text)
    builder.newline(1)
  }
  readXml(part, path, {
    open(name, attributes) {
      if (name === 'p') level = undefined
      else if (name === 'pStyle') level = levels.get(attributes['w:val'] ?? '')
      else if (name === 't') isText = true
      else if (name === 'tab') paragraph += '\t'
      else if (name === 'br' || name === 'cr') paragraph += '\n'
      else if (name === 'tc') inCell++
      else if (name === 'tr') {
        builder.newline()
        cells = 0
      }
    },
    text(text) {
      if (isText) paragraph += text
    },
    close(name) {
      if (name === 't') isText = false
      else if (name === 'p') endParagraph()
      else if (name === 'tc') inCell--
      else if (name === 'tbl') builder.newline(1)
    },
  })
  return firstHeading
}

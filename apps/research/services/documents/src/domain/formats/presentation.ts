/** PowerPoint (.pptx): slide by slide in the order they are shown, each under its title, with the speaker's notes. */
import { documentsErrors } from '../../errors.ts'
import { type Archive, openArchive } from './archive.ts'
import type { Extract } from './format.ts'
import { relationsOf, titleIn } from './office-parts.ts'
import { TextBuilder } from './text-builder.ts'
import { readXml } from './xml.ts'

const main = 'ppt/presentation.xml'

export const extractPresentation: Extract = (bytes, path) => {
  const archive = openArchive(bytes, path)
  const slides = slidesOf(archive, path)
  const builder = new TextBuilder(path)
  let firstTitle: string | undefined
  for (const [index, part] of slides.entries()) {
    const slide = archive.read(part)
    if (!slide) continue
    const { title, paragraphs } = readShapes(slide, path)
    firstTitle ??= title
    builder.section(title ? [title] : [], index + 1)
    for (const text of paragraphs) addLine(builder, text)
    for (const { type, target } of relationsOf(archive, part, path).values()) {
      const notes = type === 'notesSlide' ? archive.read(target) : undefined
      if (notes) for (const text of readShapes(notes, path).paragraphs) addLine(builder, text)
    }
  }
  const { text, sections } = builder.end()
  if (text.trim() === '') throw documentsErrors.DOCUMENTS_FILE_EMPTY({ path })
  return { text, title: titleIn(archive, path) ?? firstTitle, sections, hasLines: false }
}

function addLine(builder: TextBuilder, text: string): void {
  builder.newline()
  builder.words(text)
}

function slidesOf(archive: Archive, path: string): string[] {
  const bytes = archive.read(main)
  if (!bytes) throw documentsErrors.DOCUMENTS_FILE_DAMAGED({ path, reason: `it has no ${main}` })
  const relations = relationsOf(archive, main, path)
  const slides: string[] = []
  readXml(bytes, path, {
    open(name, attributes) {
      const relation = name === 'sldId' ? relations.get(attributes['r:id'] ?? '') : undefined
      if (relation) slides.push(relation.target)
    },
  })
  return slides
}

/** The paragraphs of all shapes, and what stands in the one that is the title. Numbers and dates that slides repeat are left out. */
function readShapes(part: Uint8Array, path: string): { title: string | undefined; paragraphs: string[] } {
  const paragraphs: string[] = []
  let title: string | undefined
  let placeholder = ''
  let paragraph = ''
  let isText = false
  readXml(part, path, {
    open(name, { type = '' }) {
      if (name === 'sp') placeholder = ''
      else if (name === 'ph') placeholder = type
      else if (name === 't') isText = true
      else if (name === 'br') paragraph += ' '
    },
    text(text) {
      if (isText) paragraph += text
    },
    close(name) {
      if (name === 't') isText = false
      if (name !== 'p') return
      const text = paragraph.replaceAll(/\s+/g, ' ').trim()
      paragraph = ''
      if (text === '' || /^(sldNum|dt|ftr|hdr)$/.test(placeholder)) return
      paragraphs.push(text)
      if (/^(title|ctrTitle)$/.test(placeholder)) title ??= text
    },
  })
  return { title, paragraphs }
}

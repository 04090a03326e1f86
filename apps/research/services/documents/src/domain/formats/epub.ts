/** E-books (.epub): chapter by chapter in the order of reading, each chapter a page of its own. Source: EPUB 3.3. */
import { documentsErrors } from '../../errors.ts'
import { type Archive, openArchive } from './archive.ts'
import type { Extract, Section } from './format.ts'
import { decodedHtml, htmlText } from './html.ts'
import { limits } from './limits.ts'
import { folderOf, resolvePart } from './part-names.ts'
import { readXml } from './xml.ts'

export const extractEpub: Extract = (bytes, path) => {
  const archive = openArchive(bytes, path)
  const book = packageOf(archive, path)
  const locked = encryptedParts(archive, path)
  const sections: Section[] = []
  let text = ''
  let page = 0
  for (const part of book.chapters) {
    if (locked.has(part)) throw documentsErrors.DOCUMENTS_FILE_LOCKED({ path })
    const chapter = chapterOf(archive.read(part), path)
    if (!chapter) continue
    page++
    const start = text === '' ? 0 : text.length + 2
    text = text === '' ? chapter.text : `${text}\n\n${chapter.text}`
    if (text.length > limits.textLength)
      throw documentsErrors.DOCUMENTS_FILE_TOO_LARGE({ path, limit: limits.textLength })
    for (const section of chapter.sections) {
      const above = chapter.title === undefined ? section.headings : [chapter.title, ...section.headings]
      const headings = above.filter((one) => one !== book.title)
      sections.push({ start: start + section.start, end: start + section.end, headings, page })
    }
  }
  if (text.trim() === '') throw documentsErrors.DOCUMENTS_FILE_EMPTY({ path })
  return { text, title: book.title, sections, hasLines: false }
}

/** Undefined for a chapter without words, such as a cover. */
function chapterOf(bytes: Uint8Array | undefined, path: string): ReturnType<typeof htmlText> | undefined {
  if (!bytes || bytes.length === 0) return undefined
  const extraction = htmlText(decodedHtml(bytes, path), path, { mayBeEmpty: true })
  return extraction.text === '' ? undefined : extraction
}

interface Book {
  readonly title: string | undefined
  readonly chapters: readonly string[]
}

function packageOf(archive: Archive, path: string): Book {
  const damaged = (reason: string) => documentsErrors.DOCUMENTS_FILE_DAMAGED({ path, reason })
  const container = archive.read('META-INF/container.xml')
  let main = ''
  if (container)
    readXml(container, path, {
      open(name, attributes) {
        if (name === 'container:rootfile' && main === '') main = resolvePart('', attributes['full-path'] ?? '')
      },
    })
  const bytes = main === '' ? undefined : archive.read(main)
  if (!bytes) throw damaged('it has no package document')
  const parts = new Map<string, string>()
  const spine: string[] = []
  let title = ''
  let isTitle = false
  readXml(bytes, path, {
    open(name, attributes) {
      isTitle = name === 'dc:title' && title === ''
      if (name === 'opf:item') parts.set(attributes['id'] ?? '', resolvePart(folderOf(main), attributes['href'] ?? ''))
      else if (name === 'opf:itemref') spine.push(attributes['idref'] ?? '')
    },
    text(text) {
      if (isTitle) title += text
    },
    close() {
      isTitle = false
    },
  })
  const chapters = new Set(spine.flatMap((id) => parts.get(id) ?? []))
  return { title: title.replaceAll(/\s+/g, ' ').trim() || undefined, chapters: [...chapters] }
}

function encryptedParts(archive: Archive, path: string): ReadonlySet<string> {
  const parts = new Set<string>()
  const encryption = archive.read('META-INF/encryption.xml')
  if (encryption)
    readXml(encryption, path, {
      open(name, attributes) {
        if (name.endsWith('CipherReference')) parts.add(resolvePart('', attributes['URI'] ?? ''))
      },
    })
  return parts
}

/**
 * OpenDocument (.odt, .ods, .odp): text under its headings, sheets row by row, slides with their notes, each as its author sees it.
 * Source: OpenDocument 1.3, part 3.
 */
import { documentsErrors } from '../../errors.ts'
import { type Archive, openArchive } from './archive.ts'
import type { Extract } from './format.ts'
import { OpenDocumentReader } from './open-document-reader.ts'
import { TextBuilder } from './text-builder.ts'
import { readXml } from './xml.ts'

export const extractOpenDocument: Extract = (bytes, path) => {
  const archive = openArchive(bytes, path)
  if (isEncrypted(archive, path)) throw documentsErrors.DOCUMENTS_FILE_LOCKED({ path })
  const content = archive.read('content.xml')
  if (!content) throw documentsErrors.DOCUMENTS_FILE_DAMAGED({ path, reason: 'it has no content.xml' })
  const builder = new TextBuilder(path)
  const reader = new OpenDocumentReader(builder)
  const styles = archive.read('styles.xml')
  if (styles) readXml(styles, path, { open: reader.readStyle })
  readXml(content, path, reader)
  const { text, sections } = builder.end()
  if (text.trim() === '') throw documentsErrors.DOCUMENTS_FILE_EMPTY({ path })
  const title = titleIn(archive, path) ?? reader.firstHeading
  return {
    text,
    title,
    sections: sections.map((one) => ({ ...one, headings: one.headings.filter((heading) => heading !== title) })),
    hasLines: false,
  }
}

function isEncrypted(archive: Archive, path: string): boolean {
  const manifest = archive.read('META-INF/manifest.xml')
  let found = false
  if (manifest)
    readXml(manifest, path, {
      open(name) {
        found ||= name === 'manifest:encryption-data'
      },
    })
  return found
}

function titleIn(archive: Archive, path: string): string | undefined {
  const meta = archive.read('meta.xml')
  let title = ''
  let isTitle = false
  if (meta)
    readXml(meta, path, {
      open(name) {
        isTitle = name === 'dc:title'
      },
      text(text) {
        if (isTitle) title += text
      },
      close() {
        isTitle = false
      },
    })
  return title.replaceAll(/\s+/g, ' ').trim() || undefined
}

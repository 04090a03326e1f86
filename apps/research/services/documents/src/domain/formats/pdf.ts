/** PDF: the text of each page, line by line. A page that is a picture has none; a file of such pages alone is refused by that name. */
import { fileURLToPath } from 'node:url'
import { documentsErrors } from '../../errors.ts'
import type { Extract } from './format.ts'
import { TextBuilder } from './text-builder.ts'

type PdfDocument = Awaited<ReturnType<typeof import('unpdf').getDocumentProxy>>

/** The maps from the characters of fonts that a file only names, East Asian ones above all. */
const pdfData = fileURLToPath(new URL('.', import.meta.resolve('pdfjs-dist/package.json')))
/** So many pages tell whether a file without text is made of pictures. */
const pagesLookedAt = 3

export const extractPdf: Extract = async (bytes, path) => {
  const { getDocumentProxy } = await import('unpdf')
  // A copy: the reader takes the buffer for itself.
  const options = {
    isEvalSupported: false,
    useSystemFonts: false,
    verbosity: 0,
    stopAtErrors: false,
    cMapUrl: `${pdfData}cmaps/`,
    cMapPacked: true,
    standardFontDataUrl: `${pdfData}standard_fonts/`,
  } as const
  const document = await getDocumentProxy(Uint8Array.from(bytes), options).catch((error: unknown) => {
    throw refusal(error, path)
  })
  try {
    const builder = new TextBuilder(path)
    for (let page = 1; page <= document.numPages; page++) {
      builder.section([], page)
      const { items } = await (await document.getPage(page)).getTextContent()
      let bottom: number | undefined
      for (const item of items) {
        if (!('str' in item)) continue
        const [, , , height = 0, , y = 0] = item.transform.map(Number)
        // A gap of more than a line is a paragraph's end.
        if (bottom !== undefined && bottom - y > 1.8 * Math.abs(height)) builder.newline(1)
        if (item.str.trim() !== '') bottom = y
        builder.words(item.str)
        if (item.hasEOL) builder.newline()
      }
    }
    const { text, sections } = builder.end()
    if (text.trim() === '') throw await withoutText(document, path)
    return { text, title: await titleOf(document), sections, hasLines: false }
  } catch (error) {
    throw refusal(error, path)
  } finally {
    await document.loadingTask.destroy()
  }
}

async function withoutText(document: PdfDocument, path: string): Promise<Error> {
  const { OPS } = await (await import('unpdf')).getResolvedPDFJS()
  const pictures = new Set([OPS.paintImageXObject, OPS.paintInlineImageXObject, OPS.paintImageMaskXObject])
  for (let page = 1; page <= Math.min(document.numPages, pagesLookedAt); page++) {
    const { fnArray } = await (await document.getPage(page)).getOperatorList()
    if (fnArray.some((operation) => pictures.has(operation)))
      return documentsErrors.DOCUMENTS_FILE_SCANNED({ path, pages: document.numPages })
  }
  return documentsErrors.DOCUMENTS_FILE_EMPTY({ path })
}

async function titleOf(document: { getMetadata(): Promise<{ info: object }> }): Promise<string | undefined> {
  const { info } = await document.getMetadata().catch(() => ({ info: {} }))
  const title: unknown = Reflect.get(info, 'Title')
  // Programs that print to PDF leave the name of a file or nothing of use here.
  return typeof title === 'string' && /\p{L}/u.test(title) && !/\.\w{2,5}$/.test(title.trim()) ? title : undefined
}

function refusal(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || error.name === 'KeelsonError') return error
  if (error.name === 'PasswordException') return documentsErrors.DOCUMENTS_FILE_LOCKED({ path }, { cause: error })
  const reason = `its PDF cannot be read: ${error.message}`
  return documentsErrors.DOCUMENTS_FILE_DAMAGED({ path, reason }, { cause: error })
}

/** HTML: what a reader sees of it, with its headings and tables. Scripts, styles and what is hidden from readers are left out. */
import { Parser } from 'htmlparser2'
import { documentsErrors } from '../../errors.ts'
import { htmlEncoding } from './declared-encoding.ts'
import { decode } from './decode.ts'
import type { Extract, Extraction } from './format.ts'
import { HtmlVisibility } from './html-visibility.ts'
import { limits } from './limits.ts'
import { headingPath, TextBuilder } from './text-builder.ts'

const blocks = new Set(
  'address article aside blockquote body center dd details dialog div dl dt fieldset figcaption figure footer form header hgroup hr html legend li main menu nav ol p pre section summary table tbody textarea tfoot thead tr ul caption'.split(
    ' ',
  ),
)

export const extractHtml: Extract = (bytes, path) => htmlText(decodedHtml(bytes, path), path)

/** Throws what `decode` throws. */
export function decodedHtml(bytes: Uint8Array, path: string): string {
  return decode(bytes, path, htmlEncoding(bytes))
}

/**
 * The same for HTML that is a text already, such as the body of a message. Throws DOCUMENTS_FILE_EMPTY where it shows no text, unless it
 * `mayBeEmpty`.
 */
export function htmlText(html: string, path: string, { mayBeEmpty = false } = {}): Extraction {
  const reader = new HtmlReader(path)
  // Only in XML an element may close itself; elsewhere the slash says nothing.
  const recognizeSelfClosing = /<html[^>]*\sxmlns\s*=/i.test(html.slice(0, 2_000))
  const parser = new Parser(reader, { decodeEntities: true, lowerCaseTags: true, recognizeSelfClosing })
  // In pieces, so that no single token makes the parser hold more than one.
  for (let from = 0; from < html.length; from += 65_536) parser.write(html.slice(from, from + 65_536))
  parser.end()
  const extraction = reader.end()
  if (extraction.text.trim() !== '' || mayBeEmpty) return extraction
  throw documentsErrors.DOCUMENTS_FILE_EMPTY({ path })
}

class HtmlReader {
  readonly #path: string
  readonly #text: TextBuilder
  readonly #visibility = new HtmlVisibility()
  #headings: ReturnType<typeof headingPath> = []
  /** Depth of elements that are not shown. */
  #unseen = 0
  #depth = 0
  #verbatim = 0
  #title = ''
  #isTitle = false
  /** The heading being read. */
  #heading: { readonly level: number; text: string } | undefined
  #firstHeading: string | undefined
  #isFirstCell = true

  constructor(path: string) {
    this.#path = path
    this.#text = new TextBuilder(path)
  }

  onopentag(name: string, attributes: Readonly<Record<string, string>>): void {
    if (++this.#depth > limits.depth)
      throw documentsErrors.DOCUMENTS_FILE_DAMAGED({
        path: this.#path,
        reason: `its elements stand more than ${limits.depth} deep in each other`,
      })
    const isHidden = this.#visibility.enter(name, attributes)
    if (name === 'title' && this.#unseen === 0 && this.#title === '') this.#isTitle = true
    if (this.#unseen > 0 || isHidden) {
      this.#unseen++
      return
    }
    if (name === 'pre' || name === 'textarea') this.#verbatim++
    const level = /^h([1-6])$/.exec(name)?.[1]
    if (level !== undefined) this.#beginHeading(Number(level))
    else if (name === 'br') this.#break()
    else if (name === 'td' || name === 'th') this.#beginCell()
    else if (name === 'img') this.#read(attributes['alt'] ?? '')
    else if (name === 'input' && /^(?:submit|button|reset)$/i.test(attributes['type'] ?? ''))
      this.#read(attributes['value'] ?? '')
    else if (blocks.has(name)) this.#block(name)
  }

  ontext(text: string): void {
    if (this.#isTitle) this.#title += text
    else if (this.#unseen === 0) this.#read(text)
  }

  onclosetag(name: string): void {
    this.#depth--
    this.#visibility.leave()
    if (name === 'title') this.#isTitle = false
    if (this.#unseen > 0) {
      this.#unseen--
      return
    }
    if (name === 'pre' || name === 'textarea') this.#verbatim--
    if (/^h[1-6]$/.test(name)) this.#endHeading()
    else if (blocks.has(name)) this.#block(name)
  }

  end(): Extraction {
    this.#endHeading()
    const { text, sections } = this.#text.end()
    const title = this.#title.replaceAll(/\s+/g, ' ').trim() || this.#firstHeading
    const shown = sections.map((section) => ({
      ...section,
      headings: section.headings.filter((heading) => heading !== title),
    }))
    return { text, title, sections: shown, hasLines: false }
  }

  #read(text: string): void {
    if (this.#heading) this.#heading.text += text
    else if (this.#verbatim > 0) this.#text.verbatim(text)
    else this.#text.words(text)
  }

  #break(): void {
    if (this.#heading) this.#heading.text += ' '
    else this.#text.newline()
  }

  #beginCell(): void {
    if (this.#heading) this.#heading.text += ' '
    else if (!this.#isFirstCell) this.#text.verbatim('\t')
    this.#isFirstCell = false
  }

  #block(name: string): void {
    // A block inside a heading parts its words; the heading goes on.
    if (this.#heading) {
      this.#heading.text += ' '
      return
    }
    this.#isFirstCell = true
    this.#text.newline(/^(?:p|pre|blockquote|table|ul|ol|dl|section|article|figure|hr)$/.test(name) ? 1 : 0)
  }

  #beginHeading(level: number): void {
    // One that is never closed ends where the next begins.
    this.#endHeading()
    this.#text.newline(1)
    this.#heading = { level, text: '' }
  }

  #endHeading(): void {
    const heading = this.#heading
    this.#heading = undefined
    const text = heading?.text.replaceAll(/\s+/g, ' ').trim()
    if (!heading || !text) return
    this.#firstHeading ??= text
    this.#headings = headingPath(this.#headings, heading.level, text)
    this.#text.section(this.#headings.map((one) => one.text))
    this.#text.words(text)
    this.#text.newline(1)
  }
}

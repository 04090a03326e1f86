/** HTML: what a reader sees of it, with its headings and tables. Scripts, styles and what is hidden from readers are left out. */
import { Parser } from 'htmlparser2'
import { documentsErrors } from '../../errors.ts'
import { decode } from './decode.ts'
import type { Extract, Extraction } from './format.ts'
import { limits } from './limits.ts'
import { headingPath, TextBuilder } from './text-builder.ts'

const unseen = new Set([
  'script',
  'style',
  'template',
  'noscript',
  'svg',
  'math',
  'iframe',
  'object',
  'canvas',
  'select',
])
const blocks = new Set(
  'address article aside blockquote body dd details div dl dt fieldset figcaption figure footer form header hr html li main nav ol p pre section summary table tbody tfoot thead tr ul caption'.split(
    ' ',
  ),
)

export const extractHtml: Extract = (bytes, path) => htmlText(decode(bytes, path, declaredEncoding(bytes)), path)

/** The same for HTML that is a text already, such as the body of a message. */
export function htmlText(html: string, path: string): Extraction {
  const reader = new HtmlReader(path)
  const parser = new Parser(reader, { decodeEntities: true, lowerCaseTags: true })
  // In pieces, so that no single token makes the parser hold more than one.
  for (let from = 0; from < html.length; from += 65_536) parser.write(html.slice(from, from + 65_536))
  parser.end()
  return reader.end()
}

/** What a page says of its own encoding, within the first 1,024 bytes as the HTML Standard asks for. */
function declaredEncoding(bytes: Uint8Array): string | undefined {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 1024))
  return /<meta[^>]+charset\s*=\s*["']?([\w:.-]+)/i.exec(start)?.[1]
}

class HtmlReader {
  readonly #path: string
  readonly #text: TextBuilder
  #headings: ReturnType<typeof headingPath> = []
  /** Depth of elements that are not shown. */
  #unseen = 0
  #depth = 0
  #verbatim = 0
  #title = ''
  #isTitle = false
  /** The heading being read. */
  #heading: { readonly level: number; text: string } | undefined
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
    if (this.#unseen > 0 || unseen.has(name) || 'hidden' in attributes || attributes['aria-hidden'] === 'true') {
      this.#unseen++
      return
    }
    const level = /^h([1-6])$/.exec(name)?.[1]
    if (name === 'title') this.#isTitle = true
    else if (level !== undefined) {
      this.#text.newline(1)
      this.#heading = { level: Number(level), text: '' }
    } else if (name === 'br') this.#text.newline()
    else if (name === 'td' || name === 'th') {
      if (!this.#isFirstCell) this.#text.verbatim('\t')
      this.#isFirstCell = false
    } else if (name === 'img') this.#read(attributes['alt'] ?? '')
    else if (blocks.has(name)) this.#block(name)
    if (name === 'pre') this.#verbatim++
  }

  ontext(text: string): void {
    if (this.#isTitle) this.#title += text
    else if (this.#unseen === 0) this.#read(text)
  }

  onclosetag(name: string): void {
    this.#depth--
    if (this.#unseen > 0) {
      this.#unseen--
      return
    }
    if (name === 'title') this.#isTitle = false
    else if (name === 'pre') this.#verbatim--
    if (/^h[1-6]$/.test(name)) this.#endHeading()
    else if (blocks.has(name)) this.#block(name)
  }

  end(): Extraction {
    const { text, sections } = this.#text.end()
    if (text.trim() === '') throw documentsErrors.DOCUMENTS_FILE_EMPTY({ path: this.#path })
    const title = this.#title.trim() || this.#headings[0]?.text
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

  #block(name: string): void {
    this.#isFirstCell = true
    this.#text.newline(/^(p|pre|blockquote|table|ul|ol|dl|section|article|figure|hr)$/.test(name) ? 1 : 0)
  }

  #endHeading(): void {
    const heading = this.#heading
    this.#heading = undefined
    const text = heading?.text.replaceAll(/\s+/g, ' ').trim()
    if (!heading || !text) return
    this.#headings = headingPath(this.#headings, heading.level, text)
    this.#text.section(this.#headings.map((one) => one.text))
    this.#text.words(text)
    this.#text.newline(1)
  }
}

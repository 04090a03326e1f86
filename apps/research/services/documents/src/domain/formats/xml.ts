/** Reads XML as a stream of elements and texts, without ever holding it as a tree, and only so deep. */
import { SaxesParser } from 'saxes'
import { documentsErrors } from '../../errors.ts'
import { limits } from './limits.ts'
import { XmlNames } from './xml-names.ts'

export type XmlAttributes = Readonly<Record<string, string>>

export interface XmlReader {
  /** Names are those of `xml-names.ts`: with the usual prefix of their namespace, whatever the file calls it. */
  readonly open?: (name: string, attributes: XmlAttributes) => void
  readonly text?: (text: string) => void
  readonly close?: (name: string) => void
}

/**
 * Throws DOCUMENTS_FILE_DAMAGED, or DOCUMENTS_FILE_TOO_LARGE for more text than any document may have. Entities that a document defines
 * itself are refused, so that none can be a bomb. Of alternative content one form is read.
 */
export function readXml(bytes: Uint8Array, path: string, reader: XmlReader): void {
  const damaged = (reason: string) => documentsErrors.DOCUMENTS_FILE_DAMAGED({ path, reason })
  const parser = new SaxesParser({ xmlns: false, position: false })
  const names = new XmlNames()
  const alternatives = new Alternatives(names)
  let depth = 0
  let length = 0
  parser.on('error', (error) => {
    throw damaged(`its XML cannot be read: ${error.message}`)
  })
  parser.on('opentag', (tag) => {
    if (++depth > limits.depth) throw damaged(`its elements stand more than ${limits.depth} deep in each other`)
    // Without namespaces the parser gives every attribute as a text.
    const attributes = names.enter(tag.attributes as Record<string, string>)
    const name = names.element(tag.name)
    if (alternatives.enter(name, attributes)) reader.open?.(name, attributes)
  })
  const read = (text: string) => {
    length += text.length
    if (length > limits.textLength) throw documentsErrors.DOCUMENTS_FILE_TOO_LARGE({ path, limit: limits.textLength })
    if (!alternatives.isSkipping) reader.text?.(text)
  }
  parser.on('text', read)
  parser.on('cdata', read)
  parser.on('closetag', (tag) => {
    depth--
    const name = names.element(tag.name)
    if (alternatives.leave(name)) reader.close?.(name)
    names.leave()
  })
  const decoder = decoderOf(bytes, damaged)
  for (let from = 0; from < bytes.length; from += 65_536)
    parser.write(decoder.decode(bytes.subarray(from, from + 65_536), { stream: true }))
  parser.close()
}

/** By the byte order mark, else by the XML declaration, else UTF-8. */
function decoderOf(bytes: Uint8Array, damaged: (reason: string) => Error): InstanceType<typeof TextDecoder> {
  const [first, second, third] = bytes
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le')
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be')
  // Without a mark the first two characters tell: "<?".
  if (first === 0x3c && second === 0 && third === 0x3f) return new TextDecoder('utf-16le')
  if (first === 0 && second === 0x3c && third === 0) return new TextDecoder('utf-16be')
  const declared = xmlEncoding(bytes)
  try {
    return new TextDecoder(declared)
  } catch {
    throw damaged(`its XML is written in "${declared}", which cannot be read`)
  }
}

/** The encoding that an XML declaration names. */
export function xmlEncoding(bytes: Uint8Array): string | undefined {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 256))
  return /^(?:\u00ef\u00bb\u00bf)?\s*<\?xml[^>]*\sencoding\s*=\s*["']([\w:.-]+)["']/.exec(start)?.[1]
}

/**
 * Markup compatibility: of the forms that stand for each other, the first whose namespaces are understood is read, else the fallback.
 * Source: ECMA-376, part 3.
 */
class Alternatives {
  readonly #names: XmlNames
  /** For each `AlternateContent` that is open, whether a form of it was read. */
  readonly #open: boolean[] = []
  /** Depth inside a form that is not read. */
  #skipped = 0

  constructor(names: XmlNames) {
    this.#names = names
  }

  get isSkipping(): boolean {
    return this.#skipped > 0
  }

  /** Whether the element is one to read, rather than one of these or inside a form that is passed over. */
  enter(name: string, attributes: XmlAttributes): boolean {
    if (this.#skipped > 0) this.#skipped++
    else if (name === 'mc:AlternateContent') this.#open.push(false)
    else if (name === 'mc:Choice' || name === 'mc:Fallback') {
      const required = (attributes['Requires'] ?? '').split(/\s+/).filter((prefix) => prefix !== '')
      const isRead = this.#open.at(-1) !== true && required.every((prefix) => this.#names.isUnderstood(prefix))
      if (isRead) this.#open.splice(-1, 1, true)
      else this.#skipped++
    } else return true
    return false
  }

  leave(name: string): boolean {
    if (this.#skipped > 0) this.#skipped--
    else if (name === 'mc:AlternateContent') this.#open.pop()
    else return name !== 'mc:Choice' && name !== 'mc:Fallback'
    return false
  }
}

/**
 * E-mail (.eml): who wrote to whom about what, then the text of the message. Of forms that stand for each other the one with the text is
 * read; messages inside a message are read too, and attachments named.
 */
import { isError } from '@keelson/kernel'
import { type Address, addressParser } from 'postal-mime'
import { documentsErrors } from '../../errors.ts'
import { decode } from './decode.ts'
import type { Extract } from './format.ts'
import { htmlText } from './html.ts'
import { limits } from './limits.ts'
import { type MimePart, mimePart } from './mime.ts'
import { TextBuilder } from './text-builder.ts'

/** A message in a message, a part in a part. */
const deepest = 100

export const extractEmail: Extract = (bytes, path) => {
  const message = mimePart(bytes)
  const subject = message.header('subject')
  const { head, body } = new MessageReader(path).message(message)
  if (body.trim() === '' && !subject) throw documentsErrors.DOCUMENTS_FILE_EMPTY({ path })
  const builder = new TextBuilder(path)
  builder.verbatim(head)
  builder.newline(1)
  builder.verbatim(body)
  const { text, sections } = builder.end()
  return { text, title: subject || undefined, sections, hasLines: false }
}

class MessageReader {
  readonly #path: string
  #parts = 0

  constructor(path: string) {
    this.#path = path
  }

  /** The people, date, subject and attachments of a message, and its text. */
  message(part: MimePart, depth = 0): { head: string; body: string } {
    const attachments: string[] = []
    const body = this.#text(part, attachments, depth)
    const date = part.header('date')
    const subject = part.header('subject')
    const head = [
      ...['From', 'To', 'Cc'].map((name) => people(name, part.header(name.toLowerCase()))),
      date ? `Date: ${moment(date)}` : '',
      subject ? `Subject: ${subject}` : '',
      ...attachments.map((name) => `Attachment: ${name}`),
    ]
    return { head: head.filter((line) => line !== '').join('\n'), body }
  }

  #text(part: MimePart, attachments: string[], depth: number): string {
    this.#count(depth)
    const { type, filename } = part
    if (type.startsWith('multipart/')) return this.#multipart(part, attachments, depth)
    if (part.isAttachment || (filename !== undefined && !/^(?:text\/(?:plain|html)|message\/)/.test(type))) {
      if (filename) attachments.push(filename)
      return ''
    }
    if (type === 'message/rfc822' || type === 'message/global') {
      const { head, body } = this.message(mimePart(part.content()), depth + 1)
      return `${head}\n\n${body}`.trim()
    }
    if (type === 'text/html') return this.#html(part)
    return type.startsWith('text/') || type.startsWith('message/') ? this.#plain(part) : ''
  }

  #multipart(part: MimePart, attachments: string[], depth: number): string {
    const parts = part.parts()
    // Without its boundary a multipart is one text.
    if (parts.length === 0) return this.#plain(part)
    if (part.type !== 'multipart/alternative')
      return parts
        .map((one) => this.#text(one, attachments, depth + 1))
        .filter((text) => text.trim() !== '')
        .join('\n\n')
    const forms = parts.map((one) => ({ type: one.type, text: this.#text(one, attachments, depth + 1).trim() }))
    const longest = forms.reduce((best, one) => (words(one.text) > words(best.text) ? one : best), {
      type: '',
      text: '',
    })
    const plain = forms.find(({ type }) => type === 'text/plain')
    // A plain form may be blank, or only say that there is another.
    return plain && words(plain.text) * 2 >= words(longest.text) ? plain.text : longest.text
  }

  #plain(part: MimePart): string {
    const text = this.#decoded(part).replaceAll('\r\n', '\n')
    if (!/^flowed$/i.test(part.parameters.get('format') ?? '')) return text
    const isDeleted = /^yes$/i.test(part.parameters.get('delsp') ?? '')
    // A space at the end of a line says that the paragraph goes on (RFC 3676); "-- " begins a signature.
    return text.replaceAll(/(?<!^--) \n(?=>* ?\S)/gm, isDeleted ? '' : ' ')
  }

  /** A form without text, of pictures for instance, has others beside it. */
  #html(part: MimePart): string {
    return htmlText(this.#decoded(part), this.#path, { mayBeEmpty: true }).text
  }

  #decoded(part: MimePart): string {
    const bytes = part.content().filter((byte) => byte !== 0)
    if (bytes.length === 0) return ''
    try {
      return decode(bytes, this.#path, part.parameters.get('charset'))
    } catch (error) {
      if (isError(error, 'DOCUMENTS_FILE_EMPTY')) return ''
      throw error
    }
  }

  #count(depth: number): void {
    if (depth <= deepest && ++this.#parts <= limits.parts) return
    const reason = depth > deepest ? `its parts stand more than ${deepest} deep in each other` : 'it has too many parts'
    throw documentsErrors.DOCUMENTS_FILE_DAMAGED({ path: this.#path, reason })
  }
}

function words(text: string): number {
  return text.match(/[\p{L}\p{N}]+/gu)?.length ?? 0
}

function people(name: string, header: string | undefined): string {
  const all = header ? addressParser(header).flatMap(shown) : []
  return all.length > 0 ? `${name}: ${all.join(', ')}` : ''
}

function shown(address: Address): string[] {
  if (address.group) return address.group.flatMap(shown)
  const { name, address: at = '' } = address
  return [name && at ? `${name} <${at}>` : name || at].filter((one) => one !== '')
}

/** As ISO 8601 where it is a date. */
function moment(date: string): string {
  const time = Date.parse(date.replace(/\s*\([^)]*\)\s*$/, ''))
  return Number.isNaN(time) ? date : new Date(time).toISOString()
}

/** E-mail (.eml): who wrote to whom about what, then the text of the message; attachments are named. */
import { reasonOf } from '@keelson/kernel'
import { documentsErrors } from '../../errors.ts'
import type { Extract } from './format.ts'
import { htmlText } from './html.ts'
import { limits } from './limits.ts'
import { TextBuilder } from './text-builder.ts'

export const extractEmail: Extract = async (bytes, path) => {
  const { default: PostalMime } = await import('postal-mime')
  const message = await PostalMime.parse(bytes, { maxNestingDepth: limits.depth }).catch((cause: unknown) => {
    const reason = `its message cannot be read: ${reasonOf(cause)}`
    throw documentsErrors.DOCUMENTS_FILE_DAMAGED({ path, reason }, { cause })
  })
  const body = message.text ?? (message.html === undefined ? '' : htmlText(message.html, path).text)
  const people = (name: string, all: readonly Mailbox[]) =>
    all.length > 0 ? `${name}: ${all.map(shown).join(', ')}` : ''
  const head = [
    people('From', message.from ? [message.from] : []),
    people('To', message.to ?? []),
    people('Cc', message.cc ?? []),
    message.date === undefined ? '' : `Date: ${message.date}`,
    message.subject === undefined ? '' : `Subject: ${message.subject}`,
    ...message.attachments.map(({ filename }) => (filename ? `Attachment: ${filename}` : '')),
  ].filter((line) => line !== '')
  if (body.trim() === '' && message.subject === undefined) throw documentsErrors.DOCUMENTS_FILE_EMPTY({ path })
  const builder = new TextBuilder(path)
  builder.verbatim(head.join('\n'))
  builder.newline(1)
  builder.verbatim(body.replaceAll('\r\n', '\n'))
  const { text, sections } = builder.end()
  return { text, title: message.subject, sections, hasLines: false }
}

interface Mailbox {
  readonly name?: string
  readonly address?: string | undefined
}

function shown({ name = '', address = '' }: Mailbox): string {
  return name && address ? `${name} <${address}>` : name || address
}

/** Reads XML as a stream of elements and texts, without ever holding it as a tree, and only so deep. */
import { SaxesParser } from 'saxes'
import { documentsErrors } from '../../errors.ts'
import { limits } from './limits.ts'

export interface XmlReader {
  /** Names are local: without the prefix of their namespace. */
  readonly open?: (name: string, attributes: Readonly<Record<string, string>>) => void
  readonly text?: (text: string) => void
  readonly close?: (name: string) => void
}

/** Throws DOCUMENTS_FILE_DAMAGED. Entities that a document defines itself are refused, so that none can be a bomb. */
export function readXml(bytes: Uint8Array, path: string, reader: XmlReader): void {
  const damaged = (reason: string) => documentsErrors.DOCUMENTS_FILE_DAMAGED({ path, reason })
  const parser = new SaxesParser({ xmlns: false, position: false })
  let depth = 0
  parser.on('error', (error) => {
    throw damaged(`its XML cannot be read: ${error.message}`)
  })
  parser.on('opentag', ({ name, attributes }) => {
    if (++depth > limits.depth) throw damaged(`its elements stand more than ${limits.depth} deep in each other`)
    reader.open?.(localName(name), attributes as Record<string, string>) // Without namespaces every value is a text.
  })
  parser.on('text', (text) => reader.text?.(text))
  parser.on('cdata', (text) => reader.text?.(text))
  parser.on('closetag', ({ name }) => {
    depth--
    reader.close?.(localName(name))
  })
  const decoder = new TextDecoder('utf-8')
  for (let from = 0; from < bytes.length; from += 65_536)
    parser.write(decoder.decode(bytes.subarray(from, from + 65_536), { stream: true }))
  parser.close()
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}

/**
 * The parts of a message: headers, types and bytes as they were before they were packed for the way. Text is left to whoever asks, since
 * its encoding is told as that of files is. Sources: RFC 5322, 2045 to 2047 and 2231.
 */
import { decodeWords } from 'postal-mime'
import { detectedText } from './detect-encoding.ts'
import { encodingName, strictText } from './encodings.ts'

export interface MimePart {
  /** The first header of a name in small letters, decoded. */
  header(name: string): string | undefined
  /** In small letters: `text/plain`. */
  readonly type: string
  /** Of the type, by names in small letters. */
  readonly parameters: ReadonlyMap<string, string>
  readonly isAttachment: boolean
  /** The name it has as a file. */
  readonly filename: string | undefined
  /** Unpacked. */
  content(): Uint8Array
  /** The parts of a multipart, none where it has no boundary. */
  parts(): MimePart[]
}

const defaultType = 'text/plain'

/** Reads the headers of a part; `type` is what it is when it does not say. */
export function mimePart(bytes: Uint8Array, type = defaultType): MimePart {
  const { end, body } = endOfHeaders(bytes)
  const headers = headersOf(bytes.subarray(0, end))
  const [ownType = '', parameters] = structured(headers.get('content-type') ?? type)
  const [disposition = '', more] = structured(headers.get('content-disposition') ?? '')
  const packing = (headers.get('content-transfer-encoding') ?? '').trim().toLowerCase()
  const filename = more.get('filename') ?? parameters.get('name')
  return {
    header: (name) => decodedHeader(headers.get(name)),
    type: /^[\w.+-]+\/[\w.+-]+$/.test(ownType) ? ownType : defaultType,
    parameters,
    isAttachment: disposition === 'attachment',
    filename: decodedHeader(filename),
    content: () => unpacked(bytes.subarray(body), packing),
    parts() {
      const boundary = parameters.get('boundary')
      if (boundary === undefined || boundary === '') return []
      // In a digest every part is a message.
      const inner = ownType === 'multipart/digest' ? 'message/rfc822' : defaultType
      return split(bytes.subarray(body), boundary).map((part) => mimePart(part, inner))
    },
  }
}

/** Where the headers end and the body begins. Empty lines, and the line that mailboxes put before a message, may come first. */
function endOfHeaders(bytes: Uint8Array): { end: number; body: number } {
  let start = 0
  for (;;) {
    const newline = bytes.indexOf(0x0a, start)
    const end = newline < 0 ? bytes.length : newline
    const isEmpty = end === start || (end === start + 1 && bytes[start] === 0x0d)
    if (isEmpty || newline < 0) return { end: isEmpty ? start : end, body: Math.min(bytes.length, end + 1) }
    start = end + 1
  }
}

/** By name, the first of each; letters beyond ASCII are still bytes. */
function headersOf(bytes: Uint8Array): Map<string, string> {
  const headers = new Map<string, string>()
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1').split(/\r?\n/)
  let name = ''
  for (const line of lines) {
    if (/^[ \t]/.test(line)) {
      const before = name === '' ? undefined : headers.get(name)
      if (before !== undefined) headers.set(name, `${before} ${line.trim()}`)
      continue
    }
    const colon = line.indexOf(':')
    name = line.slice(0, Math.max(0, colon)).trim().toLowerCase()
    if (!/^[!-9;-~]+$/.test(name) || headers.has(name)) name = ''
    else headers.set(name, line.slice(colon + 1).trim())
  }
  return headers
}

/** Encoded words, and letters that were written as they are. */
function decodedHeader(value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  const bytes = Buffer.from(value, 'latin1')
  const isDecoded = /[^\0-\u00ff]/.test(value)
  const text = isDecoded ? value : (strictText('utf-8', bytes) ?? detectedText(bytes) ?? value)
  return decodeWords(text).replaceAll(/\s+/g, ' ').trim()
}

/** A value and its parameters: `text/plain; charset=utf-8`. */
function structured(header: string): [value: string, parameters: Map<string, string>] {
  const semicolon = header.indexOf(';')
  const value = (semicolon < 0 ? header : header.slice(0, semicolon))
    .replaceAll(/\([^)]*\)/g, '')
    .trim()
    .toLowerCase()
  const found: [name: string, value: string][] = []
  if (semicolon >= 0)
    for (const [, name = '', quoted, bare] of header
      .slice(semicolon)
      .matchAll(/;\s*([\w*.-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;\s]*))/g))
      found.push([name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? bare ?? ''])
  return [value, joinedParameters(found)]
}

/** Long parameters come in numbered pieces, those with other letters as `name*=utf-8''%e2%82%ac`. */
function joinedParameters(found: readonly (readonly [name: string, value: string])[]): Map<string, string> {
  const parameters = new Map<string, string>()
  const pieces = new Map<string, { at: number; value: string; isEncoded: boolean }[]>()
  for (const [given, value] of found) {
    const [, name, at = '0', star] = /^([^*]+)(?:\*(\d+))?(\*)?$/.exec(given) ?? []
    if (name === undefined) continue
    if (!given.includes('*')) {
      if (!parameters.has(name)) parameters.set(name, value)
      continue
    }
    const known = pieces.get(name) ?? []
    known.push({ at: Number(at), value, isEncoded: star !== undefined })
    pieces.set(name, known)
  }
  for (const [name, all] of pieces) {
    all.sort((a, b) => a.at - b.at)
    const charset = all[0]?.isEncoded ? /^([^']*)'[^']*'/.exec(all[0].value) : null
    const bytes = all.map(({ value, isEncoded }, index) => {
      const own = index === 0 && charset ? value.slice(charset[0].length) : value
      return Buffer.from(
        isEncoded
          ? own.replaceAll(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
          : own,
        'latin1',
      )
    })
    const encoding = encodingName(charset?.[1] ?? 'utf-8') ?? 'utf-8'
    const whole = Buffer.concat(bytes)
    parameters.set(name, strictText(encoding, whole) ?? strictText('utf-8', whole) ?? whole.toString('latin1'))
  }
  return parameters
}

function unpacked(bytes: Uint8Array, packing: string): Uint8Array {
  if (packing === 'base64') {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
    // Padding may stand in the middle, where pieces were packed one by one.
    const pieces = text.replaceAll(/[^A-Za-z0-9+/=]/g, '').split(/(?<==)(?!=)/)
    return Buffer.concat(pieces.map((piece) => Buffer.from(piece, 'base64')))
  }
  return packing === 'quoted-printable' ? unquoted(bytes) : bytes
}

/** Quoted-printable; what is no such sign stands for itself. */
function unquoted(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  const joined = text.replaceAll(/=[ \t]*\r?\n/g, '').replace(/=$/, '')
  const plain = joined.replaceAll(/=([0-9A-Fa-f]{2})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  )
  return Buffer.from(plain, 'latin1')
}

/** What stands between lines of a boundary; without its last one a part goes on to the end. */
function split(body: Uint8Array, boundary: string): Uint8Array[] {
  const marker = Buffer.from(`--${boundary}`, 'latin1')
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.length)
  const parts: Uint8Array[] = []
  let start: number | undefined
  for (let at = buffer.indexOf(marker); at >= 0; at = buffer.indexOf(marker, at + 1)) {
    if (at > 0 && buffer[at - 1] !== 0x0a) continue
    const newline = buffer.indexOf(0x0a, at)
    const end = newline < 0 ? buffer.length : newline
    const rest = buffer.toString('latin1', at + marker.length, end).trimEnd()
    if (rest !== '' && rest !== '--') continue
    if (start !== undefined) parts.push(body.subarray(start, withoutLineEnd(buffer, at)))
    if (rest === '--') return parts
    start = Math.min(buffer.length, end + 1)
  }
  if (start !== undefined) parts.push(body.subarray(start))
  return parts
}

function withoutLineEnd(buffer: Buffer, at: number): number {
  const beforeNewline = Math.max(0, at - 1)
  return buffer[beforeNewline - 1] === 0x0d ? beforeNewline - 1 : beforeNewline
}

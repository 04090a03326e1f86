/** Encodings by the names and numbers that files call them by. What can be read is what `TextDecoder` knows. */

/** Code pages of Windows and DOS that have other names in the WHATWG Encoding Standard. */
const codePages: Readonly<Record<string, string>> = {
  '866': 'ibm866',
  '874': 'windows-874',
  '932': 'shift_jis',
  '936': 'gbk',
  '949': 'euc-kr',
  '950': 'big5',
  '1200': 'utf-16le',
  '1201': 'utf-16be',
  '10000': 'macintosh',
  '10007': 'x-mac-cyrillic',
  '20127': 'windows-1252',
  '20866': 'koi8-r',
  '20932': 'euc-jp',
  '21866': 'koi8-u',
  '50220': 'iso-2022-jp',
  '51932': 'euc-jp',
  '51949': 'euc-kr',
  '54936': 'gb18030',
  '65001': 'utf-8',
}

/** Labels that say no more than that it is text. */
const sayNothing = /^(?:|x-)(?:unknown|unknown-8bit|8bit|7bit|binary|default|none|user-defined)$/

/** The name that `TextDecoder` has for a label, the label itself where it has none, and undefined where it says nothing. */
export function encodingName(label: string): string | undefined {
  const given = label
    .trim()
    .replaceAll(/^["']|["']$/g, '')
    .toLowerCase()
  if (given === '' || sayNothing.test(given)) return undefined
  const page = /^(?:cp|ms|dos|windows|win|ibm|x-cp|x-ms-cp|ansi)?[-_ ]?(\d{3,5})$/.exec(given)?.[1]
  const candidates = [
    given,
    codePages[page ?? ''],
    `windows-${page}`,
    given.replace(/^(?:x-|cs)/, ''),
    given.replaceAll('_', '-'),
  ]
  const iso = /^(?:iso[-_ ]?)?8859[-_ ](\d{1,2})$/.exec(given)?.[1] ?? /^2859(\d)$/.exec(given)?.[1]
  if (iso !== undefined) candidates.push(`iso-8859-${iso}`)
  for (const candidate of candidates) {
    if (candidate === undefined) continue
    const name = known(candidate)
    if (name !== undefined) return name
  }
  return given
}

/** Whether text in it looks like ASCII, so that only its name tells it apart. */
export function looksLikeAscii(encoding: string): boolean {
  return /^(?:iso-2022|hz|utf-7|unicode-1-1-utf-7)/.test(encoding)
}

/** Whether it has more than one byte for a character. */
export function isMultiByte(encoding: string): boolean {
  return /^(?:gb|big5|euc|shift_jis|iso-2022)/.test(encoding)
}

/** Undefined for an encoding that is not known, and for bytes that are none of its text. */
export function strictText(encoding: string, bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** The same, where no more than one character in a thousand is damaged: such a file is still read. */
export function mostlyText(encoding: string, bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder(encoding).decode(bytes)
    const damaged = text.split('\ufffd').length - 1
    return damaged * 1_000 <= text.length ? text : undefined
  } catch {
    return undefined
  }
}

function known(label: string): string | undefined {
  try {
    return new TextDecoder(label).encoding
  } catch {
    return undefined
  }
}

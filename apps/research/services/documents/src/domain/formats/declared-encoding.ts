/** The encoding that a file names within itself, by the rules of its kind. */
import { xmlEncoding } from './xml.ts'

/** What a page says within its first 1,024 bytes, as the HTML Standard asks for. */
export function htmlEncoding(bytes: Uint8Array): string | undefined {
  const start = startOf(bytes).replaceAll(/<!--[\s\S]*?-->/g, '')
  for (const [tag] of start.matchAll(/<meta\s[^>]*>/gi)) {
    const direct = /\scharset\s*=\s*["']?\s*([\w:.-]+)/i.exec(tag.replaceAll(/content\s*=\s*(?:"[^"]*"|'[^']*')/gi, ''))
    const inContent = /http-equiv\s*=\s*["']?content-type/i.test(tag)
      ? /charset\s*=\s*([\w:.-]+)/i.exec(tag)
      : undefined
    const label = direct?.[1] ?? inContent?.[1]
    if (label !== undefined) return label
  }
  return xmlEncoding(bytes)
}

/** Source code: an XML declaration, the first rule of a style sheet, or a comment in the first two lines (Python's PEP 263). */
export function codeEncoding(bytes: Uint8Array): string | undefined {
  const start = startOf(bytes)
  const ofStyles = /^@charset "([\w:.-]+)";/.exec(start)?.[1]
  const [first = '', second = ''] = start.split('\n', 2)
  const comment = [first, second].map(
    (line) => /^[ \t\f]*(?:#|\/\/|\/\*|--|;|%).*?coding[:=][ \t]*([\w.-]+)/.exec(line)?.[1],
  )
  return xmlEncoding(bytes) ?? ofStyles ?? comment[0] ?? comment[1]
}

function startOf(bytes: Uint8Array): string {
  return new TextDecoder('latin1').decode(bytes.subarray(0, 1_024))
}

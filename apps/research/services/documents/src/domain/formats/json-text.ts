/**
 * JSON as people read it: characters instead of their escapes, on the same lines. What comes out is JSON as before; comments, and commas
 * at the end of a list, are left as they stand. One pass over the text, whatever it holds.
 */

type Kind = 'string' | 'comment' | 'other'

/** The text with its escapes read. */
export function readableJson(text: string): string {
  if (!text.includes('\\')) return text
  return mapTokens(text, (token, kind) => (kind === 'string' ? readableString(token) : token))
}

/** Without comments and without commas that end a list: what is left is JSON, if it ever was. */
export function strictJson(text: string): string {
  const bare = mapTokens(text, (token, kind) => (kind === 'comment' ? ' ' : token))
  return mapTokens(bare, (token, kind) => (kind === 'other' ? token.replaceAll(/,(?=\s*[\]}])/g, '') : token))
}

/** Line ends and tabs become spaces, so that the word after one does not begin with its letter. */
const blanks = /^[bfnrt]$/

function readableString(token: string): string {
  if (!token.includes('\\')) return token
  return token
    .replaceAll(/\\(?:u([0-9a-fA-F]{4})|([\s\S]))/g, (source: string, hex?: string, letter?: string) => {
      if (letter !== undefined) return blanks.test(letter) ? ' ' : source
      const character = String.fromCharCode(Number.parseInt(hex ?? '', 16))
      if (/[\p{Zl}\p{Zp}\t\n\r]/u.test(character)) return ' '
      return /["\\\p{Cc}]/u.test(character) ? source : character
    })
    .toWellFormed()
}

function mapTokens(text: string, map: (token: string, kind: Kind) => string): string {
  const parts: string[] = []
  const opening = /"|\/[/*]/g
  let from = 0
  for (let match = opening.exec(text); match; match = opening.exec(text)) {
    const { index } = match
    const isString = match[0] === '"'
    const end = isString ? endOfString(text, index) : endOfComment(text, index)
    // A text that does not end on its line is none.
    if (end > 0) {
      parts.push(map(text.slice(from, index), 'other'), map(text.slice(index, end), isString ? 'string' : 'comment'))
      from = end
    }
    opening.lastIndex = end > 0 ? end : lineEnd(text, index)
  }
  parts.push(map(text.slice(from), 'other'))
  return parts.join('')
}

/** Behind the closing quote; 0 where the line ends before. */
function endOfString(text: string, start: number): number {
  const special = /["\\\n]/g
  special.lastIndex = start + 1
  for (let match = special.exec(text); match; match = special.exec(text)) {
    if (match[0] === '"') return match.index + 1
    if (match[0] === '\n') return 0
    special.lastIndex = match.index + 2
  }
  return 0
}

function endOfComment(text: string, start: number): number {
  if (text.charAt(start + 1) === '/') return lineEnd(text, start)
  const end = text.indexOf('*/', start + 2)
  return end < 0 ? text.length : end + 2
}

function lineEnd(text: string, start: number): number {
  const newline = text.indexOf('\n', start)
  return newline < 0 ? text.length : newline
}

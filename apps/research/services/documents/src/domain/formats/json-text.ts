/**
 * JSON as people read it: characters instead of their escapes, on the same lines. What comes out is JSON as before; comments, and commas
 * at the end of a list, are left as they stand. One pass over the text, whatever it holds.
 */

/** The text with its escapes read. */
export function readableJson(text: string): string {
  if (!text.includes('\\')) return text
  return replaced(text, (token) => (token.startsWith('"') && token.includes('\\') ? readableString(token) : undefined))
}

/** Without comments and without commas that end a list: what is left is JSON, if it ever was. */
export function strictJson(text: string): string {
  const bare = replaced(text, (token) => (token.startsWith('/') ? ' ' : undefined))
  return replaced(bare, (token) => (token.startsWith(',') && /[\]}]$/.test(token) ? token.slice(1) : undefined))
}

/** Line ends and tabs become spaces, so that the word after one does not begin with its letter. */
const blanks = /^[bfnrt]$/

function readableString(token: string): string {
  return token
    .replaceAll(/\\(?:u([0-9a-fA-F]{4})|([\s\S]))/g, (source: string, hex?: string, letter?: string) => {
      if (letter !== undefined) return blanks.test(letter) ? ' ' : source
      const character = String.fromCharCode(Number.parseInt(hex ?? '', 16))
      if (/[\p{Zl}\p{Zp}\t\n\r]/u.test(character)) return ' '
      return /["\\\p{Cc}]/u.test(character) ? source : character
    })
    .toWellFormed()
}

/** The text with its strings, comments and commas replaced where `replace` gives something else for them. */
function replaced(text: string, replace: (token: string) => string | undefined): string {
  const parts: string[] = []
  const opening = /"|\/[/*]|,\s*[\]}]/g
  let from = 0
  for (let match = opening.exec(text); match; match = opening.exec(text)) {
    const { index } = match
    const end = endOfToken(text, index, opening.lastIndex)
    // A string that does not end on its line is none.
    opening.lastIndex = end > 0 ? end : lineEnd(text, index)
    const other = end > 0 ? replace(text.slice(index, end)) : undefined
    if (other === undefined) continue
    parts.push(text.slice(from, index), other)
    from = end
  }
  return from === 0 ? text : `${parts.join('')}${text.slice(from)}`
}

function endOfToken(text: string, start: number, end: number): number {
  const first = text.charAt(start)
  if (first === '"') return endOfString(text, start)
  return first === ',' ? end : endOfComment(text, start)
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

/**
 * Cuts a text into chains: letters and digits, joined by single characters that stand inside words, numbers and identifiers. A pattern
 * says what a chain is; words of plain letters between spaces, most of all text, are recognised without it.
 */

/** What a letter or digit may be followed by and still be the same word: the last of these are seen by nobody. */
const invisible = String.raw`\u{AD}|\u{200B}|\u{200C}|\u{200D}|\u{200E}|\u{200F}|\u{2060}|\u{FEFF}`
const wordRest = String.raw`(?:[\p{L}\p{N}\p{M}]|${invisible})*`
/** A word that is broken by a hyphen at the end of its line is one chain with what follows. */
const lineBreak = String.raw`(?:[\-‐‑]|(?<=\u{AD}))\r?\n[ \t]*(?=\p{Ll})`
const chainPattern = new RegExp(
  String.raw`[\p{L}\p{N}]${wordRest}(?:(?:['’ʼ＇._,\-‐‑](?=[\p{L}\p{N}])|${lineBreak})${wordRest})*`,
  'gu',
)

/** Hands over each chain and where it starts in the text. */
export function forEachChain(text: string, visit: (chain: string, at: number) => void): void {
  let at = 0
  while (at < text.length) {
    if (isBreak(classOf(text, at))) {
      at++
      continue
    }
    const plainEnd = endOfPlainWord(text, at)
    if (plainEnd > at) {
      const end = endOfLanguageName(text, at, plainEnd)
      visit(text.slice(at, end), at)
      at = end
      continue
    }
    chainPattern.lastIndex = at
    const match = chainPattern.exec(text)
    if (!match) return
    at = endOfLanguageName(text, match.index, match.index + match[0].length)
    visit(text.slice(match.index, at), match.index)
  }
}

/** What follows the name of a programming language and is no more than punctuation elsewhere: `C++`, `g++`, `C#`. */
const nameEnding = /(?:\+\+|#)(?![\p{L}\p{N}+#])/uy

function endOfLanguageName(text: string, start: number, end: number): number {
  const next = text.charCodeAt(end)
  if (next !== plus && !(next === hash && end === start + 1)) return end
  nameEnding.lastIndex = end
  return nameEnding.test(text) ? nameEnding.lastIndex : end
}

const plus = 0x2b
const hash = 0x23

const between = 0
const plain = 1
const joining = 2
const unknown = 3

/** By ASCII code. */
const classes = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code)
  if (/[A-Za-z0-9]/.test(character)) return plain
  return /['._,-]/.test(character) ? joining : between
})

function classOf(text: string, at: number): number {
  return classes[text.charCodeAt(at)] ?? unknown
}

/** Where the run of ASCII letters and digits from `at` ends, or `at` when only the pattern can tell where the chain ends. */
function endOfPlainWord(text: string, at: number): number {
  let end = at
  while (end < text.length && classOf(text, end) === plain) end++
  const isLast = end >= text.length - 1
  const next = end < text.length ? classOf(text, end) : between
  if (next === joining && isLineEnd(text, end + 1)) return at
  if (next === joining) return isLast || isBreak(classOf(text, end + 1)) ? end : at
  return next === between ? end : at
}

function isLineEnd(text: string, at: number): boolean {
  return text.charCodeAt(at) === 0x0a || text.charCodeAt(at) === 0x0d
}

function isBreak(characterClass: number): boolean {
  return characterClass === between || characterClass === joining
}

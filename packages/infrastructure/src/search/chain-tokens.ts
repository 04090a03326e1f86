/**
 * The tokens of one chain: what stands between two spaces, more or less. Most chains of a text are words met before, so chains are
 * remembered with their tokens: looking one up is many times cheaper than folding and stemming it again.
 */
import type { Token } from './token.ts'
import { unspacedRun, unspacedTokens } from './unspaced-scripts.ts'
import { wordTerm } from './word-term.ts'

/** Chains are remembered in two generations: when the young one is full, the old one, with what was not met since, is forgotten. */
const generationSize = 50_000
const longestRemembered = 40
let young = new Map<string, readonly Token[]>()
let old = new Map<string, readonly Token[]>()

/** Tokens by where they start, with offsets from the start of the chain. The result is shared between calls. */
export function chainTokens(chain: string): readonly Token[] {
  const known = young.get(chain)
  if (known) return known
  const tokens = old.get(chain) ?? cutChain(chain)
  if (chain.length <= longestRemembered) remember(chain, tokens)
  return tokens
}

function remember(chain: string, tokens: readonly Token[]): void {
  if (young.size >= generationSize) {
    old = young
    young = new Map()
  }
  young.set(copyOf(chain), tokens)
}

/** A piece cut from a text keeps the whole text in memory for as long as it lives; a copy does not. */
function copyOf(piece: string): string {
  return Buffer.from(piece).toString()
}

const plainWord = /^[A-Za-z]?[a-z]+$/

function cutChain(given: string): readonly Token[] {
  if (plainWord.test(given)) return wordTokens({ text: given, start: 0 }, given.length)
  if (given.includes('\n')) return brokenTokens(given)
  const chain = given.replaceAll(/[‐‑]/g, '-')
  const tokens: Token[] = []
  let from = 0
  for (const run of chain.matchAll(unspacedRun)) {
    tokens.push(...spacedTokens(chain.slice(from, run.index), from))
    for (const token of unspacedTokens(run[0], run.index)) tokens.push(token)
    from = run.index + run[0].length
  }
  for (const token of spacedTokens(chain.slice(from), from)) tokens.push(token)
  return tokens
}

/** Whether the hyphen at the end of a line belongs to the word cannot be told, so both parts and the whole can be found. */
function brokenTokens(chain: string): readonly Token[] {
  const tokens: Token[] = []
  let left: Piece | undefined
  for (const { index, 0: line } of chain.matchAll(/[^\r\n]+/g)) {
    const indent = line.length - line.trimStart().length
    const text = line.trim().replace(/[-‐‑]$/, '')
    const start = index + indent
    const right = { text: firstLetters.exec(text.slice(0, longestPart))?.[0] ?? '', start }
    if (left && left.text !== '' && right.text !== '') tokens.push(...compoundTokens([left, right]))
    for (const token of cutChain(text)) tokens.push({ ...token, start: start + token.start, end: start + token.end })
    const last = lastLetters.exec(text.slice(-longestPart))?.[0] ?? ''
    left = { text: last, start: start + text.length - last.length }
  }
  return tokens.sort((a, b) => a.start - b.start || b.end - a.end)
}

const longestPart = 40
const firstLetters = /^[\p{L}\p{M}\u{AD}]+/u
const lastLetters = /[\p{L}\p{M}\u{AD}]+$/u

interface Piece {
  readonly text: string
  readonly start: number
}

/** A number with its separators, or what stands between two joining characters. */
const wordPattern = /\p{N}+(?:[.,]\p{N}+)+|[^._,-]+/gu
const initials = /^\p{L}(?:\.\p{L})+$/u

const languageName = /^([\p{L}\p{N}]+)(?:\+\+|#)$/u
const versionMark = /^v(?=\p{N}+\.\p{N})/iu

function spacedTokens(chain: string, at: number): Token[] {
  const [, letters] = languageName.exec(chain) ?? []
  if (letters !== undefined) return markedTokens(chain.toLowerCase(), letters, at, at + chain.length)
  // What is called v1.2.3 is also asked for as 1.2.3, and stands where that would.
  if (versionMark.test(chain)) {
    const end = at + chain.length
    const [first, ...others] = spacedTokens(chain.slice(1), at + 1)
    if (first)
      return [{ term: chain.toLowerCase(), start: at, end, kind: 'compound' }, { ...first, start: at }, ...others]
  }
  if (initials.test(chain)) return wordTokens({ text: chain.replaceAll('.', ''), start: at }, at + chain.length)
  const words = Array.from(chain.matchAll(wordPattern), (match): Piece => ({ text: match[0], start: at + match.index }))
  const tokens = isIdentifier(chain, words) ? compoundTokens(words) : []
  for (const word of words) {
    const parts = caseHumps(word)
    if (parts.length > 1 && words.length > 1) tokens.push(...compoundTokens(parts))
    for (const part of parts) tokens.push(...wordTokens(part, part.start + part.text.length))
  }
  return tokens
}

/** A name whose mark tells it from its letters, beside the letters. */
function markedTokens(name: string, letters: string, start: number, end: number): Token[] {
  const [word] = wordTokens({ text: letters, start }, end)
  const whole: Token = { term: name, start, end, kind: 'compound' }
  return word ? [whole, word] : [whole]
}

function wordTokens({ text, start }: Piece, end: number): Token[] {
  const known = wordTerm(text)
  return known ? [{ term: known.term, start, end, kind: known.isStopWord ? 'stop' : 'word' }] : []
}

const mostParts = 8
const onlyHyphens = /^[^._,]*$/
const letterOrNumber = /^.$|\p{N}/u

/**
 * Whether the chain as a whole is a name. Plain words joined by hyphens ("low-density") are not: asking for both the words and the
 * whole would weigh them twice. "e-mail", "COVID-19" and "foo-bar.ts" are.
 */
function isIdentifier(chain: string, words: readonly Piece[]): boolean {
  const [word] = words
  if (words.length < 2) return word !== undefined && caseHumps(word).length > 1
  if (words.length > mostParts || chain.includes(',')) return false
  return !onlyHyphens.test(chain) || words.some(({ text }) => letterOrNumber.test(text))
}

/** The parts as one word, so that `fooBar`, `foo_bar` and `foobar` find each other. */
function compoundTokens(parts: readonly Piece[]): Token[] {
  const [first, last] = [parts[0], parts.at(-1)]
  const whole = wordTerm(parts.map((part) => part.text).join(''))
  if (!first || !last || !whole || whole.isStopWord) return []
  return [{ term: whole.term, start: first.start, end: last.start + last.text.length, kind: 'compound' }]
}

const humpStart = /(?<=[\p{Ll}\p{N}])(?=\p{Lu}\p{Ll})|(?<=\p{Ll})(?=\p{Lu}\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u

/** `fooBar` and `HTMLParser` in parts; whole when a part would be one letter ("mRNA", "iPhone") or there are too many to be a name. */
function caseHumps(word: Piece): readonly Piece[] {
  const texts = word.text.split(humpStart)
  if (texts.length === 1 || texts.length > mostParts || texts.some((text) => text.length < 2)) return [word]
  let start = word.start
  return texts.map((text) => {
    const part = { text, start }
    start += text.length
    return part
  })
}

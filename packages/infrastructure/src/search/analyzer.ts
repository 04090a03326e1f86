/**
 * Turns text into the terms it is found by. Text is cut where it stands and each piece folded by itself, so every token knows its place
 * in the original. Entries and queries go through the same cut; `queryTerms` then chooses which of a query's tokens ask.
 */
import { chainTokens } from './chain-tokens.ts'
import { forEachChain } from './chains.ts'
import type { Token } from './token.ts'

/** All tokens of a text, in the order in which they start. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  visitTokens(text, ({ term, start, end, kind }, at) => tokens.push({ term, start: at + start, end: at + end, kind }))
  return tokens
}

/** The terms a text is found by, each as often as it stands there. */
export function analyze(text: string): readonly string[] {
  return tokenize(text).map((token) => token.term)
}

/** `tokenize` without a new object for each word: the tokens are shared, and their offsets count from `at`. */
export function visitTokens(text: string, visit: (token: Token, at: number) => void): void {
  forEachChain(text, (chain, at) => {
    for (const token of chainTokens(chain)) visit(token, at)
  })
}

/**
 * Visits tokens with their positions and returns how many positions there are. Tokens that start at the same place share a position: an
 * identifier and its first part, a Han character and the pair it begins.
 */
export function visitPlaced(text: string, visit: (token: Token, position: number, at: number) => void): number {
  let position = -1
  let lastStart = -1
  visitTokens(text, (token, at) => {
    const start = at + token.start
    if (start > lastStart) position++
    lastStart = start
    visit(token, position, at)
  })
  return position + 1
}

/**
 * The terms a query asks for, each with how often it stands there. Stop words ask only in a query that has nothing else: "to be or not
 * to be" finds what holds these words, "the keel of a ship" asks for keel and ship alone. Within a run of Han or Hangul, pairs of
 * characters ask, not the single ones.
 */
export function queryTerms(query: string): ReadonlyMap<string, number> {
  const tokens = tokenize(query)
  const asking = tokens.filter((token) => token.kind === 'word' || token.kind === 'compound')
  const terms = new Map<string, number>()
  for (const { term } of asking.length > 0 ? asking : tokens) terms.set(term, (terms.get(term) ?? 0) + 1)
  return terms
}

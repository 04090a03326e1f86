/**
 * What a query asks for, read once before any segment is looked at: words, phrases that must stand in an entry, and what would make an
 * entry an exact match and so bring it to the front.
 */
import { visitPlaced } from './analyzer.ts'
import type { Synonyms } from './synonyms.ts'
import type { TokenKind } from './token.ts'

export interface QueryPlan {
  /** What ranks, in the order of the query, each term once. */
  readonly words: readonly QueryWord[]
  /** Quoted phrases: an entry must hold each. */
  readonly required: readonly Phrase[]
  /** The whole query as a phrase; of one word only when it can equal a title. `undefined` when the query has nothing that asks. */
  readonly whole: Phrase | undefined
  /** The whole query without stop words around it, when that leaves several words. */
  readonly core: Phrase | undefined
  /** The terms of its identifiers: the one that it consists of, or those that nobody writes but in code. */
  readonly identifiers: readonly string[]
}

export interface QueryWord {
  readonly term: string
  readonly kind: TokenKind
  /** As it stands in the query the first time. */
  readonly text: string
  /** How often it stands in the query. */
  readonly times: number
  /** Terms that stand for the same. */
  readonly synonyms: readonly string[]
  /** Whether it is not in the query but is part of a synonym of several words. */
  readonly isSynonym: boolean
  /** Whether the query ends with it, without so much as a space behind. */
  readonly isLast: boolean
}

export interface Phrase {
  /** Terms in order, each with its distance from the first position. */
  readonly terms: readonly { readonly term: string; readonly offset: number }[]
  /** How many positions it takes. */
  readonly span: number
}

interface PlacedToken {
  readonly term: string
  readonly kind: TokenKind
  readonly position: number
  readonly start: number
  readonly end: number
}

export function planQuery(text: string, synonyms?: Synonyms): QueryPlan {
  const tokens: PlacedToken[] = []
  visitPlaced(text, ({ term, kind, start, end }, position, at) =>
    tokens.push({ term, kind, position, start: at + start, end: at + end }),
  )
  const core = withoutOuterStopWords(tokens)
  const corePhrase = phraseOf(core)
  return {
    words: synonyms ? withSynonyms(wordsOf(text, tokens), tokens, synonyms) : wordsOf(text, tokens),
    required: quotedPhrases(text, tokens),
    whole: phraseOf(tokens),
    core: corePhrase && corePhrase.terms.length > 1 ? corePhrase : undefined,
    identifiers: identifiersOf(text, core),
  }
}

/** Stop words ask only in a query that has nothing else; of a run of Han or Hangul the pairs ask. */
function wordsOf(text: string, tokens: readonly PlacedToken[]): QueryWord[] {
  const asking = tokens.filter(({ kind }) => kind === 'word' || kind === 'compound')
  const words = new Map<string, QueryWord>()
  for (const { term, kind, start, end } of asking.length > 0 ? asking : tokens) {
    const known = words.get(term)
    words.set(term, {
      term,
      kind,
      text: known?.text ?? text.slice(start, end),
      times: (known?.times ?? 0) + 1,
      synonyms: [],
      isSynonym: false,
      isLast: end === text.length,
    })
  }
  return [...words.values()]
}

/** A word that stands for a word is another term of it; where several words are on either side, they ask beside those of the query. */
function withSynonyms(
  words: readonly QueryWord[],
  tokens: readonly PlacedToken[],
  { longest, of }: Synonyms,
): readonly QueryWord[] {
  const asking = tokens.filter(({ kind }) => kind === 'word')
  const alternatives = new Map<string, Set<string>>()
  const added = new Map<string, QueryWord>()
  for (let from = 0; from < asking.length; from++) {
    for (let length = 1; length <= Math.min(longest, asking.length - from); length++) {
      const terms = asking.slice(from, from + length).map(({ term }) => term)
      for (const target of of(terms)) {
        const [alone, ...more] = target
        const [term, ...others] = terms
        if (alone !== undefined && term !== undefined && more.length === 0 && others.length === 0) {
          alternatives.set(term, (alternatives.get(term) ?? new Set()).add(alone))
        } else {
          for (const one of target) added.set(one, synonymWord(one))
        }
      }
    }
  }
  for (const { term } of words) added.delete(term)
  return [...words.map((word) => ({ ...word, synonyms: [...(alternatives.get(word.term) ?? [])] })), ...added.values()]
}

function synonymWord(term: string): QueryWord {
  return { term, kind: 'word', text: term, times: 1, synonyms: [], isSynonym: true, isLast: false }
}

/** One term for each position: identifiers count by their parts, and what ends a run of Han is in the pair before it. */
function phraseOf(tokens: readonly PlacedToken[]): Phrase | undefined {
  const chosen = tokens.filter(({ kind }) => kind === 'word' || kind === 'stop')
  const [first] = chosen
  const last = tokens.at(-1)
  if (!first || !last) return undefined
  return {
    terms: chosen.map(({ term, position }) => ({ term, offset: position - first.position })),
    span: last.position - first.position + 1,
  }
}

function withoutOuterStopWords(tokens: readonly PlacedToken[]): readonly PlacedToken[] {
  const from = tokens.findIndex(({ kind }) => kind !== 'stop')
  if (from < 0) return tokens
  return tokens.slice(from, tokens.findLastIndex(({ kind }) => kind !== 'stop') + 1)
}

/** `foo_bar`, `read.file` and `fooBar`: what is joined by hyphens ("COVID-19") or has capitals alone ("TKIs") also stands in prose. */
const code = /_|[\p{L}\p{N}]{2}\.\p{L}{2}|^\p{Ll}{2,}(?:\p{Lu}\p{Ll}+)+$/u

function identifiersOf(text: string, tokens: readonly PlacedToken[]): string[] {
  const [first] = tokens
  const end = tokens.reduce((furthest, token) => Math.max(furthest, token.end), 0)
  const identifiers = tokens.filter(({ kind, start, end: its }) => {
    const isWhole = start === first?.start && its === end
    return kind === 'compound' && (isWhole || code.test(text.slice(start, its)))
  })
  return [...new Set(identifiers.map(({ term }) => term))]
}

const quoted = /["“”„«»]([^"“”„«»]*)["“”«»]/gu

/** What stands between two quotation marks, each phrase once; a single mark is no more than a character. */
function quotedPhrases(text: string, tokens: readonly PlacedToken[]): Phrase[] {
  const phrases = new Map<string, Phrase>()
  let next = 0
  for (const match of text.matchAll(quoted)) {
    const end = match.index + match[0].length
    while ((tokens[next]?.start ?? end) < match.index) next++
    const from = next
    while ((tokens[next]?.start ?? end) < end) next++
    const phrase = phraseOf(tokens.slice(from, next).filter((token) => token.end <= end))
    if (phrase) phrases.set(JSON.stringify(phrase.terms), phrase)
  }
  return [...phrases.values()]
}

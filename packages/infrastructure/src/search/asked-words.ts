/** Which terms of the index the words of a query stand for, and how much each counts. */
import { inverseFrequency } from './bm25.ts'
import { fold } from './folding.ts'
import type { QueryPlan, QueryWord } from './query-plan.ts'
import type { Segment } from './segment.ts'
import { allowedEdits, visitSimilar } from './similar-terms.ts'
import { wordTerm } from './word-term.ts'

/** How a term of the index answers to a word of the query. */
export type TermMatch = 'exact' | 'synonym' | 'prefix' | 'typo'

export interface AskedWord {
  readonly word: QueryWord
  /** Of the word itself; where the index does not have it, of the term that most entries hold: what is rare only resembles it. */
  readonly idf: number
  /** At least one, the word itself first. */
  readonly terms: readonly FoundTerm[]
}

export interface FoundTerm {
  readonly term: string
  readonly match: TermMatch
  /** 1 for the word itself, less for what only resembles it. */
  readonly weight: number
  /** By segment: where the term is, or -1. */
  readonly positions: readonly number[]
  /** Live entries that hold it. */
  readonly holders: number
}

export interface WordRules {
  /** Whether the word that the query ends with may go on. */
  readonly prefix: boolean
  /** Which words may be misspelt. */
  readonly typos: 'never' | 'unknown words' | 'all words'
}

const weights = { synonym: 0.8, prefix: 0.5, typo: [1, 0.3, 0.15] } as const

/** A word stands for so many terms at most, those that most entries hold. */
const mostTerms = 100

/** For so many words of a query misspellings are looked for, a millisecond or two each: nobody types more, though anybody may paste. */
const mostCorrected = 16

/** Words that stand for nothing in the index are left out. */
export function askWords(segments: readonly Segment[], { words }: QueryPlan, rules: WordRules): AskedWord[] {
  const size = segments.reduce((total, segment) => total + segment.liveCount, 0)
  let corrected = 0
  return words.flatMap((word) => {
    const terms = knownTerms(segments, word, rules)
    const mayBeMisspelt = rules.typos === 'all words' || (rules.typos === 'unknown words' && terms.size === 0)
    if (mayBeMisspelt && corrected++ < mostCorrected) addSimilar(terms, segments, word)
    const [first, ...others] = terms.values()
    if (!first) return []
    const holders = first.match === 'exact' ? first.holders : mostHolders([first, ...others])
    return [{ word, idf: inverseFrequency(size, holders), terms: [first, ...others] }]
  })
}

/** By term. */
function knownTerms(segments: readonly Segment[], word: QueryWord, { prefix }: WordRules): Map<string, FoundTerm> {
  const found = new Map<string, FoundTerm>()
  const itself = word.isSynonym
    ? findTerm(segments, word.term, 'synonym', weights.synonym)
    : findTerm(segments, word.term, 'exact', 1)
  if (itself) found.set(word.term, itself)
  addBest(
    found,
    word.synonyms.map((term) => ({ term, match: 'synonym', weight: weights.synonym })),
    segments,
  )
  if (prefix && word.isLast) addPrefixed(found, segments, word)
  return found
}

function mostHolders(terms: readonly FoundTerm[]): number {
  return terms.reduce((most, { holders }) => Math.max(most, holders), 0)
}

function addPrefixed(found: Map<string, FoundTerm>, segments: readonly Segment[], word: QueryWord): void {
  const prefix = fold(word.text)
  if (prefix === '' || word.kind === 'stop') return
  const terms = new Set<string>()
  for (const { parts } of segments) {
    const from = parts.terms.startOf(prefix)
    const end = parts.terms.endOfPrefix(prefix, from)
    for (let position = from; position < end; position++) terms.add(parts.terms.at(position))
  }
  addBest(
    found,
    [...terms].map((term) => ({ term, match: 'prefix', weight: weights.prefix })),
    segments,
  )
}

/** Numbers, names with digits and characters of scripts without spaces are meant as they stand. */
const spellable = /^[\p{L}\p{M}]+$/u

function addSimilar(found: Map<string, FoundTerm>, segments: readonly Segment[], word: QueryWord): void {
  const spelling = fold(word.text)
  if (word.kind !== 'word' || word.isSynonym || !spellable.test(spelling)) return
  const edits = new Map<string, number>()
  const most = allowedEdits(spelling.length)
  for (const { parts } of segments) {
    visitSimilar(parts.terms, word.term, most, (position, count) => edits.set(parts.terms.at(position), count))
  }
  for (const term of most > 0 ? termsBehindEnding(spelling) : []) {
    const isKnown = segments.some(({ parts }) => parts.terms.find(term) >= 0)
    if (isKnown && term !== word.term) edits.set(term, 1)
  }
  const similar = [...edits].map(
    ([term, count]): Candidate => ({ term, match: 'typo', weight: weights.typo[count] ?? 0 }),
  )
  addBest(found, similar, segments)
}

interface Candidate {
  readonly term: string
  readonly match: TermMatch
  readonly weight: number
}

function addBest(found: Map<string, FoundTerm>, candidates: readonly Candidate[], segments: readonly Segment[]): void {
  const terms = candidates.flatMap(({ term, match, weight }) => {
    const one = found.has(term) ? undefined : findTerm(segments, term, match, weight)
    return one ? [one] : []
  })
  terms.sort((a, b) => b.weight - a.weight || b.holders - a.holders || (a.term < b.term ? -1 : 1))
  for (const one of terms.slice(0, mostTerms)) found.set(one.term, one)
}

const endingLength = 4
const english = /^[a-z]{1,40}$/

/**
 * Terms of the words one edit away within the ending: "indexng" is far from the stem "index", though not from "indexing". Only what the
 * stemmer knows, English, has endings here.
 */
function termsBehindEnding(spelling: string): ReadonlySet<string> {
  const terms = new Set<string>()
  if (!english.test(spelling)) return terms
  for (let at = Math.max(1, spelling.length - endingLength); at <= spelling.length; at++) {
    const [before, after] = [spelling.slice(0, at), spelling.slice(at)]
    const others = [before + after.slice(1), before + after.charAt(1) + after.charAt(0) + after.slice(2)]
    for (const letter of letters) others.push(before + letter + after, before + letter + after.slice(1))
    for (const other of others) {
      const known = wordTerm(other)
      if (known && !known.isStopWord) terms.add(known.term)
    }
  }
  return terms
}

const letters = [...'abcdefghijklmnopqrstuvwxyz']

function findTerm(segments: readonly Segment[], term: string, match: TermMatch, weight: number): FoundTerm | undefined {
  const positions = segments.map((segment) => segment.parts.terms.find(term))
  const holders = positions.reduce(
    (count, position, index) => count + (position < 0 ? 0 : (segments[index]?.holders(position) ?? 0)),
    0,
  )
  return holders === 0 ? undefined : { term, match, weight, positions, holders }
}

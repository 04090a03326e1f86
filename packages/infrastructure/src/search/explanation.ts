/** How the score of a hit came about, in numbers that add up to it. */
import type { TermMatch } from './asked-words.ts'
import type { ExactKind } from './exact-match.ts'

export interface Explanation {
  /** The sum of what `words` and `exact` give. */
  readonly score: number
  /** The words of the query that the entry answers to, in the order of the query. */
  readonly words: readonly WordExplanation[]
  /** The ways in which the entry matches the query exactly. */
  readonly exact: readonly { readonly kind: ExactKind; readonly score: number }[]
  /** Words of the entry, title and text, without stop words. */
  readonly length: number
  /** The same, on average over the index. */
  readonly averageLength: number
}

export interface WordExplanation {
  /** As it stands in the query. */
  readonly word: string
  /** The term of the index that counted. */
  readonly term: string
  readonly match: TermMatch
  /** How much such a match counts: 1 when it is exact. */
  readonly weight: number
  /** How often the word stands in the query. */
  readonly times: number
  readonly idf: number
  /** How often the term stands in the entry, by field. */
  readonly frequency: { readonly title: number; readonly text: number }
  /** times × weight × idf × f(k1 + 1) / (f + k1(1 − b + b × length / averageLength)), with f both frequencies together. */
  readonly score: number
}

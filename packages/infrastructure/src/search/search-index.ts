/**
 * The port of full-text search: an index of short texts, ranked by relevance. It holds no text, only what ranking needs; whoever owns the
 * texts keeps them in its database and can build the index again from there.
 *
 * Promises:
 * - `upsert` replaces what is there under the same id; within one call the last of equal ids wins. `remove` of an unknown id is nothing.
 * - A change is visible to the next search. Searches and changes are synchronous here and never see half of one another.
 * - Ranking depends on what the index holds now, never on the order or history of changes: an index built anew from the same entries
 *   gives the same hits and scores. Equal scores are ordered by id, UTF-16 unit by unit.
 * - Any word of the query may match (OR). A query without a letter or digit finds nothing. Stop words count only in a query that has no
 *   other words.
 * - What stands between two quotation marks is a phrase: an entry must hold its words one behind the other, stop words among them.
 * - What a word finds as a beginning counts half, and what it finds as a misspelling less than a third, of what the word itself would.
 * - Entries that match exactly come first: those whose title the query is, that hold its identifiers, or its words as a phrase. An
 *   entry that does so in more of these ways comes before one that does in fewer; among equals the words decide. Phrases are found within
 *   the title or within the text, and in the first 65,535 words of an entry.
 */
import type { SearchFilter } from '../query.ts'
import type { Explanation } from './explanation.ts'
import type { FacetValue } from './facet-counts.ts'
import type { Synonyms } from './synonyms.ts'

export interface SearchIndex {
  /** Number of entries. */
  readonly size: number
  upsert(entries: readonly SearchEntry[]): void
  remove(ids: readonly string[]): void
  /** @throws SEARCH_QUERY_INVALID for a negative or fractional limit or offset, or a glob that cannot be read. */
  search(query: SearchQuery): SearchResult
  /** The whole index as bytes, marked with what the caller needs to know where it stands (for instance a change counter). */
  snapshot(mark: string): Uint8Array
}

export interface SearchEntry {
  readonly id: string
  /** Stands before the text and counts as part of it. */
  readonly title: string
  readonly text: string
  /** Exact values to filter by. */
  readonly attributes: Readonly<Record<string, string>>
}

export interface SearchQuery {
  readonly text: string
  readonly filters?: readonly SearchFilter[]
  /** Asked for the id of each entry that matches and passes the filters, perhaps more than once: false leaves it out. It costs time. */
  readonly accepts?: (id: string) => boolean
  /** Hits returned at most; 0 asks for the total alone. */
  readonly limit: number
  /** Attributes whose values are counted among all matching entries. */
  readonly facets?: readonly string[]
  /** Hits passed over, the best first. Pages of an unchanged index neither overlap nor leave gaps. */
  readonly offset?: number
  /**
   * Whether the word that the query ends with may be the beginning of one, as while it is typed: of those 100 that most entries hold.
   * Default: false.
   */
  readonly prefix?: boolean
  /** Which words may be misspelt. Default: 'unknown words'. */
  readonly typos?: TypoTolerance
  /** What other words a word of the query stands for; it counts a little less than the word itself. */
  readonly synonyms?: Synonyms
  /** Whether each hit says how its score came about. */
  readonly explain?: boolean
}

/**
 * A word of 4 letters or more also finds what is one edit away from it, one of 8 or more what is two away: a letter too many, too few,
 * another one, or two in the wrong order; never the first letter, and no word with a digit.
 *
 * - `never`: words are meant as they stand.
 * - `unknown words`: a word that no entry holds may be misspelt.
 * - `few hits`: so may every word of a query that finds fewer than 10 entries otherwise, its filters aside.
 */
export type TypoTolerance = 'never' | 'unknown words' | 'few hits'

export interface SearchResult {
  readonly hits: readonly SearchHit[]
  /** All matching entries, not only those returned. */
  readonly total: number
  /** The terms of the index that the words of the query stood for, beginnings and misspellings included: what `highlight` marks. */
  readonly terms: readonly string[]
  /** For each attribute asked for, how many matching entries have each value: most frequent first, equal counts by value. */
  readonly facets?: Readonly<Record<string, readonly FacetValue[]>>
}

export interface SearchHit {
  readonly id: string
  /** Above 0; what the words give and the boost. */
  readonly score: number
  /** The part of the score that an exact match gave; 0 for an entry that only has words of the query. */
  readonly boost: number
  /** When the query asked for it. */
  readonly explanation?: Explanation
}

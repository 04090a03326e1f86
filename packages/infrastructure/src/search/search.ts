/**
 * The port of full-text search over named indexes of documents. Unlike `SearchIndex`, the engine in this process, it keeps the documents,
 * and it may stand for a server elsewhere: everything is asynchronous, and a change is seen when it is waited for.
 */
import { definePort } from '@keelson/kernel'
import type { DocumentFilter } from './document-filter.ts'
import type { Explanation } from './explanation.ts'
import type { FieldValue, IndexSettings, SearchDocument } from './search-document.ts'
import type { Synonym } from './synonyms.ts'

/**
 * Promises:
 * - Changes of an index take effect in the order in which they were made. A change is refused as a whole or accepted; the promise it gives
 *   resolves on acceptance, and once `waitFor` its task resolves, every search sees it.
 * - `replaceAll` takes effect at once: no search sees an index that is empty or holds a part of the new documents.
 * - `upsert` replaces whole documents; within one call the last of equal ids wins. `update` changes the fields given and leaves the others;
 *   an id that is not there becomes a document of these fields. `delete` of an unknown id is nothing.
 * - Pages of an unchanged index neither overlap nor leave gaps. Equal scores are ordered by id, equal
 *   sort values by score and then by id.
 * - Ranking: documents whose words match come before those matching as a beginning, and these before misspellings, other things being
 *   equal. An empty text lists all documents.
 * - Everything that names an index rejects with SEARCH_INDEX_UNKNOWN when there is none of this name.
 */
export interface Search {
  /**
   * Creates the index, or gives it other settings and synonyms: documents that are there stay, with their fields that are no longer named
   * neither searched nor compared. Rejects with SEARCH_SETTINGS_INVALID.
   */
  createIndex(index: string, settings: IndexSettings): Promise<SearchTask>
  /** An unknown index is nothing. */
  deleteIndex(index: string): Promise<SearchTask>
  /** Rejects with SEARCH_DOCUMENT_INVALID, and has changed nothing then. */
  upsert(index: string, documents: readonly SearchDocument[]): Promise<SearchTask>
  /** Rejects with SEARCH_DOCUMENT_INVALID. `undefined` takes a field away. */
  update(index: string, changes: readonly DocumentChange[]): Promise<SearchTask>
  delete(index: string, ids: readonly string[]): Promise<SearchTask>
  /** Deletes what passes the filter. Rejects with SEARCH_FIELD_UNKNOWN or SEARCH_FILTER_INVALID. */
  deleteBy(index: string, filter: DocumentFilter): Promise<SearchTask>
  /** Rejects with SEARCH_DOCUMENT_INVALID, and has changed nothing then. */
  replaceAll(index: string, documents: readonly SearchDocument[]): Promise<SearchTask>
  setSynonyms(index: string, synonyms: readonly Synonym[]): Promise<SearchTask>
  /** Resolves when searches see what the task changed; rejects with the signal's reason when it aborts. */
  waitFor(task: SearchTask, options?: { readonly signal?: AbortSignal | undefined }): Promise<void>
  /** Rejects with SEARCH_QUERY_INVALID, SEARCH_FIELD_UNKNOWN or SEARCH_FILTER_INVALID. */
  search(index: string, query: DocumentQuery): Promise<DocumentPage>
  /** Several searches at once, answered in their order; one that is refused refuses all. */
  multiSearch(queries: readonly (DocumentQuery & { readonly index: string })[]): Promise<DocumentPage[]>
  /**
   * How what is typed may go on: words that begin like its last one, and titles in which it begins a word. Those of most documents first,
   * then by their letters; `limit` of each, 5 by default.
   */
  suggest(index: string, prefix: string, options?: { readonly limit?: number }): Promise<Suggestions>
}

export const Search = definePort<Search>('search')

export interface SearchTask {
  readonly index: string
  readonly id: string
}

export interface DocumentChange {
  readonly id: string
  readonly fields: Readonly<Record<string, FieldValue | undefined>>
}

export interface DocumentQuery {
  readonly text: string
  readonly filter?: DocumentFilter
  /** Attributes whose values are counted among all hits. */
  readonly facets?: readonly FacetRequest[]
  /** The first decides; without any, the score. Documents without the attribute come last. */
  readonly sort?: readonly { readonly attribute: string; readonly order: 'ascending' | 'descending' }[]
  /** Default: 20. */
  readonly limit?: number
  /** Hits passed over. Default: 0. */
  readonly offset?: number
  /** Whether the word that the text ends with may be the beginning of one. Default: true. */
  readonly prefix?: boolean
  /** Whether words may be misspelt, as `TypoTolerance` says under 'few hits'. Default: true. */
  readonly typos?: boolean
  /** Marks the words found in the searched fields. */
  readonly highlight?: HighlightTags
  /** Asks for `explanation`; an adapter whose server cannot explain leaves it out. */
  readonly explain?: boolean
}

/** Put around words as they are, while the text is escaped for HTML. */
export interface HighlightTags {
  readonly before: string
  readonly after: string
}

export interface FacetRequest {
  readonly attribute: string
  /**
   * Counts as if the filter had no condition on this attribute, so that a choice can be changed: those that make up the filter, or are
   * members of its outermost `and`, and look at no other attribute. Default: false.
   */
  readonly withoutOwnFilter?: boolean
  /** Values at most, the most frequent. Default: 100. */
  readonly limit?: number
}

export interface DocumentPage {
  readonly hits: readonly DocumentHit[]
  /** All matching documents, not only those returned. */
  readonly total: number
  /** In the order asked for. */
  readonly facets: readonly Facet[]
}

export interface DocumentHit extends SearchDocument {
  /** Above 0, or 0 when all documents are listed. The scale is the adapter's own. */
  readonly score: number
  /** By field, for those in which something is marked: the whole field, escaped for HTML. */
  readonly highlights?: Readonly<Record<string, string>>
  readonly explanation?: Explanation
}

export interface Facet {
  readonly attribute: string
  /** Most frequent first, equal counts by value. */
  readonly values: readonly { readonly value: string | number | boolean | Date; readonly count: number }[]
}

export interface Suggestions {
  /** Each with the number of documents that hold it. */
  readonly words: readonly Suggestion[]
  readonly titles: readonly Suggestion[]
}

export interface Suggestion {
  readonly text: string
  readonly count: number
}

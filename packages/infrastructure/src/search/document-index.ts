/** One index of the search port in memory: its documents, the engine that ranks their words, and the words it suggests. */
import { infrastructureErrors } from '../errors.ts'
import { requireCount, type SearchFilter } from '../query.ts'
import { createSearchIndex } from './bm25-index.ts'
import { compileFilter, type DocumentFilter, type DocumentJudge, withoutConditionsOn } from './document-filter.ts'
import { canCount, engineAttributes, engineFilters } from './engine-filters.ts'
import type { Explanation } from './explanation.ts'
import { countFacets } from './facets.ts'
import { highlightHtml } from './highlight-html.ts'
import type { DocumentChange, DocumentHit, DocumentPage, DocumentQuery, Facet, Suggestions } from './search.ts'
import {
  type AttributeTypes,
  comparable,
  copyOf,
  type FieldValue,
  type IndexSettings,
  type SearchDocument,
  typeOf,
  valuesOf,
} from './search-document.ts'
import type { SearchHit, SearchQuery } from './search-index.ts'
import { SuggestionTable } from './suggestions.ts'
import { compileSynonyms, type Synonym, type Synonyms } from './synonyms.ts'

interface Found {
  readonly document: SearchDocument
  readonly score: number
  /** In the order of scores, from 0. */
  readonly rank: number
}

export class DocumentIndex {
  readonly settings: IndexSettings
  readonly #name: string
  readonly #engine = createSearchIndex()
  readonly #suggestions = new SuggestionTable()
  readonly #documents = new Map<string, SearchDocument>()
  #synonyms: Synonyms

  constructor(name: string, settings: IndexSettings) {
    this.#name = name
    this.settings = settings
    this.#synonyms = compileSynonyms(settings.synonyms ?? [])
  }

  /** An empty one with the same settings and synonyms. */
  emptied(): DocumentIndex {
    const empty = new DocumentIndex(this.#name, this.settings)
    empty.#synonyms = this.#synonyms
    return empty
  }

  all(): SearchDocument[] {
    return [...this.#documents.values()]
  }

  upsert(documents: readonly SearchDocument[]): void {
    const distinct = new Map(documents.map((document) => [document.id, document]))
    for (const [id, document] of distinct) {
      this.#countSuggestions(this.#documents.get(id), -1)
      this.#documents.set(id, document)
      this.#countSuggestions(document, 1)
    }
    this.#engine.upsert(
      Array.from(distinct.values(), (document) => ({
        ...this.#textsOf(document),
        attributes: engineAttributes(this.#types, document.fields),
      })),
    )
  }

  update(changes: readonly DocumentChange[]): void {
    for (const { id, fields } of changes) {
      const changed: Record<string, FieldValue> = { ...this.#documents.get(id)?.fields }
      for (const [name, value] of Object.entries(fields)) {
        if (value === undefined) delete changed[name]
        else changed[name] = value
      }
      this.upsert([{ id, fields: changed }])
    }
  }

  delete(ids: readonly string[]): void {
    for (const id of ids) {
      this.#countSuggestions(this.#documents.get(id), -1)
      this.#documents.delete(id)
    }
    this.#engine.remove(ids)
  }

  setSynonyms(synonyms: readonly Synonym[]): void {
    this.#synonyms = compileSynonyms(synonyms)
  }

  /** @throws SEARCH_FIELD_UNKNOWN or SEARCH_FILTER_INVALID */
  judge(filter: DocumentFilter | undefined): DocumentJudge {
    return filter === undefined ? () => true : compileFilter(this.#name, this.#types, filter)
  }

  suggest(prefix: string, limit: number): Suggestions {
    return this.#suggestions.suggest(prefix, limit)
  }

  /** @throws SEARCH_QUERY_INVALID, SEARCH_FIELD_UNKNOWN or SEARCH_FILTER_INVALID */
  search(query: DocumentQuery): DocumentPage {
    const { limit = 20, offset = 0, facets = [] } = query
    requireText(query.text)
    requireCount('limit', limit)
    requireCount('offset', offset)
    for (const facet of facets) if (facet.limit !== undefined) requireCount('limit', facet.limit)
    const judge = this.judge(query.filter)
    const order = this.#orderOf(query)
    for (const { attribute } of facets) typeOf(this.#name, this.#types, attribute)
    if (!order && query.text.trim() !== '') return this.#ranked(query, judge, { limit, offset })
    const { matching, terms } = this.#match(query)
    const passing = matching.filter(({ document }) => judge(document.fields))
    const page = passing.toSorted(order).slice(offset, offset + limit)
    return {
      hits: this.#hitsOf(page, terms, query),
      total: passing.length,
      facets: countFacets(facets, query.filter, { matching, passing, judge: (filter) => this.judge(filter) }),
    }
  }

  get #types(): AttributeTypes {
    return this.settings.attributes ?? {}
  }

  /** In the order of scores the engine gives the page; documents are looked at for what it cannot filter or count by itself. */
  #ranked(
    query: DocumentQuery,
    judge: DocumentJudge,
    page: { readonly limit: number; readonly offset: number },
  ): DocumentPage {
    const { filter, facets = [], explain = false } = query
    const filters = engineFilters(this.#types, filter)
    const areCounted = filters !== undefined && canCount(this.#types, facets, filter)
    const matching = new Map<string, { readonly document: SearchDocument; readonly passes: boolean }>()
    const accepts = (id: string): boolean => {
      const document = this.#documents.get(id)
      if (!document) return false
      const passes = judge(document.fields)
      if (!areCounted) matching.set(id, { document, passes })
      return passes
    }
    const by = areCounted ? { filters } : { accepts }
    const { hits, total, terms } = this.#engine.search({ ...this.#engineQuery(query, 0), ...page, explain, ...by })
    const shown = hits.flatMap(({ id, score, explanation }) => {
      const document = this.#documents.get(id)
      return document ? [this.#hitOf({ document, score }, terms, query, explanation)] : []
    })
    if (areCounted) return { hits: shown, total, facets: this.#countByEngine(query, filters) }
    const found = [...matching.values()]
    const counted = { matching: found, passing: found.filter(({ passes }) => passes) }
    return { hits: shown, total, facets: countFacets(facets, filter, { ...counted, judge: (one) => this.judge(one) }) }
  }

  #countByEngine(query: DocumentQuery, filters: readonly SearchFilter[]): Facet[] {
    return (query.facets ?? []).map(({ attribute, withoutOwnFilter = false, limit = 100 }) => {
      const rest = withoutOwnFilter ? engineFilters(this.#types, withoutConditionsOn(attribute, query.filter)) : filters
      const asked = { ...this.#engineQuery(query, 0), filters: rest ?? [], facets: [attribute] }
      return { attribute, values: this.#engine.search(asked).facets?.[attribute]?.slice(0, limit) ?? [] }
    })
  }

  /** All documents that the text finds, best first, whatever the filter. */
  #match(query: DocumentQuery): { readonly matching: readonly Found[]; readonly terms: readonly string[] } {
    if (query.text.trim() === '') {
      const documents = this.all().sort((a, b) => (a.id < b.id ? -1 : 1))
      return { matching: documents.map((document, rank) => ({ document, score: 0, rank })), terms: [] }
    }
    const { hits, terms } = this.#engine.search(this.#engineQuery(query, this.#engine.size))
    const matching = hits.flatMap(({ id, score }, rank) => {
      const document = this.#documents.get(id)
      return document ? [{ document, score, rank }] : []
    })
    return { matching, terms }
  }

  #engineQuery({ text, prefix = true, typos = true }: DocumentQuery, limit: number): SearchQuery {
    return { text, limit, prefix, typos: typos ? 'few hits' : 'never', synonyms: this.#synonyms }
  }

  /** `undefined` for the order of scores. */
  #orderOf({ sort = [] }: DocumentQuery): ((a: Found, b: Found) => number) | undefined {
    if (sort.length === 0) return undefined
    for (const { attribute } of sort) {
      // A list has no place in an order.
      const type = typeOf(this.#name, this.#types, attribute)
      if (type === 'strings') typeOf(this.#name, {}, attribute)
    }
    return (a, b) => {
      for (const { attribute, order } of sort) {
        const difference = compareFields(a.document.fields[attribute], b.document.fields[attribute], order)
        if (difference !== 0) return difference
      }
      return a.rank - b.rank
    }
  }

  #hitsOf(page: readonly Found[], terms: readonly string[], query: DocumentQuery): DocumentHit[] {
    const explained = this.#explain(page, query)
    return page.map((found) => this.#hitOf(found, terms, query, explained.get(found.document.id)?.explanation))
  }

  #hitOf(
    { document, score }: Pick<Found, 'document' | 'score'>,
    terms: readonly string[],
    query: DocumentQuery,
    explanation: Explanation | undefined,
  ): DocumentHit {
    const highlights = query.highlight && this.#highlightsOf(document, terms, query.highlight)
    return {
      ...copyOf(document),
      score,
      ...(highlights && { highlights }),
      ...(explanation && { explanation }),
    }
  }

  #explain(page: readonly Found[], query: DocumentQuery): ReadonlyMap<string, SearchHit> {
    if (!query.explain || query.text.trim() === '' || page.length === 0) return new Map()
    const furthest = page.reduce((rank, found) => Math.max(rank, found.rank), 0)
    const { hits } = this.#engine.search({ ...this.#engineQuery(query, furthest + 1), explain: true })
    return new Map(hits.map((hit) => [hit.id, hit]))
  }

  #highlightsOf(
    { fields }: SearchDocument,
    terms: readonly string[],
    tags: NonNullable<DocumentQuery['highlight']>,
  ): Record<string, string> {
    const { title, text } = this.settings
    const marked: Record<string, string> = {}
    for (const name of title === undefined ? text : [title, ...text]) {
      const html = highlightHtml(textOf(fields[name]), terms, tags)
      if (html !== undefined) marked[name] = html
    }
    return marked
  }

  #textsOf({ id, fields }: SearchDocument): { id: string; title: string; text: string } {
    const { title, text } = this.settings
    return {
      id,
      title: title === undefined ? '' : textOf(fields[title]),
      text: text.map((name) => textOf(fields[name])).join('\n'),
    }
  }

  #countSuggestions(document: SearchDocument | undefined, times: 1 | -1): void {
    if (!document) return
    const { title, text } = this.#textsOf(document)
    this.#suggestions.count(title, text, times)
  }
}

/** Of a query that came from outside, the text may be anything. */
function requireText(text: unknown): void {
  if (typeof text === 'string') return
  throw infrastructureErrors.SEARCH_QUERY_INVALID({ field: 'text', reason: `must be a string, not ${typeof text}` })
}

function textOf(value: FieldValue | undefined): string {
  return typeof value === 'string' ? value : ''
}

/** Whatever the direction, what has no value comes last. */
function compareFields(
  a: FieldValue | undefined,
  b: FieldValue | undefined,
  order: 'ascending' | 'descending',
): number {
  const [one] = valuesOf(a)
  const [other] = valuesOf(b)
  if (one === undefined || other === undefined) return Number(one === undefined) - Number(other === undefined)
  const [left, right] = [comparable(one), comparable(other)]
  if (left === right) return 0
  return left < right === (order === 'ascending') ? -1 : 1
}

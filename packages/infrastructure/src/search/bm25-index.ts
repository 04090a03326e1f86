/**
 * The search index in this process: a short list of segments that never change, the newest last. Changes make small segments and strike
 * old entries; small segments are merged into ones at least twice as large, up to a size, so an entry is copied a dozen times at most.
 */
import { BestOf } from '../best-of.ts'
import { requireCount } from '../query.ts'
import { type AskedWord, askWords, type WordRules } from './asked-words.ts'
import { statisticsOf } from './bm25.ts'
import { explainHit } from './explain.ts'
import { FacetCounts } from './facet-counts.ts'
import { compileFilters } from './filters.ts'
import { planQuery, type QueryPlan } from './query-plan.ts'
import { comesFirst, type Ranked, Ranking, type ScoredEntry } from './ranking.ts'
import type { SearchEntry, SearchHit, SearchIndex, SearchQuery, SearchResult } from './search-index.ts'
import type { Segment } from './segment.ts'
import { buildSegment } from './segment-builder.ts'
import { mergeSegments } from './segment-merge.ts'
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts'

/**
 * An empty index: BM25 with k1 1.2 and b 0.75 over the title and text of each entry, terms as `queryTerms` and `tokenize` make them.
 *
 * 100,000 entries of 250 words take about 160 MB, the places of all words among them. A change costs time in proportion to its size, and now
 * and then, when segments are merged, some 20 ms.
 *
 * @example
 * const index = createSearchIndex()
 * index.upsert([{ id: 'a', title: 'Keels', text: 'A keelson ties the frames.', attributes: { path: 'ships/keel.md' } }])
 * index.search({ text: 'frames', limit: 10 }) // { hits: [{ id: 'a', score: 0.28…, boost: 0 }], total: 1, terms: ['frame'] }
 */
export function createSearchIndex(): SearchIndex {
  return new Bm25Index([])
}

/**
 * The index that `snapshot` wrote, and its mark. Reads from `bytes` as they stand, without copying them: do not write to them afterwards.
 *
 * @throws SEARCH_SNAPSHOT_INVALID when they are damaged, cut short, of another version or no snapshot.
 */
export function openSnapshot(bytes: Uint8Array): { readonly index: SearchIndex; readonly mark: string } {
  const { segments, mark } = decodeSnapshot(bytes)
  return { index: new Bm25Index(segments), mark }
}

/**
 * A segment of so many entries is left as it is: merging it with others would hold up everything for longer than a search may take, and a
 * search looks through some more segments in next to no time.
 */
const grownSize = 2_048

/** Bounds what building takes at once; segments of a large change are merged right away. */
const entriesPerSegment = 2_000

/** What a query finds below this is few. */
const fewHits = 10

class Bm25Index implements SearchIndex {
  #segments: readonly Segment[]
  readonly #ranking = new Ranking()

  constructor(segments: readonly Segment[]) {
    this.#segments = segments
  }

  get size(): number {
    return liveCount(this.#segments)
  }

  upsert(entries: readonly SearchEntry[]): void {
    const distinct = new Map(entries.map((entry) => [entry.id, entry]))
    const sorted = [...distinct.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
    const built: Segment[] = []
    for (let from = 0; from < sorted.length; from += entriesPerSegment) {
      built.push(buildSegment(sorted.slice(from, from + entriesPerSegment)))
    }
    this.#strike(distinct.keys())
    this.#segments = settle([...this.#segments, ...built])
  }

  remove(ids: readonly string[]): void {
    this.#strike(ids)
    this.#segments = settle(this.#segments)
  }

  search(query: SearchQuery): SearchResult {
    const { text, filters = [], limit, offset = 0, prefix = false, typos = 'unknown words' } = query
    requireCount('limit', limit)
    requireCount('offset', offset)
    const plan = planQuery(text, query.synonyms)
    const rank = (rules: WordRules, by: Pick<Ranked, 'filter' | 'accepts'>, capacity: number) => {
      const asked = askWords(this.#segments, plan, rules)
      const top = new BestOf(capacity, comesFirst)
      const facets = new FacetCounts(query.facets ?? [])
      const total = this.#ranking.rank(this.#segments, { plan, asked, ...by }, { top, facets })
      return { asked, top, facets, total }
    }
    const rules = { prefix, typos: typos === 'never' ? 'never' : 'unknown words' } as const
    const by = { filter: compileFilters(filters), accepts: query.accepts }
    const capacity = limit === 0 ? 0 : limit + offset
    let ranked = rank(rules, by, capacity)
    if (typos === 'few hits' && ranked.total < fewHits) {
      const isAll = filters.length === 0 && !query.accepts
      const total = isAll ? ranked.total : rank(rules, { filter: compileFilters([]) }, 0).total
      if (total < fewHits) ranked = rank({ prefix, typos: 'all words' }, by, capacity)
    }
    const { asked, top, facets, total } = ranked
    const hits = this.#hitsOf(top.sorted().slice(offset), plan, query.explain ? asked : undefined)
    return { hits, total, terms: termsOf(asked), ...(query.facets && { facets: facets.result() }) }
  }

  /** @param asked when each hit is to be explained. */
  #hitsOf(entries: readonly ScoredEntry[], plan: QueryPlan, asked: readonly AskedWord[] | undefined): SearchHit[] {
    const segments = this.#segments
    const explained = asked && { segments, plan, asked, statistics: statisticsOf(segments) }
    return entries.map((hit) => ({
      id: hit.segment.parts.ids.at(hit.entry),
      score: hit.score,
      boost: hit.boost,
      ...(explained && { explanation: explainHit(hit, explained) }),
    }))
  }

  snapshot(mark: string): Uint8Array {
    return encodeSnapshot(this.#segments, mark)
  }

  #strike(ids: Iterable<string>): void {
    for (const id of ids) for (const segment of this.#segments) segment.strike(id)
  }
}

function termsOf(asked: readonly AskedWord[]): string[] {
  return [...new Set(asked.flatMap(({ terms }) => terms.map(({ term }) => term)))]
}

/**
 * Keeps segments few and mostly live: one that is mostly struck is written anew, and of those that may still grow each is at least as large
 * as all newer ones together, so that there are never more of them than about the logarithm of `grownSize`.
 */
function settle(segments: readonly Segment[]): readonly Segment[] {
  const live = segments
    .filter((segment) => segment.liveCount > 0)
    .map((segment) => (segment.liveCount * 2 < segment.size ? mergeSegments([segment]) : segment))
  const growing = live.filter((segment) => segment.liveCount < grownSize)
  let newer = 0
  let from = growing.length
  for (const [index, segment] of [...growing.entries()].reverse()) {
    if (segment.liveCount < newer) from = index
    newer += segment.liveCount
  }
  if (from === growing.length) return live
  const grown = live.filter((segment) => segment.liveCount >= grownSize)
  return [...grown, ...growing.slice(0, from), mergeSegments(growing.slice(from))]
}

function liveCount(segments: readonly Segment[]): number {
  return segments.reduce((count, segment) => count + segment.liveCount, 0)
}

/**
 * Answers a search: what words find and what is near in meaning become one ranking, the database gives the texts of the page asked for,
 * and only that is marked up.
 */
import {
  type FacetValue,
  highlight,
  type RankedHit,
  type SearchFilter,
  type SearchHit,
  snippet,
} from '@keelson/infrastructure'
import type { Clock } from '@keelson/kernel'
import type { Hit, SearchAnswer, SearchInput } from '../contract.ts'
import { chunkId } from './document-draft.ts'
import type { DocumentsStore, StoredPassage } from './documents-store.ts'
import type { PassageIndex } from './passage-index.ts'
import { fusedHits, type RankedPassage, rank } from './ranking.ts'
import type { SemanticSearch } from './semantic-search.ts'

export interface SearchPlatform {
  readonly store: Pick<DocumentsStore, 'passages'>
  readonly index: Pick<PassageIndex, 'search'>
  readonly semantic: Pick<SemanticSearch, 'search'> | undefined
  readonly clock: Clock
}

/**
 * One page of hits, best first. A passage that was removed a moment ago is left out of the page. Rejects with SEARCH_QUERY_INVALID for a
 * glob that cannot be read, and with the signal's reason when it aborts.
 */
export async function search(
  input: SearchInput,
  { store, index, semantic, clock }: SearchPlatform,
  signal: AbortSignal,
): Promise<SearchAnswer> {
  const startedAt = clock.monotonic()
  const { query: text, limit, offset, ranking, prefix, explain } = input
  const filters = filtersOf(input)
  // Words are looked up in any case: they say what is wrong with a filter, and what to mark.
  const words = index.search({
    text,
    limit: Math.max(fusedHits, offset + limit),
    filters,
    typos: 'few hits',
    prefix,
    explain,
    ...(input.facets && { facets: ['type', 'place'] }),
  })
  const meaning =
    ranking === 'keyword' || hasPhrase(text) ? undefined : await semantic?.search(text, fusedHits, filters, signal)
  const near = meaning?.hits ?? []
  const ranked = ranking === 'semantic' ? rank({ hits: [], total: 0 }, near, 0) : rank(words, near)
  const page = ranked.passages.slice(offset, offset + limit)
  const passages = await store.passages(page.flatMap(chunkIdsOf))
  const byId = new Map(passages.map((passage) => [passage.chunkId, passage]))
  const explained = explain ? explanations(words.hits, near) : undefined
  const hits = page.flatMap((one): Hit[] => {
    const found = chunkIdsOf(one).flatMap((id) => byId.get(id) ?? [])
    if (!byId.has(one.id)) return []
    const hit = hitOf(one, found, words.terms)
    return [explained ? { ...hit, explanation: explained(one.id) } : hit]
  })
  const { facets } = words
  return {
    hits,
    total: ranked.total,
    totalHits: ranked.totalHits,
    model: meaning?.model ?? null,
    ...(facets && { facets: { type: [...(facets['type'] ?? [])], place: placesOf(facets['place']) } }),
    tookMs: clock.monotonic() - startedAt,
  }
}

/** What stands in quotation marks must stand so in a passage, and meaning knows nothing of that. */
function hasPhrase(query: string): boolean {
  return /"[^"]*[^\s"][^"]*"/.test(query)
}

/** Documents that lie in no folder have no place. */
function placesOf(values: readonly FacetValue[] = []): FacetValue[] {
  return values.filter(({ value }) => value !== '').map(({ value, count }) => ({ value, count }))
}

type Explanation = NonNullable<Hit['explanation']>

function explanations(words: readonly SearchHit[], near: readonly RankedHit[]): (id: string) => Explanation {
  const byWords = new Map(words.map((hit, at) => [hit.id, { hit, rank: at + 1 }]))
  const byMeaning = new Map(near.map(({ id, score }, at) => [id, { cosine: score, rank: at + 1 }]))
  return (id) => {
    const found = byWords.get(id)
    const { score, words: counted, exact } = found?.hit.explanation ?? { score: 0, words: [], exact: [] }
    return {
      keyword: found
        ? {
            rank: found.rank,
            score,
            words: counted.map(({ word, term, match, weight, idf, frequency, score: given }) => ({
              word,
              term,
              match,
              weight,
              idf,
              frequency: { ...frequency },
              score: given,
            })),
            exact: exact.map((one) => ({ ...one })),
          }
        : null,
      semantic: byMeaning.get(id) ?? null,
    }
  }
}

function chunkIdsOf({ id, positions }: RankedPassage): string[] {
  const documentId = id.slice(0, id.lastIndexOf('-'))
  return positions.map((position) => chunkId(documentId, position))
}

/** @param found the passages that belong together, in the order of the text. */
function hitOf({ id, score }: RankedPassage, found: readonly StoredPassage[], terms: readonly string[]): Hit {
  const { position: _, ...about } = joined(found)
  const highlights = highlight(about.text, terms)
  const best = found.find((passage) => passage.chunkId === id)
  const place = { headings: best?.headings ?? [], page: best?.page ?? null }
  return { ...about, ...place, chunkId: id, score, highlights, snippet: snippet(about.text, highlights) }
}

/** Neighbours as one passage. Offsets stay those of the document: what stands between two is white space. */
function joined(found: readonly StoredPassage[]): StoredPassage {
  const [first, ...rest] = found
  if (!first) throw new Error('A hit has at least the passage that was found')
  let { text, end } = first
  for (const next of rest) {
    text += ' '.repeat(Math.max(0, next.start - end)) + next.text.slice(Math.max(0, end - next.start))
    end = Math.max(end, next.end)
  }
  const last = found.at(-1)?.lines
  return { ...first, text, end, lines: first.lines && last ? [first.lines[0], last[1]] : first.lines }
}

function filtersOf({ path, type, changedSince }: SearchInput): SearchFilter[] {
  const filters: SearchFilter[] = []
  if (path !== undefined) filters.push({ attribute: 'path', glob: path })
  if (type !== undefined) filters.push({ attribute: 'type', equals: type })
  if (changedSince !== undefined)
    filters.push({ attribute: 'modifiedAt', atLeast: new Date(changedSince).toISOString() })
  return filters
}

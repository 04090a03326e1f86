/**
 * Answers a search: what words find and what is near in meaning become one ranking, the database gives the texts of the page asked for,
 * and only that is marked up.
 */
import { highlight, type SearchFilter, snippet } from '@keelson/infrastructure'
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
  const { query: text, limit, offset } = input
  const { hits: ranked, total, terms } = index.search({ text, limit, offset, filters: filtersOf(input) })
  const passages = await store.passages(ranked.map((hit) => hit.id))
  const scores = new Map(ranked.map((hit) => [hit.id, hit.score]))
  const hits = passages.map((passage): Hit => {
    const highlights = highlight(passage.text, terms)
    return {
      ...passage,
      score: scores.get(passage.chunkId) ?? 0,
      highlights,
      snippet: snippet(passage.text, highlights),
    }
  })
  return { hits, total: ranked.total, model: meaning?.model ?? null, tookMs: clock.monotonic() - startedAt }
}

function chunkIdsOf({ id, positions }: RankedPassage): string[] {
  const documentId = id.slice(0, id.lastIndexOf('-'))
  return positions.map((position) => chunkId(documentId, position))
}

/** @param found the passages that belong together, in the order of the text. */
function hitOf({ id, score }: RankedPassage, found: readonly StoredPassage[], query: string): Hit {
  const { position: _, ...about } = joined(found)
  const highlights = highlight(about.text, query)
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

function filtersOf({ path, type }: SearchInput): SearchFilter[] {
  const filters: SearchFilter[] = []
  if (path !== undefined) filters.push({ attribute: 'path', glob: path })
  if (type !== undefined) filters.push({ attribute: 'type', equals: type })
  return filters
}

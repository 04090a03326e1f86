/** Answers a search: the index ranks, the database gives the text of the page asked for, and only that is marked up. */
import { highlight, type SearchFilter, snippet } from '@keelson/infrastructure'
import type { Clock } from '@keelson/kernel'
import type { Hit } from '../contract.ts'
import type { DocumentType } from './decode.ts'
import type { DocumentsStore } from './documents-store.ts'
import type { PassageIndex } from './passage-index.ts'

export interface SearchInput {
  readonly query: string
  readonly limit: number
  readonly offset: number
  /** Glob on the path. */
  readonly path?: string | undefined
  readonly type?: DocumentType | undefined
}

/**
 * One page of hits, best first. A passage that was removed a moment ago is left out of the page. Rejects with SEARCH_QUERY_INVALID for a
 * glob that cannot be read.
 */
export async function search(
  input: SearchInput,
  { store, index, clock }: { store: DocumentsStore; index: Pick<PassageIndex, 'search'>; clock: Clock },
): Promise<{ hits: Hit[]; total: number; tookMs: number }> {
  const startedAt = clock.monotonic()
  const { query: text, limit, offset } = input
  const { hits: ranked, total } = index.search({ text, limit, offset, filters: filtersOf(input) })
  const passages = await store.passages(ranked.map((hit) => hit.id))
  const scores = new Map(ranked.map((hit) => [hit.id, hit.score]))
  const hits = passages.map((passage): Hit => {
    const highlights = highlight(passage.text, text)
    return {
      ...passage,
      score: scores.get(passage.chunkId) ?? 0,
      highlights,
      snippet: snippet(passage.text, highlights),
    }
  })
  return { hits, total, tookMs: clock.monotonic() - startedAt }
}

function filtersOf({ path, type }: SearchInput): SearchFilter[] {
  const filters: SearchFilter[] = []
  if (path !== undefined) filters.push({ attribute: 'path', glob: path })
  if (type !== undefined) filters.push({ attribute: 'type', equals: type })
  return filters
}

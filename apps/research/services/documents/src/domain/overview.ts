/** What is indexed, as a live picture: counts from the database, and the newest run. */
import type { Clock } from '@keelson/kernel'
import type { Overview } from '../contract.ts'
import type { DocumentsStore } from './documents-store.ts'
import type { IndexingRun } from './indexing-run.ts'
import type { Revision } from './revision.ts'
import type { SemanticSearch } from './semantic-search.ts'

const updateEveryMs = 250

export interface OverviewPlatform {
  readonly store: Pick<DocumentsStore, 'count'>
  /** Advances when documents or runs change. */
  readonly changes: Revision
  readonly newestRun: () => IndexingRun | undefined
  readonly semantic: Pick<SemanticSearch, 'state'>
  readonly clock: Clock
  /** Aborts when the service closes. */
  readonly closing: AbortSignal
}

/** The picture at once, then at most four a second as it changes, until the caller or the service has ended. */
export async function* overview(platform: OverviewPlatform, signal: AbortSignal): AsyncGenerator<Overview, void> {
  const { store, changes, newestRun, semantic, clock, closing } = platform
  const ended = AbortSignal.any([signal, closing])
  while (!ended.aborted) {
    const seen = changes.current
    const indexing = newestRun()?.look() ?? null
    yield { ...(await store.count()), indexing, vectors: await semantic.state() }
    try {
      await changes.after(seen, { clock, pauseMs: updateEveryMs, signal: ended })
    } catch (error) {
      if (!ended.aborted) throw error
    }
  }
}

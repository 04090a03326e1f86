/**
 * The search port in this process: the reference for other adapters, and enough by itself for what fits in memory. Words are ranked by the
 * engine; filters, facets and order are worked out over the documents, which are kept here.
 */
import { randomUUID } from 'node:crypto'
import { infrastructureErrors } from '../errors.ts'
import { requireCount } from '../query.ts'
import type { DocumentFilter } from './document-filter.ts'
import { DocumentIndex } from './document-index.ts'
import type { DocumentChange, DocumentPage, DocumentQuery, Search, SearchTask, Suggestions } from './search.ts'
import { checkFields, checkSettings, copyOf, type IndexSettings, type SearchDocument } from './search-document.ts'
import type { Synonym } from './synonyms.ts'

/**
 * An empty search port. Large changes give way to searches every few hundred documents, so that one of 100,000 holds nothing up; a search
 * takes time in proportion to the documents that match.
 */
export function createInMemorySearch(): Search {
  return new InMemorySearch()
}

interface NamedIndex {
  /** Replaced as a whole by `replaceAll` and new settings. */
  documents: DocumentIndex
  settings: IndexSettings
  /** Settles when every change made so far has taken effect. */
  applied: Promise<void>
}

class InMemorySearch implements Search {
  readonly #indexes = new Map<string, NamedIndex>()
  readonly #tasks = new Map<string, Promise<void>>()

  async createIndex(index: string, settings: IndexSettings): Promise<SearchTask> {
    checkSettings(index, settings)
    const named = this.#indexes.get(index)
    if (!named) {
      this.#indexes.set(index, { documents: new DocumentIndex(index, settings), settings, applied: Promise.resolve() })
      return this.#taskOf(index, Promise.resolve())
    }
    named.settings = settings
    return this.#change(index, async (of) => {
      of.documents = await filled(new DocumentIndex(index, settings), of.documents.all())
    })
  }

  async deleteIndex(index: string): Promise<SearchTask> {
    this.#indexes.delete(index)
    return this.#taskOf(index, Promise.resolve())
  }

  async upsert(index: string, documents: readonly SearchDocument[]): Promise<SearchTask> {
    const copies = this.#checked(index, documents)
    return this.#change(index, async (of) => void (await filled(of.documents, copies)))
  }

  async update(index: string, changes: readonly DocumentChange[]): Promise<SearchTask> {
    const { settings } = this.#named(index)
    for (const change of changes) checkFields(index, settings, change)
    const copies = changes.map(copyOf)
    return this.#change(index, async (of) => of.documents.update(copies))
  }

  async delete(index: string, ids: readonly string[]): Promise<SearchTask> {
    const copies = [...ids]
    return this.#change(index, async (of) => of.documents.delete(copies))
  }

  async deleteBy(index: string, filter: DocumentFilter): Promise<SearchTask> {
    this.#named(index).documents.judge(filter)
    const judge = this.#named(index).documents.judge(structuredClone(filter))
    return this.#change(index, async (of) => {
      const ids = of.documents.all().flatMap(({ id, fields }) => (judge(fields) ? [id] : []))
      of.documents.delete(ids)
    })
  }

  async replaceAll(index: string, documents: readonly SearchDocument[]): Promise<SearchTask> {
    const copies = this.#checked(index, documents)
    return this.#change(index, async (of) => {
      of.documents = await filled(of.documents.emptied(), copies)
    })
  }

  async setSynonyms(index: string, synonyms: readonly Synonym[]): Promise<SearchTask> {
    const copies = structuredClone(synonyms)
    return this.#change(index, async (of) => of.documents.setSynonyms(copies))
  }

  async waitFor(task: SearchTask, { signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    signal?.throwIfAborted()
    const applied = this.#tasks.get(task.id)
    if (!applied) return
    if (!signal) return applied
    const { promise, reject } = Promise.withResolvers<never>()
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    try {
      await Promise.race([applied, promise])
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  async search(index: string, query: DocumentQuery): Promise<DocumentPage> {
    return this.#named(index).documents.search(query)
  }

  async multiSearch(queries: readonly (DocumentQuery & { readonly index: string })[]): Promise<DocumentPage[]> {
    return queries.map(({ index, ...query }) => this.#named(index).documents.search(query))
  }

  async suggest(index: string, prefix: string, { limit = 5 }: { readonly limit?: number } = {}): Promise<Suggestions> {
    requireCount('limit', limit)
    return this.#named(index).documents.suggest(prefix, limit)
  }

  #named(index: string): NamedIndex {
    const named = this.#indexes.get(index)
    if (!named) throw infrastructureErrors.SEARCH_INDEX_UNKNOWN({ index })
    return named
  }

  /** Copies, so that nobody changes them while they wait. */
  #checked(index: string, documents: readonly SearchDocument[]): SearchDocument[] {
    const { settings } = this.#named(index)
    for (const document of documents) checkFields(index, settings, document)
    return documents.map(copyOf)
  }

  /** Applies a change when those before it have been. */
  #change(index: string, apply: (named: NamedIndex) => Promise<void>): SearchTask {
    const named = this.#named(index)
    const applied = named.applied.then(() => apply(named))
    named.applied = applied.catch(() => {})
    return this.#taskOf(index, applied)
  }

  #taskOf(index: string, applied: Promise<void>): SearchTask {
    const task = { index, id: randomUUID() }
    this.#tasks.set(task.id, applied)
    const forget = () => this.#tasks.delete(task.id)
    // Whoever waits for the task hears of a failure.
    applied.then(forget, () => {})
    return task
  }
}

const documentsAtOnce = 200

async function filled(index: DocumentIndex, documents: readonly SearchDocument[]): Promise<DocumentIndex> {
  for (let from = 0; from < documents.length; from += documentsAtOnce) {
    if (from > 0) await nextTurn()
    index.upsert(documents.slice(from, from + documentsAtOnce))
  }
  return index
}

/** Lets timers and messages have their turn. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

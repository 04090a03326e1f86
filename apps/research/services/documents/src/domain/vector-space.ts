/**
 * The passages as vectors of one version of one model, kept in step with the database like the search index: what has changed after the
 * counter value it stands at is read, embedded where the database has no vectors of it yet, and applied.
 */
import {
  createVectorIndex,
  hasDirection,
  openVectorSnapshot,
  type SearchFilter,
  type VectorIndex,
} from '@keelson/infrastructure'
import type { ModelRef } from '../../../models/src/contract.ts'
import { chunkId } from './document-draft.ts'
import { attributesOf, type ChangedDocument, type DocumentsStore } from './documents-store.ts'
import { markOf, parseMark } from './snapshot-mark.ts'
import { contentOf, type DocumentVectors, embeddedTextOf, type VectorsStore } from './vectors-store.ts'

/** What is embedded and applied at once. */
const pageBytes = 128 * 1024

export interface SpacePlatform {
  readonly store: Pick<DocumentsStore, 'epoch' | 'changesAfter' | 'lastChange'>
  readonly vectors: VectorsStore
  /** Texts of one page; as many vectors of the model's dimension, in their order. */
  readonly embed: (model: ModelRef, texts: readonly string[], signal: AbortSignal) => Promise<readonly Float32Array[]>
}

export class VectorSpace {
  readonly model: ModelRef
  readonly #index: VectorIndex
  readonly #platform: SpacePlatform
  #applied: number

  private constructor(platform: SpacePlatform, model: ModelRef, index: VectorIndex, applied: number) {
    this.#platform = platform
    this.model = model
    this.#index = index
    this.#applied = applied
  }

  /** An empty one, behind by all there is. */
  static create(platform: SpacePlatform, model: ModelRef, dimension: number): VectorSpace {
    return new VectorSpace(platform, model, createVectorIndex({ dimension, model: nameOf(model) }), 0)
  }

  /** From what `snapshot` wrote. Undefined when it is damaged, of another database, or ahead of this one: it is then to be made anew. */
  static async open(platform: SpacePlatform, bytes: Uint8Array): Promise<VectorSpace | undefined> {
    try {
      const { index, mark } = openVectorSnapshot(bytes)
      const { epoch, change } = parseMark(mark)
      const model = parseName(index.model)
      if (epoch !== platform.store.epoch || change === undefined || !model) return undefined
      return change > (await platform.store.lastChange()) ? undefined : new VectorSpace(platform, model, index, change)
    } catch {
      return undefined
    }
  }

  get size(): number {
    return this.#index.size
  }

  get dimension(): number {
    return this.#index.dimension
  }

  /** The counter value it stands at. */
  get applied(): number {
    return this.#applied
  }

  /** The best passages by the cosine of the angle to `vector`, none when it points nowhere. */
  search(
    vector: Float32Array,
    limit: number,
    filters: readonly SearchFilter[],
  ): readonly { id: string; score: number }[] {
    return hasDirection(vector) ? this.#index.search({ vector, limit, filters }).hits : []
  }

  /** Applies one page of changes; false when there was none. Rejects with what the model or the database rejects with. */
  async advance(signal: AbortSignal): Promise<boolean> {
    const { store } = this.#platform
    const page = await store.changesAfter(this.#applied, pageBytes)
    if (page.length === 0) return false
    const vectors = await this.#vectorsOf(page, signal)
    for (const document of page) this.#apply(document, vectors.get(document.id)?.vectors ?? [])
    this.#applied = page.at(-1)?.change ?? this.#applied
    return true
  }

  snapshot(): Uint8Array {
    return this.#index.snapshot(markOf(this.#platform.store.epoch, this.#applied))
  }

  close(): void {
    this.#index.close()
  }

  async #vectorsOf(
    page: readonly ChangedDocument[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, DocumentVectors>> {
    const { vectors, embed } = this.#platform
    const live = page.filter(({ passages }) => passages.length > 0)
    const known = await vectors.read(
      this.model,
      this.dimension,
      live.map(({ id }) => id),
    )
    const wanted = live.map(({ id, title, passages }) => {
      const texts = passages.map((passage) => embeddedTextOf(title, passage))
      return { documentId: id, content: contentOf(texts), texts }
    })
    const missing = wanted.filter(({ documentId, content }) => known.get(documentId)?.content !== content)
    const embedded = await embed(
      this.model,
      missing.flatMap(({ texts }) => texts),
      signal,
    )
    let at = 0
    const made = missing.map(({ documentId, content, texts }) => {
      const own = embedded.slice(at, at + texts.length)
      at += texts.length
      return { documentId, content, vectors: own }
    })
    await vectors.write(this.model, made)
    return new Map([...known, ...made.map((one) => [one.documentId, one] as const)])
  }

  #apply(document: ChangedDocument, vectors: readonly Float32Array[]): void {
    const { id, passages, mostChunks } = document
    const attributes = attributesOf(document)
    const gone: string[] = []
    const entries: { id: string; vector: Float32Array; attributes: Record<string, string> }[] = []
    for (let position = 0; position < Math.max(passages.length, mostChunks); position++) {
      const vector = vectors[position]
      if (position < passages.length && vector && hasDirection(vector))
        entries.push({ id: chunkId(id, position), vector, attributes })
      else gone.push(chunkId(id, position))
    }
    this.#index.upsert(entries)
    this.#index.remove(gone)
  }
}

function nameOf({ model, version }: ModelRef): string {
  return `${model}@${version}`
}

function parseName(name: string): ModelRef | undefined {
  const at = name.lastIndexOf('@')
  return at > 0 ? { model: name.slice(0, at), version: name.slice(at + 1) } : undefined
}

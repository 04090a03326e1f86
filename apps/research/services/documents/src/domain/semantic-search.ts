/**
 * Search by meaning, kept going in the background: it has a model fitted when there are passages and none is there, follows the model that
 * the models service names, builds the vectors of a new one beside those in use and switches when all are there. Searching by words never
 * waits for any of it.
 */
import { fitLsaInWorker, type RankedHit, type SearchFilter } from '@keelson/infrastructure'
import {
  backoffMs,
  type CallContext,
  type Clock,
  createCall,
  type Facade,
  type HealthCheck,
  isError,
  type Optional,
  reasonOf,
  withinTime,
} from '@keelson/kernel'
import type { ModelRef, Models, Resolved } from '../../../models/src/contract.ts'
import type { DocumentsStore } from './documents-store.ts'
import { type CorpusState, corpusModel, needsFitting } from './fitting.ts'
import type { SnapshotFile } from './snapshot-file.ts'
import { type SpacePlatform, VectorSpace } from './vector-space.ts'
import type { VectorsStore } from './vectors-store.ts'

/** The alias by which the model is asked for. */
const alias = 'embeddings'
const textsPerCall = 512
/** A search does not wait longer for its vector: it is then answered by words. */
const queryPatienceMs = 2_000
const queriesRemembered = 200
const retries = { firstMs: 1_000, mostMs: 60_000 }
/** While files are read, vectors follow in steps of this length, so that both do not ask the database by turns all the time. */
const stepMs = 500

type ModelsFacade = Facade<(typeof Models)['operations']>

export interface SemanticPlatform {
  readonly store: Pick<DocumentsStore, 'epoch' | 'changesAfter' | 'lastChange' | 'count'>
  readonly vectors: VectorsStore
  readonly models: Optional<ModelsFacade>
  readonly file: SnapshotFile | undefined
  readonly clock: Clock
  /** Whether files are being read: a model is fitted when they have been. */
  readonly isIndexing: () => boolean
  /** Told whenever `state` has changed. */
  readonly changed: () => void
  readonly log: {
    info(message: string, fields?: Record<string, unknown>): void
    warn(message: string, fields?: Record<string, unknown>): void
  }
}

export interface SemanticState extends ModelRef {
  /** Passages that can be found by meaning, or that have none. */
  readonly done: number
}

export interface SemanticAnswer {
  readonly model: ModelRef
  readonly hits: readonly RankedHit[]
}

export class SemanticSearch {
  readonly #platform: SemanticPlatform
  readonly #space: SpacePlatform
  readonly #closing = new AbortController()
  readonly #call: CallContext
  readonly #queries = new Map<string, Float32Array>()
  #current: VectorSpace | undefined
  #savedAt = -1
  /** What the alias stands for; undefined when that is to be asked again, null when nothing. */
  #target: Resolved | null | undefined
  #problem: string | undefined
  #wake = Promise.withResolvers<void>()
  #work: Promise<void> = Promise.resolve()

  private constructor(platform: SemanticPlatform) {
    this.#platform = platform
    this.#call = createCall({ signal: this.#closing.signal })
    const { store, vectors } = platform
    this.#space = { store, vectors, embed: (model, texts, signal) => this.#embed(model, texts, signal) }
  }

  /** Resolves when what an earlier process kept can be searched; everything else goes on in the background. */
  static async open(platform: SemanticPlatform): Promise<SemanticSearch> {
    const search = new SemanticSearch(platform)
    await search.#restore()
    search.#work = Promise.all([search.#follow(), search.#run()]).then(() => {})
    return search
  }

  /** Undefined while there is no model, or it does not answer in time. Rejects with the signal's reason when it aborts. */
  async search(
    text: string,
    limit: number,
    filters: readonly SearchFilter[],
    signal: AbortSignal,
  ): Promise<SemanticAnswer | undefined> {
    const space = this.#current
    if (!space) return undefined
    const vector = await this.#queryVector(space, text, signal)
    return vector && { model: space.model, hits: space.search(vector, limit, filters) }
  }

  /** Null while there is no model. */
  async state(): Promise<SemanticState | null> {
    const space = this.#current
    if (!space) return null
    const [last, { chunks }] = await Promise.all([this.#platform.store.lastChange(), this.#platform.store.count()])
    // Passages of which the model knows nothing have no vector, and never will.
    return { ...space.model, done: space.applied >= last ? chunks : Math.min(space.size, chunks) }
  }

  health(): HealthCheck {
    return this.#problem === undefined
      ? { status: 'ok' }
      : { status: 'degraded', message: `vectors are behind: ${this.#problem}` }
  }

  get #models(): ModelsFacade {
    const { current } = this.#platform.models
    if (!current) throw new Error('the models service does not run')
    return current
  }

  /** To be called when documents have changed or an indexing run has ended. */
  wake(): void {
    this.#wake.resolve()
  }

  /** Stops the background work and keeps what it has. Safe to repeat. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.wake()
    await this.#work
    await this.#save()
    this.#current?.close()
  }

  async #restore(): Promise<void> {
    const bytes = await this.#platform.file?.read().catch(() => undefined)
    const space = bytes && (await VectorSpace.open(this.#space, bytes))
    if (!space) return
    try {
      await this.#models.resolve({ name: space.model.model, version: space.model.version }, this.#call)
      this.#current = space
      this.#savedAt = space.applied
    } catch {
      // The model is no longer there: its vectors can be compared with nothing.
      space.close()
    }
  }

  /** Asks again what the alias stands for whenever models change. Ends when this is closed. */
  async #follow(): Promise<void> {
    const { models, clock } = this.#platform
    while (!this.#closing.signal.aborted) {
      try {
        for await (const _ of models.current?.changes(undefined, this.#call) ?? []) {
          this.#target = undefined
          this.wake()
        }
      } catch {
        // The models service is away; what it names may have changed when it is back.
      }
      await clock.sleep(retries.firstMs, this.#closing.signal).catch(() => {})
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    const { clock, isIndexing, log } = this.#platform
    let failures = 0
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers()
      try {
        const isWhole = await this.#step()
        this.#report(undefined)
        failures = 0
        if (isWhole) await this.#wake.promise
        if (isIndexing()) await clock.sleep(stepMs, signal)
      } catch (error) {
        if (signal.aborted) return
        const reason = reasonOf(error)
        log.warn('vectors could not be brought up to date', { error })
        this.#report(reason)
        failures += 1
        await clock.sleep(backoffMs(retries, failures), signal).catch(() => {})
      }
    }
  }

  #report(problem: string | undefined): void {
    if (this.#problem === problem) return
    this.#problem = problem
    this.#platform.changed()
  }

  /** True when there is nothing to do until something changes. */
  async #step(): Promise<boolean> {
    const { signal } = this.#closing
    const { models, isIndexing, vectors, changed } = this.#platform
    if (!models.current) return true
    this.#target ??= await this.#resolve()
    const target = this.#target
    if (target) {
      const space = isOf(this.#current, target) ? this.#current : await this.#build(target)
      if (!space) return false
      while (await space.advance(signal)) {
        changed()
        if (isIndexing()) return false
      }
      if (space !== this.#current) {
        const before = this.#current
        this.#current = space
        this.#queries.clear()
        before?.close()
        await vectors.keepOnly(space.model)
      }
      changed()
      if (isIndexing()) return true
      await this.#save()
    }
    if (isIndexing() || !(await needsFitting(target, this.#corpus()))) return true
    await this.#fit()
    return false
  }

  /**
   * A space of another model, up to date with the database. The current one keeps serving, and up to date, meanwhile. Undefined when
   * models have changed before it was ready.
   */
  async #build(target: Resolved): Promise<VectorSpace | undefined> {
    const { signal } = this.#closing
    const { log } = this.#platform
    const { model, version, dimension } = target
    log.info('vectors of another model are made', { model, version })
    const space = VectorSpace.create(this.#space, { model, version }, dimension ?? 1)
    try {
      while (await space.advance(signal)) {
        if (this.#target === undefined) {
          space.close()
          return undefined
        }
        await this.#current?.advance(signal)
      }
      return space
    } catch (error) {
      space.close()
      throw error
    }
  }

  async #resolve(): Promise<Resolved | null> {
    try {
      return await this.#models.resolve({ name: alias }, this.#call)
    } catch (error) {
      if (isError(error, 'MODELS_UNKNOWN')) return null
      throw error
    }
  }

  #corpus(): CorpusState {
    const { store, vectors } = this.#platform
    return {
      passages: async () => (await store.count()).chunks,
      changedAfter: (change, limit) => vectors.changedAfter(change, limit),
      unknownShare: async (texts) => {
        const { model, version } = this.#target ?? { model: corpusModel, version: undefined }
        return this.#models.unknownShare(
          { model, ...(version !== undefined && { version }), texts: [...texts] },
          this.#call,
        )
      },
    }
  }

  async #fit(): Promise<void> {
    const { store, vectors, log, clock } = this.#platform
    const startedAt = clock.monotonic()
    const change = await store.lastChange()
    const fitted = await fitLsaInWorker(vectors.corpus(), { signal: this.#closing.signal })
    const bytes = Buffer.from(fitted.toBytes()).toString('base64')
    const tags = { change: String(change), texts: String(fitted.textCount) }
    await this.#models.register({ name: corpusModel, format: 'lsa', bytes, tags }, this.#call)
    this.#target = undefined
    const tookMs = Math.round(clock.monotonic() - startedAt)
    log.info('a model was fitted', { texts: fitted.textCount, dimension: fitted.dimension, tookMs })
  }

  async #queryVector(space: VectorSpace, text: string, signal: AbortSignal): Promise<Float32Array | undefined> {
    const known = this.#queries.get(text)
    if (known) return known
    const late = new Error('the models service did not answer in time')
    try {
      const [vector] = await withinTime((inTime) => this.#embed(space.model, [text], inTime), {
        timeoutMs: queryPatienceMs,
        clock: this.#platform.clock,
        timedOut: () => late,
        signal,
      })
      if (vector && this.#current === space) this.#remember(text, vector)
      return vector
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (error === late) return undefined
      this.#platform.log.warn('a query has no vector; it is answered by words', { error })
      return undefined
    }
  }

  #remember(text: string, vector: Float32Array): void {
    this.#queries.set(text, vector)
    for (const oldest of this.#queries.keys()) {
      if (this.#queries.size <= queriesRemembered) return
      this.#queries.delete(oldest)
    }
  }

  async #embed({ model, version }: ModelRef, texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]> {
    const made: Float32Array[] = []
    for (let from = 0; from < texts.length; from += textsPerCall) {
      const input = { model, version, texts: texts.slice(from, from + textsPerCall) }
      const { vectors } = await this.#models.embed(input, { ...this.#call, signal })
      for (const vector of vectors) made.push(Float32Array.from(vector))
    }
    return made
  }

  /** A failed write is said in the log: the next start takes longer. */
  async #save(): Promise<void> {
    const { file, log } = this.#platform
    const space = this.#current
    if (!file || !space || this.#savedAt === space.applied) return
    const { applied } = space
    try {
      await file.write(space.snapshot())
      this.#savedAt = applied
    } catch (error) {
      log.warn('the vectors could not be saved beside the database; the next start takes longer', { error })
    }
  }
}

function isOf(space: VectorSpace | undefined, { model, version }: ModelRef): space is VectorSpace {
  return space?.model.model === model && space.model.version === version
}

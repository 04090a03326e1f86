/**
 * Keeps the folders of the service indexed: the configured one from its start, others when somebody asks, and those that an earlier
 * process did not finish. What must survive a kill is noted in the database before the work begins.
 */
import { type Clock, type HealthCheck, isError, reasonOf } from '@keelson/kernel'
import type { Indexing } from '../contract.ts'
import { resolveAllowedFolder } from './folder-access.ts'
import { FolderWatch } from './folder-watch.ts'
import type { FoldersStore } from './folders-store.ts'
import { type IndexFolderPlatform, indexFolder } from './index-folder.ts'
import { IndexingQueue } from './indexing-queue.ts'
import type { IndexingRun } from './indexing-run.ts'
import type { PassageIndex } from './passage-index.ts'

/** A program that writes a file does so in several steps. */
const settleMs = 300

export interface FolderIndexingPlatform extends IndexFolderPlatform {
  readonly folders: FoldersStore
  readonly index: Pick<PassageIndex, 'catchUp' | 'save'>
  readonly clock: Clock
  /** Whether folders are watched, and how often each is looked through all the same. */
  readonly watch?: { readonly rescanMs: number }
  /** Folders that may be indexed, with all inside them. */
  readonly roots: readonly string[]
  /** Told whenever a run begins or changes. */
  readonly changed?: () => void
  readonly log: {
    info(message: string, fields?: Record<string, unknown>): void
    warn(message: string, fields?: Record<string, unknown>): void
    error(message: string, fields?: Record<string, unknown>): void
  }
}

export class FolderIndexing {
  readonly #platform: FolderIndexingPlatform
  readonly #queue: IndexingQueue
  readonly #closing = new AbortController()
  readonly #watches = new Map<string, FolderWatch>()
  /** Folders in which something has changed that no run has looked at yet. */
  readonly #restless = new Set<string>()

  constructor(platform: FolderIndexingPlatform) {
    this.#platform = platform
    this.#queue = new IndexingQueue(platform.clock, (run, signal) => this.#work(run, signal), platform.changed)
  }

  /** Goes on with what an earlier process left, and indexes `startFolder` (a real path) first. Resolves when all is queued. */
  async start(startFolder: string | undefined): Promise<void> {
    const { folders, roots, log } = this.#platform
    if (startFolder !== undefined) {
      await folders.replaceStart(startFolder)
      this.#queue.add(startFolder)
    }
    for (const folder of await folders.unfinished()) {
      if (folder === startFolder) continue
      try {
        await resolveAllowedFolder(folder, roots)
        this.#queue.add(folder)
      } catch (error) {
        // A folder that went missing is queued all the same: its run drops its documents and says why.
        if (isError(error, 'DOCUMENTS_FOLDER_MISSING')) this.#queue.add(folder)
        else log.warn('a folder of an earlier start is not indexed further', { folder, reason: reasonOf(error) })
      }
    }
  }

  /** Queues a run over `folder`, or gives the one under way. Rejects like `resolveAllowedFolder`. */
  async index(folder: string): Promise<Indexing> {
    const real = await resolveAllowedFolder(folder, this.#platform.roots)
    await this.#platform.folders.request(real)
    return this.#queue.add(real).look()
  }

  /** The run that was asked for last. */
  get newest(): IndexingRun | undefined {
    return this.#queue.newest
  }

  /** Throws DOCUMENTS_RUN_UNKNOWN. */
  run(id: string): IndexingRun {
    return this.#queue.get(id)
  }

  /** Degraded while the newest run is one that failed: what is found may be old or incomplete. */
  health(): HealthCheck {
    return this.newest?.look().state === 'failed'
      ? { status: 'degraded', message: 'the newest indexing run failed' }
      : { status: 'ok' }
  }

  /** Stops the runs and waits for them; they go on at the next start. Safe to repeat. */
  async close(): Promise<void> {
    this.#closing.abort()
    for (const watch of this.#watches.values()) watch.close()
    await this.#queue.close()
  }

  /** Watches the folders that a run has read, instead of those of the run before. */
  #watch(folder: string, folders: ReadonlySet<string>): void {
    if (!this.#platform.watch || this.#closing.signal.aborted) return
    const known = this.#watches.get(folder)
    const watch =
      known ??
      new FolderWatch(
        () => void this.#lookAgain(folder, settleMs),
        (refused, error) => this.#platform.log.warn('a folder cannot be watched', { folder: refused, error }),
      )
    this.#watches.set(folder, watch)
    watch.keep(folders)
    if (!known) void this.#rescan(folder, this.#platform.watch.rescanMs)
  }

  /** Queues a run when changes have settled, and when the one under way, which may have missed them, has ended. */
  async #lookAgain(folder: string, delayMs: number): Promise<void> {
    if (this.#restless.has(folder)) return
    this.#restless.add(folder)
    try {
      await this.#platform.clock.sleep(delayMs, this.#closing.signal)
      await this.#queue.running(folder)
    } catch {
      return
    } finally {
      this.#restless.delete(folder)
    }
    if (!this.#closing.signal.aborted) this.#queue.add(folder)
  }

  async #rescan(folder: string, everyMs: number): Promise<void> {
    while (!this.#closing.signal.aborted) {
      await this.#platform.clock.sleep(everyMs, this.#closing.signal).catch(() => {})
      if (!this.#closing.signal.aborted) await this.#lookAgain(folder, 0)
    }
  }

  async #work(run: IndexingRun, signal: AbortSignal): Promise<void> {
    const { folders, index, log } = this.#platform
    const { folder } = run
    log.info('indexing', { folder })
    try {
      const entered = this.#watch.bind(this)
      await indexFolder(run, { ...this.#platform, entered }, signal)
      await folders.finish(folder)
    } catch (error) {
      if (!signal.aborted) log.error('indexing failed', { folder, error })
      throw error
    }
    await index.save()
    const { found, indexed, unchanged, removed, skipped } = run.look()
    log.info('indexed', { folder, found, indexed, unchanged, removed, skipped })
  }
}

/** Runs wait for each other: two at once would only compete for the disk and the database. A folder is in the queue at most once. */
import type { Clock } from '@keelson/kernel'
import { reasonOf } from '@keelson/kernel'
import { documentsErrors } from '../errors.ts'
import { IndexingRun } from './indexing-run.ts'

const remembered = 100

/** Does a run until the signal aborts. A rejection ends the run as failed, or as stopped when the signal has aborted. */
type Work = (run: IndexingRun, signal: AbortSignal) => Promise<void>

export class IndexingQueue {
  readonly #clock: Clock
  readonly #work: Work
  readonly #changed: () => void
  readonly #closing = new AbortController()
  /** In the order they were asked for. */
  readonly #runs = new Map<string, IndexingRun>()
  #tail: Promise<void> = Promise.resolve()

  /** @param changed is called whenever a run is added or changes. */
  constructor(clock: Clock, work: Work, changed: () => void = () => {}) {
    this.#clock = clock
    this.#work = work
    this.#changed = changed
  }

  /** Queues a run over `folder`, or gives the one that is running or queued. */
  add(folder: string): IndexingRun {
    for (const run of this.#runs.values()) if (run.folder === folder && !run.hasEnded) return run
    const run = new IndexingRun(folder, this.#clock, this.#changed)
    this.#remember(run)
    this.#changed()
    this.#tail = this.#tail.then(() => this.#execute(run))
    return run
  }

  /** Resolves when no run over `folder` is under way or waiting. */
  async running(folder: string): Promise<void> {
    for (const run of this.#runs.values()) if (run.folder === folder) await run.finished
  }

  /** The run that was asked for last. */
  get newest(): IndexingRun | undefined {
    return [...this.#runs.values()].at(-1)
  }

  /** The run with this id, or the newest for `latest`. Throws DOCUMENTS_RUN_UNKNOWN. */
  get(id: string): IndexingRun {
    const run = id === 'latest' ? this.newest : this.#runs.get(id)
    if (!run) throw documentsErrors.DOCUMENTS_RUN_UNKNOWN({ id })
    return run
  }

  /** Stops what runs and what waits; resolves when all has ended. Safe to repeat. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#tail
  }

  async #execute(run: IndexingRun): Promise<void> {
    const { signal } = this.#closing
    try {
      signal.throwIfAborted()
      await this.#work(run, signal)
      run.end({ state: 'done' })
    } catch (error) {
      if (signal.aborted) run.end({ state: 'stopped' })
      else run.end({ state: 'failed', error: reasonOf(error) })
    }
  }

  #remember(run: IndexingRun): void {
    this.#runs.set(run.id, run)
    for (const [id, old] of this.#runs) {
      if (this.#runs.size <= remembered) return
      if (old.hasEnded) this.#runs.delete(id)
    }
  }
}

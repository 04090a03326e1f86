/**
 * One indexing run as others see it: counts that grow, a state that ends. Whoever follows it gets a current picture at a pace a person
 * can read, however fast the files go by.
 */
import { randomUUID } from 'node:crypto'
import type { Clock, KeelsonError } from '@keelson/kernel'
import type { Indexing } from '../contract.ts'
import { Revision } from './revision.ts'

const updateEveryMs = 100
const fewestForEstimate = 20
const problemsShown = 100

type Count = 'found' | 'done' | 'indexed' | 'unchanged' | 'removed' | 'skipped'
type End = { readonly state: 'done' | 'stopped' } | { readonly state: 'failed'; readonly error: string }

export class IndexingRun {
  readonly id = randomUUID()
  readonly folder: string
  readonly #clock: Clock
  readonly #startedMs: number
  readonly #startedAt: string
  readonly #counts: Record<Count, number> = { found: 0, done: 0, indexed: 0, unchanged: 0, removed: 0, skipped: 0 }
  /** Files that are no text at all are many and expected: they must not crowd out the others. */
  readonly #unsupported: Indexing['problems'] = []
  readonly #problems: Indexing['problems'] = []
  #end: (End & { readonly at: string }) | undefined
  readonly #revision = new Revision()
  readonly #changed: () => void
  readonly #finished = Promise.withResolvers<void>()

  /** @param changed is called after each change of the picture. */
  constructor(folder: string, clock: Clock, changed: () => void = () => {}) {
    this.folder = folder
    this.#clock = clock
    this.#changed = changed
    this.#startedAt = isoTime(clock)
    this.#startedMs = clock.monotonic()
  }

  /** Resolves when the run has ended, however. */
  get finished(): Promise<void> {
    return this.#finished.promise
  }

  get hasEnded(): boolean {
    return this.#end !== undefined
  }

  count(what: Count, by = 1): void {
    this.#counts[what] += by
    this.#touch()
  }

  /** Counts a file that was looked at and cannot be indexed. */
  skip(path: string, error: KeelsonError): void {
    const list = error.code === 'DOCUMENTS_FILE_UNSUPPORTED' ? this.#unsupported : this.#problems
    if (list.length < problemsShown) list.push({ path, code: error.code, reason: error.message })
    this.count('skipped')
    this.count('done')
  }

  /** Ends the run; only the first end counts. */
  end(end: End): void {
    if (this.#end) return
    this.#end = { ...end, at: isoTime(this.#clock) }
    this.#touch()
    this.#finished.resolve()
  }

  /** The picture now. */
  look(): Indexing {
    return {
      id: this.id,
      folder: this.folder,
      state: this.#end?.state ?? 'running',
      ...this.#counts,
      timeLeftMs: this.#end ? null : this.#timeLeftMs(),
      // Files are read side by side and end in any order.
      problems: [...this.#problems.toSorted(byPath), ...this.#unsupported].slice(0, problemsShown),
      startedAt: this.#startedAt,
      finishedAt: this.#end?.at ?? null,
      error: this.#end?.state === 'failed' ? this.#end.error : null,
    }
  }

  /** The picture now, then at most ten a second as it changes, and the final one, after which it ends. Rejects when `signal` aborts. */
  async *follow(signal: AbortSignal): AsyncGenerator<Indexing, void> {
    for (;;) {
      signal.throwIfAborted()
      const seen = this.#revision.current
      const picture = this.look()
      yield picture
      if (picture.state !== 'running') return
      await this.#revision.after(seen, { clock: this.#clock, pauseMs: updateEveryMs, signal, hurry: this.finished })
    }
  }

  /** As if what is left took as long, file by file, as what is done. Unknown at the beginning. */
  #timeLeftMs(): number | null {
    const { found, done } = this.#counts
    const elapsedMs = this.#clock.monotonic() - this.#startedMs
    return done < fewestForEstimate ? null : Math.round((elapsedMs / done) * (found - done))
  }

  #touch(): void {
    this.#revision.advance()
    this.#changed()
  }
}

function byPath(one: { readonly path: string }, other: { readonly path: string }): number {
  return one.path < other.path ? -1 : 1
}

function isoTime(clock: Clock): string {
  return new Date(clock.now()).toISOString()
}

/**
 * The threads in which files are read, so that a search never waits for a document being taken apart. Each has a bound on its memory and
 * on the time one file may take: a file that breaks its reader costs that file and nothing else.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Clock } from '@keelson/kernel'
import { documentsErrors } from '../errors.ts'
import type { DocumentContent } from './document-draft.ts'
import type { ReaderAnswer, ReaderRequest } from './reader-worker.ts'

/** One core is left to whatever else the process does. */
export const readersAtOnce = Math.max(1, Math.min(4, availableParallelism() - 1))
const memoryMb = 768
const patienceMs = 120_000

const workerFile = new URL(`./reader-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)

interface Job extends ReaderRequest {
  readonly resolve: (content: DocumentContent) => void
  readonly reject: (error: unknown) => void
}

export class FileReaders {
  readonly #clock: Pick<Clock, 'sleep'>
  readonly #waiting: Job[] = []
  readonly #idle: Worker[] = []
  readonly #workers = new Set<Worker>()
  #isClosed = false

  constructor(clock: Pick<Clock, 'sleep'>) {
    this.#clock = clock
  }

  /**
   * What is stored of a file. Rejects with a DOCUMENTS_FILE_ error: the extractor's own, DOCUMENTS_FILE_SLOW after two minutes, or
   * DOCUMENTS_FILE_BREAKS_READER when its thread dies, for want of memory for instance.
   */
  read(bytes: Uint8Array, path: string): Promise<DocumentContent> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        reject(documentsErrors.DOCUMENTS_FILE_BREAKS_READER({ path, reason: 'the service is closing' }))
        return
      }
      this.#waiting.push({ bytes, path, resolve, reject })
      this.#next()
    })
  }

  /** Ends the threads; what waits is rejected. Safe to repeat. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const { path, reject } of this.#waiting.splice(0))
      reject(documentsErrors.DOCUMENTS_FILE_BREAKS_READER({ path, reason: 'the service is closing' }))
    await Promise.all([...this.#workers].map((worker) => worker.terminate()))
  }

  #next(): void {
    if (this.#waiting.length === 0) return
    const worker = this.#idle.pop() ?? (this.#workers.size < readersAtOnce ? this.#start() : undefined)
    if (!worker) return
    const job = this.#waiting.shift()
    if (job) this.#run(worker, job)
  }

  #start(): Worker {
    const worker = new Worker(workerFile, { name: 'documents', resourceLimits: { maxOldGenerationSizeMb: memoryMb } })
    // It must not keep a process alive that has nothing else to do.
    worker.unref()
    this.#workers.add(worker)
    worker.on('error', () => {})
    worker.once('exit', () => {
      this.#workers.delete(worker)
      const at = this.#idle.indexOf(worker)
      if (at >= 0) this.#idle.splice(at, 1)
      this.#next()
    })
    return worker
  }

  #run(worker: Worker, job: Job): void {
    const { path, bytes } = job
    const patience = new AbortController()
    const settle = (end: () => void) => {
      patience.abort()
      worker.off('message', answered)
      worker.off('error', broken)
      worker.off('exit', ended)
      end()
    }
    const answered = (answer: ReaderAnswer) =>
      settle(() => {
        this.#idle.push(worker)
        if ('content' in answer) job.resolve(answer.content)
        else job.reject(errorOf(answer, path))
        this.#next()
      })
    const broken = (error: Error) =>
      settle(() => job.reject(documentsErrors.DOCUMENTS_FILE_BREAKS_READER({ path, reason: error.message })))
    const ended = () => broken(new Error('its thread ended'))
    worker.once('message', answered)
    worker.once('error', broken)
    worker.once('exit', ended)
    this.#clock.sleep(patienceMs, patience.signal).then(
      () =>
        settle(() => {
          job.reject(documentsErrors.DOCUMENTS_FILE_SLOW({ path, limitMs: patienceMs }))
          void worker.terminate()
        }),
      () => {},
    )
    // A copy of its own, which can be handed over: what was read may be a part of a larger buffer.
    const own = Uint8Array.from(bytes)
    worker.postMessage({ path, bytes: own } satisfies ReaderRequest, [own.buffer])
  }
}

function errorOf(answer: Exclude<ReaderAnswer, { content: unknown }>, path: string): Error {
  if ('broken' in answer) return documentsErrors.DOCUMENTS_FILE_BREAKS_READER({ path, reason: answer.broken })
  const { code, details } = answer.refused
  if (Object.hasOwn(documentsErrors, code)) {
    // The thread made the error from the same catalogue, so its details are those that its factory takes.
    const make = documentsErrors[code as keyof typeof documentsErrors] as (details: object) => Error
    return make(details)
  }
  return documentsErrors.DOCUMENTS_FILE_BREAKS_READER({ path, reason: code })
}

/** The program's end of the worker thread: sends work, hands each answer to whoever waits for it, and knows when the thread has ended. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { kernelErrors, type QueryResult, reasonOf } from '@keelson/kernel'
import type { Work, WorkerMessage, WorkerStart, WorkRequest } from './worker-messages.ts'

interface Waiting {
  resolve(results: readonly QueryResult[]): void
  reject(error: unknown): void
}

// The compiler rewrites imports to `.js` but not this name, so it follows the file that it stands in.
const workerFile = new URL(`./pglite-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)

export class Engine {
  readonly #worker: Worker
  readonly #heard: (channel: string, payload: string) => void
  readonly #waiting = new Map<number, Waiting>()
  readonly #started = Promise.withResolvers<void>()
  readonly #exited: Promise<unknown>
  #lastId = 0
  #ended: string | undefined

  /** Resolves when PGlite answers. Rejects with an Error that says in a few words why it cannot. */
  static async start(start: WorkerStart, heard: (channel: string, payload: string) => void): Promise<Engine> {
    const engine = new Engine(start, heard)
    try {
      await engine.#started.promise
    } catch (error) {
      await engine.#worker.terminate()
      throw error
    }
    return engine
  }

  private constructor(start: WorkerStart, heard: (channel: string, payload: string) => void) {
    this.#heard = heard
    this.#worker = new Worker(workerFile, {
      workerData: start,
      name: 'pglite',
      stdout: true,
      stderr: true,
      // A program that was given as text, as by `node --eval`, hands down words that a file does not take.
      ...(process.execArgv.some((word) => word.startsWith('--input-type')) ? { execArgv: [] } : {}),
    })
    this.#exited = once(this.#worker, 'exit').catch(() => {})
    this.#worker.on('message', (message: WorkerMessage) => this.#receive(message))
    this.#worker.on('messageerror', (error) => this.#end(`an answer could not be read: ${error.message}`))
    this.#worker.on('error', (error) => this.#end(`its engine broke: ${reasonOf(error)}`))
    this.#worker.on('exit', () => this.#end('its engine has ended'))
  }

  /** Resolves when the thread is gone, for whatever reason. Never rejects. */
  get exited(): Promise<unknown> {
    return this.#exited
  }

  /** Rejects with DATABASE_QUERY_FAILED when it is refused, and with DATABASE_CLOSED when the thread ends before it has answered. */
  send(work: Work): Promise<readonly QueryResult[]> {
    if (this.#ended !== undefined) return Promise.reject(kernelErrors.DATABASE_CLOSED({ reason: this.#ended }))
    const request: WorkRequest = { ...work, id: ++this.#lastId }
    return new Promise((resolve, reject) => {
      this.#worker.postMessage(request)
      this.#waiting.set(request.id, { resolve, reject })
    })
  }

  /** Lets what was sent before finish, then ends the thread. */
  async close(): Promise<void> {
    try {
      await this.send({ kind: 'close' })
    } finally {
      this.#end('it is closed')
      await this.#worker.terminate()
    }
  }

  #receive(message: WorkerMessage): void {
    switch (message.kind) {
      case 'ready':
        this.#started.resolve()
        break
      case 'failed':
        this.#started.reject(new Error(message.reason))
        break
      case 'notification':
        this.#heard(message.channel, message.payload)
        break
      case 'done':
        this.#take(message.id)?.resolve(message.results)
        break
      case 'refused':
        this.#take(message.id)?.reject(kernelErrors.DATABASE_QUERY_FAILED({ ...message.refusal }))
        break
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    return waiting
  }

  #end(reason: string): void {
    if (this.#ended !== undefined) return
    this.#ended = reason
    this.#started.reject(new Error(reason))
    for (const { reject } of this.#waiting.values()) reject(kernelErrors.DATABASE_CLOSED({ reason }))
    this.#waiting.clear()
  }
}

/**
 * The kernel's `Database` port on PGlite, PostgreSQL as WebAssembly: the default database, with nothing to install, and the reference twin
 * of the port when it is kept in memory.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { resolve } from 'node:path'
import {
  type Clock,
  type Database,
  isError,
  kernelErrors,
  nowInSql,
  type Queryable,
  type QueryResult,
  reasonOf,
  type Statement,
  systemClock,
} from '@keelson/kernel'
import { findDatabase } from './data-folder.ts'
import { Engine } from './engine.ts'
import { type FolderLock, lockFolder } from './folder-lock.ts'
import { Listeners } from './listeners.ts'
import { toWireStatement } from './parameters.ts'
import type { PgliteExtensions, Work } from './worker-messages.ts'

export interface PgliteOptions {
  /** Keeps the data in this folder, which is created where it is missing and held by one process at a time. Without it: in memory. */
  readonly folder?: string
  /**
   * Extensions to load, by the name under which their module exports them and SQL creates them:
   * `{ vector: '@electric-sql/pglite-pgvector' }`. The modules are the caller's to install, in the version that fits PGlite's.
   */
  readonly extensions?: PgliteExtensions
  /** Its time is that of the database, when it is not the system's. */
  readonly clock?: Clock
}

/**
 * Opens a database in a worker thread of its own; making a new one takes some seconds, opening it again some tenths. What has been
 * committed survives the process being killed; it does not wait for the disk, so a power cut may lose or damage recent data.
 *
 * It is one connection: statements run in the order they are sent, and while a transaction is open all others wait for it. So the work of
 * a transaction must not await a statement sent around it, which would wait for itself: it is refused with DATABASE_TRANSACTION_OPEN when
 * the transaction has rested for a second.
 *
 * `close` lets what was sent before finish, transactions included, and is safe to repeat. When the thread dies, everything rejects with
 * DATABASE_CLOSED. Rejects with DATABASE_IN_USE when the folder is held by another process or this one, with DATABASE_FOLDER_UNUSABLE
 * when it cannot be created, written or read, or is of another PostgreSQL version, and with DATABASE_CLOSED when PGlite cannot start in
 * memory.
 */
export async function openPgliteDatabase({
  folder,
  extensions = {},
  clock = systemClock,
}: PgliteOptions = {}): Promise<Database & { close(): Promise<void> }> {
  if (folder === undefined) return openInMemory(extensions, clock)
  const absolute = resolve(folder)
  const lock = lockFolder(absolute)
  try {
    return await openInFolder(absolute, { extensions, lock, clock })
  } catch (error) {
    lock.release()
    if (isError(error)) throw error
    const reason = reasonOf(error)
    throw kernelErrors.DATABASE_FOLDER_UNUSABLE({ folder: absolute, reason }, { cause: error })
  }
}

async function openInMemory(extensions: PgliteExtensions, clock: Clock): Promise<PgliteDatabase> {
  const listeners = new Listeners()
  try {
    const engine = await Engine.start({ dataFolder: undefined, extensions }, listeners.tell)
    return new PgliteDatabase({ engine, listeners, clock })
  } catch (cause) {
    const reason = `PGlite did not start: ${reasonOf(cause)}`
    throw kernelErrors.DATABASE_CLOSED({ reason }, { cause })
  }
}

async function openInFolder(
  folder: string,
  { extensions, lock, clock }: { extensions: PgliteExtensions; lock: FolderLock; clock: Clock },
): Promise<PgliteDatabase> {
  // A thread of its own makes the database and is gone before the other starts: making one takes more memory than using it.
  const create = async (dataFolder: string) => (await Engine.start({ dataFolder, extensions: {} }, () => {})).close()
  const dataFolder = await findDatabase(folder, create)
  const listeners = new Listeners()
  const engine = await Engine.start({ dataFolder, extensions }, listeners.tell)
  void engine.exited.then(() => lock.release())
  return new PgliteDatabase({ engine, listeners, clock, lock })
}

interface PgliteParts {
  readonly engine: Engine
  readonly listeners: Listeners
  readonly clock: Clock
  readonly lock?: FolderLock
}

class PgliteDatabase implements Database {
  readonly #engine: Engine
  readonly #listeners: Listeners
  readonly #lock: FolderLock | undefined
  readonly #clock: Clock
  /** The transaction that the running code is the work of. */
  readonly #inside = new AsyncLocalStorage<OpenTransaction>()
  #lastTransaction = 0
  #closing: Promise<void> | undefined

  constructor({ engine, listeners, clock, lock }: PgliteParts) {
    this.#engine = engine
    this.#listeners = listeners
    this.#lock = lock
    this.#clock = clock
  }

  get nowSql(): string {
    return nowInSql(this.#clock)
  }

  async now(): Promise<number> {
    const { rows } = await this.query<{ now: Date }>(`select ${this.nowSql} as now`)
    return rows[0]?.now.getTime() ?? this.#clock.now()
  }

  async query<Row extends object>(sql: string, parameters?: readonly unknown[]): Promise<QueryResult<Row>> {
    return firstOf(await this.#send({ kind: 'query', statement: toWireStatement(sql, parameters) }))
  }

  async batch(statements: readonly Statement[]): Promise<readonly QueryResult[]> {
    const wire = statements.map(({ sql, parameters }) => toWireStatement(sql, parameters))
    return this.#send({ kind: 'batch', statements: wire })
  }

  async transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T> {
    const transaction = ++this.#lastTransaction
    await this.#send({ kind: 'begin', transaction })
    const state = new OpenTransaction()
    const inside: Queryable = {
      query: async <Row extends object>(sql: string, parameters?: readonly unknown[]) => {
        if (!state.isOpen)
          throw kernelErrors.DATABASE_QUERY_FAILED({ sqlState: '25P01', reason: 'its transaction has ended' })
        const statement = toWireStatement(sql, parameters)
        return firstOf<Row>(await state.during(this.#engine.send({ kind: 'statement', transaction, statement })))
      },
    }
    try {
      const result = await this.#inside.run(state, () => work(inside))
      state.end()
      await this.#engine.send({ kind: 'commit', transaction })
      return result
    } catch (error) {
      if (state.isOpen) {
        state.end()
        // The caller needs the error of its own work; a rollback fails only when the engine is gone, and the transaction with it.
        await this.#engine.send({ kind: 'rollback', transaction }).catch(() => {})
      }
      throw error
    }
  }

  async notify(channel: string, payload: string): Promise<void> {
    await this.query('select pg_notify($1, $2)', [channel, payload])
  }

  listen(channel: string, heard: (payload: string) => void): Promise<() => Promise<void>> {
    return this.#listeners.add(channel, heard, async (sql) => {
      await this.query(sql)
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#engine.close().finally(() => this.#lock?.release())
    return this.#closing
  }

  #send(work: Work): Promise<readonly QueryResult[]> {
    if (this.#closing) return Promise.reject(kernelErrors.DATABASE_CLOSED({ reason: 'it is closed' }))
    const around = this.#inside.getStore()
    return around?.isOpen ? around.outlasted().then(() => this.#send(work)) : this.#engine.send(work)
  }
}

/** How long a transaction rests until a statement that waits for its end is taken for what it waits for. */
const restMs = 1_000

/** A transaction whose work is running. */
class OpenTransaction {
  isOpen = true
  readonly #ended = Promise.withResolvers<void>()
  #running = 0
  #restsSince = performance.now()

  async during<T>(statement: Promise<T>): Promise<T> {
    this.#running += 1
    try {
      return await statement
    } finally {
      this.#running -= 1
      this.#restsSince = performance.now()
    }
  }

  end(): void {
    this.isOpen = false
    this.#ended.resolve()
  }

  /** Resolves when it has ended. Nothing has been sent when it rejects. */
  async outlasted(): Promise<void> {
    while (this.isOpen) {
      const late = Promise.withResolvers<void>()
      const timer = setTimeout(late.resolve, restMs)
      await Promise.race([this.#ended.promise, late.promise])
      clearTimeout(timer)
      const isResting = this.#running === 0 && performance.now() - this.#restsSince >= restMs
      if (this.isOpen && isResting) throw kernelErrors.DATABASE_TRANSACTION_OPEN({})
    }
  }
}

function firstOf<Row extends object>(results: readonly QueryResult[]): QueryResult<Row> {
  // The worker answers each statement with one result; the row type is the caller's own statement about its SQL.
  return results[0] as QueryResult<Row>
}

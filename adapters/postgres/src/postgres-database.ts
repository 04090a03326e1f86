/**
 * The kernel's `Database` port on a PostgreSQL server: statements by themselves and lists of them are one round trip on any connection of
 * a pool, a transaction is a connection of its own for as long as it lasts.
 */
import {
  type Clock,
  type Database,
  kernelErrors,
  nowInSql,
  type Queryable,
  type QueryResult,
  type Statement,
  systemClock,
} from '@keelson/kernel'
import type { ClientConfig, PoolClient } from 'pg'
import { Connections } from './connections.ts'
import { endsConnection, type Stage, statementFailure } from './failure.ts'
import type { Password, TlsOptions } from './login.ts'
import { Notifications } from './notifications.ts'
import { Description, Pipeline, type PipelineResult } from './pipeline.ts'
import { PreparedStatements } from './prepared-statements.ts'
import { Replicas } from './replicas.ts'
import { clientConfig } from './server-address.ts'
import { isAmbiguous, type ParameterTypes, requireStatement, toWireValues, type WireStatement } from './statements.ts'

export interface PostgresOptions {
  /**
   * `postgres://user:password@host:5432/database?sslmode=verify-full&sslrootcert=/etc/ca.pem`. With any `sslmode` but `disable` and
   * `no-verify` the certificate of the server is verified, and so is its name.
   */
  readonly url: string
  /** In the place of that of the URL. A file is read, and a function called, for each connection that is made. */
  readonly password?: Password | undefined
  /** Makes connections with TLS and a verified certificate, whatever the URL says. */
  readonly tls?: TlsOptions | undefined
  /**
   * Where `LISTEN` goes. A pooler in transaction mode loses what it should hear: give the URL of the server itself, or false for a database
   * on which nothing is ever heard, so that who waits looks again by himself (readers of an event store do after 500 ms). Default: `url`.
   */
  readonly listenUrl?: string | false | undefined
  /** Of servers that follow it, to which what is read may be late; each has as many connections. Default none. */
  readonly replicaUrls?: readonly string[]
  /** Connections at most, beside the one that listens. Default 10. */
  readonly connections?: number
  /** How long a statement waits for a connection, or for one to be made. Default 10,000. */
  readonly acquireTimeoutMs?: number
  /** How long a statement may run; 0 for as long as it takes. Default 60,000. */
  readonly statementTimeoutMs?: number
  /** How long a transaction may wait for its next statement; 0 for ever. Default 60,000. */
  readonly idleInTransactionTimeoutMs?: number
  /** What the server's list of sessions shows. Default `keelson`. */
  readonly applicationName?: string
  /** For what waits; its time is that of the database, too, when it is not the system's. */
  readonly clock?: Clock
}

/** More statements of an application than this differ in their text only by mistake. */
const mostDescribed = 1_000
const begin: WireStatement = { sql: 'begin', values: [] }
const commit: WireStatement = { sql: 'commit', values: [] }
const rollback: WireStatement = { sql: 'rollback', values: [] }

/**
 * Connects to a PostgreSQL server, 15 or later, and makes sure that it answers. Sessions run in UTC. Connections are made when they are
 * needed; one that is lost is replaced by the next statement, and the one that listens by itself.
 *
 * Rejects with DATABASE_UNREACHABLE (which a later call may not meet) or DATABASE_ACCESS_REFUSED. `close` lets what was sent before
 * finish, transactions included, and is safe to repeat.
 */
export async function connectPostgresDatabase(
  options: PostgresOptions,
): Promise<Database & { close(): Promise<void> }> {
  const { replicaUrls = [] } = options
  const replicas = replicaUrls.map((url) => new PostgresDatabase({ ...options, url }, []))
  const database = new PostgresDatabase(options, replicas)
  try {
    await database.query('select 1')
  } catch (error) {
    await database.close()
    throw error
  }
  return database
}

/** A connection while it is used. */
interface Session {
  readonly client: PoolClient
  /** An answer is missing on it: nobody may use it again. */
  isBroken: boolean
}

class PostgresDatabase implements Database {
  readonly #connections: Connections
  /** Undefined where nothing is heard. */
  readonly #notifications: Notifications | undefined
  /** Types of parameters by the text of the statement: asked for once where an array may be one of SQL or JSON. */
  readonly #described = new Map<string, ParameterTypes>()
  readonly #kept = new WeakMap<PoolClient, PreparedStatements>()
  #closing: Promise<void> | undefined

  /** Reads that may be late, when there are replicas. */
  readonly replica?: Queryable
  readonly #followers: readonly PostgresDatabase[]
  readonly #clock: Clock

  constructor(options: PostgresOptions, replicas: readonly PostgresDatabase[]) {
    const { connections = 10, acquireTimeoutMs = 10_000, clock = systemClock } = options
    const { statementTimeoutMs = 60_000, idleInTransactionTimeoutMs = 60_000 } = options
    const { password, tls, listenUrl = options.url } = options
    const session = { application_name: options.applicationName ?? 'keelson', keepAlive: true }
    const client: ClientConfig = { ...clientConfig({ url: options.url, password, tls }), ...session }
    const settings = {
      timezone: 'UTC',
      datestyle: 'ISO, MDY',
      bytea_output: 'hex',
      statement_timeout: String(statementTimeoutMs),
      idle_in_transaction_session_timeout: String(idleInTransactionTimeoutMs),
    }
    this.#connections = new Connections({ client, size: connections, acquireTimeoutMs, clock, settings })
    if (listenUrl !== false)
      this.#notifications = new Notifications({ ...clientConfig({ url: listenUrl, password, tls }), ...session }, clock)
    this.#followers = replicas
    this.#clock = clock
    if (replicas.length > 0) this.replica = new Replicas(replicas, this, clock)
  }

  get nowSql(): string {
    return nowInSql(this.#clock)
  }

  async now(): Promise<number> {
    const { rows } = await this.query<{ now: Date }>(`select ${this.nowSql} as now`)
    return rows[0]?.now.getTime() ?? this.#clock.now()
  }

  async query<Row extends object>(sql: string, parameters: readonly unknown[] = []): Promise<QueryResult<Row>> {
    this.#refuseClosed()
    requireStatement(sql, parameters, 'alone')
    return this.#withSession(async (session) => {
      const wire = await this.#toWire(session, sql, parameters)
      return rowsOf<Row>(await this.#runPrepared(session, wire))
    })
  }

  async batch(statements: readonly Statement[]): Promise<readonly QueryResult[]> {
    this.#refuseClosed()
    for (const { sql, parameters = [] } of statements) requireStatement(sql, parameters, 'inside')
    if (statements.length === 0) return []
    return this.#withSession(async (session) => {
      const wire: WireStatement[] = []
      for (const { sql, parameters = [] } of statements) wire.push(await this.#toWire(session, sql, parameters))
      try {
        const results = await this.#run(session, [begin, ...wire, commit], 'committing')
        return results.slice(1, -1).map(({ rows, affected }) => ({ rows, affected }))
      } catch (error) {
        await this.#rollBack(session)
        throw error
      }
    })
  }

  async transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T> {
    this.#refuseClosed()
    return this.#withSession(async (session) => {
      const transaction = new Transaction(
        (sql, parameters) => this.#toWire(session, sql, parameters),
        (statements, stage) => this.#run(session, statements, stage),
      )
      try {
        const result = await work(transaction)
        await transaction.commit()
        return result
      } catch (error) {
        await transaction.end()
        if (transaction.hasBegun) await this.#rollBack(session)
        throw error
      }
    })
  }

  async notify(channel: string, payload: string): Promise<void> {
    await this.query('select pg_notify($1, $2)', [channel, payload])
  }

  async listen(channel: string, heard: (payload: string) => void): Promise<() => Promise<void>> {
    this.#refuseClosed()
    return (await this.#notifications?.listen(channel, heard)) ?? (async () => {})
  }

  close(): Promise<void> {
    this.#closing ??= Promise.all([
      this.#connections.close(),
      this.#notifications?.close(),
      ...this.#followers.map((follower) => follower.close()),
    ]).then(() => {})
    return this.#closing
  }

  async #withSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const leased = await this.#connections.acquire()
    const session: Session = { client: leased.client, isBroken: false }
    try {
      return await work(session)
    } finally {
      leased.release(session.isBroken)
    }
  }

  /** Under a name where the statement comes often; as text where the name leads nowhere. */
  async #runPrepared(session: Session, wire: WireStatement): Promise<PipelineResult | undefined> {
    const kept = this.#keptBy(session.client)
    const prepared = kept.use(wire.sql)
    if (prepared) {
      try {
        const [result] = await this.#run(session, [{ ...wire, prepared }], 'committing')
        kept.keep(wire.sql, prepared)
        return result
      } catch (error) {
        if (!kept.isStale(wire.sql, error)) throw error
      }
    }
    const [result] = await this.#run(session, [wire], 'committing')
    return result
  }

  #keptBy(client: PoolClient): PreparedStatements {
    const known = this.#kept.get(client)
    if (known) return known
    const kept = new PreparedStatements()
    this.#kept.set(client, kept)
    return kept
  }

  /** One round trip. A connection on which an answer is missing is not used again. */
  async #run(session: Session, statements: readonly WireStatement[], stage: Stage): Promise<readonly PipelineResult[]> {
    const pipeline = new Pipeline(statements)
    try {
      session.client.query(pipeline)
      return await pipeline.settled
    } catch (error) {
      if (endsConnection(error)) session.isBroken = true
      const values = statements.flatMap((statement) => statement.values)
      throw statementFailure(error, values, pipeline.isSent ? stage : 'before-commit')
    }
  }

  /** A server that cannot be asked to has undone it already. */
  async #rollBack(session: Session): Promise<void> {
    if (session.isBroken) return
    await this.#run(session, [rollback], 'before-commit').catch(() => {
      session.isBroken = true
    })
  }

  async #toWire(session: Session, sql: string, parameters: readonly unknown[]): Promise<WireStatement> {
    const types = parameters.some(isAmbiguous) ? await this.#typesOf(session, sql) : []
    return { sql, values: toWireValues(parameters, types) }
  }

  async #typesOf(session: Session, sql: string): Promise<ParameterTypes> {
    const known = this.#described.get(sql)
    if (known) return known
    const description = new Description(sql)
    try {
      session.client.query(description)
      const types = await description.settled
      if (this.#described.size >= mostDescribed) this.#described.clear()
      this.#described.set(sql, types)
      return types
    } catch (error) {
      if (endsConnection(error)) session.isBroken = true
      throw statementFailure(error, [], 'before-commit')
    }
  }

  #refuseClosed(): void {
    if (this.#closing) throw kernelErrors.DATABASE_CLOSED({ reason: 'it is closed' })
  }
}

type ToWire = (sql: string, parameters: readonly unknown[]) => Promise<WireStatement>
type Run = (statements: readonly WireStatement[], stage: Stage) => Promise<readonly PipelineResult[]>

/** Runs the statements of one transaction one after the other; it begins with the first of them, in the same message. */
class Transaction implements Queryable {
  readonly #toWire: ToWire
  readonly #run: Run
  #last: Promise<unknown> = Promise.resolve()
  #hasBegun = false
  #isOpen = true
  /** A statement that PostgreSQL never saw must spoil the transaction as one that it refused does. */
  #isSpoilt = false

  constructor(toWire: ToWire, run: Run) {
    this.#toWire = toWire
    this.#run = run
  }

  get hasBegun(): boolean {
    return this.#hasBegun
  }

  async query<Row extends object>(sql: string, parameters: readonly unknown[] = []): Promise<QueryResult<Row>> {
    if (!this.#isOpen) {
      throw kernelErrors.DATABASE_QUERY_FAILED({ sqlState: '25P01', reason: 'its transaction has ended' })
    }
    const result = this.#last.then(async () => {
      const wire = await this.#prepare(sql, parameters)
      const isFirst = !this.#hasBegun
      this.#hasBegun = true
      const results = await this.#run(isFirst ? [begin, wire] : [wire], 'before-commit')
      return rowsOf<Row>(results.at(-1))
    })
    this.#last = result.catch(() => {})
    return result
  }

  /** What nobody awaited is run first. Rejects when PostgreSQL rolled back instead, or a statement was refused before it was sent. */
  async commit(): Promise<void> {
    await this.end()
    if (this.#isSpoilt) throw spoilt()
    if (!this.#hasBegun) return
    const results = await this.#run([commit], 'committing')
    // PostgreSQL answers the commit of a failed transaction with a rollback, not with an error.
    if (results[0]?.command === 'ROLLBACK') throw spoilt()
  }

  /** Takes no more statements; resolves when those it has taken are done. */
  async end(): Promise<void> {
    this.#isOpen = false
    await this.#last
  }

  async #prepare(sql: string, parameters: readonly unknown[]): Promise<WireStatement> {
    if (this.#isSpoilt) throw spoilt()
    try {
      requireStatement(sql, parameters, 'inside')
      return await this.#toWire(sql, parameters)
    } catch (error) {
      this.#isSpoilt = true
      throw error
    }
  }
}

function spoilt(): Error {
  const reason = 'the transaction was rolled back, since one of its statements had failed'
  return kernelErrors.DATABASE_QUERY_FAILED({ sqlState: '25P02', reason })
}

function rowsOf<Row extends object>(result: PipelineResult | undefined): QueryResult<Row> {
  // A statement is answered with one result; the row type is the caller's own statement about its SQL.
  return { rows: (result?.rows ?? []) as readonly Row[], affected: result?.affected ?? 0 }
}

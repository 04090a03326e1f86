/**
 * The SQL database as every store sees it. Stores write SQL that PostgreSQL 15 and PGlite both know; an adapter is a driver of this port
 * and nothing more. PGlite is the reference twin: there is no second SQL engine to keep in step.
 *
 * Promises:
 * - Calls may run concurrently. Statements given outside a transaction each commit by themselves.
 * - `batch` runs all its statements in one transaction and one message to the engine: all take effect or none.
 * - `transaction` commits when `work` resolves and rolls back when it rejects, and then rejects with that same error. It costs a round
 *   trip per statement; prefer `batch` when no statement depends on the answer to another. Other statements wait or run beside it,
 *   never inside it, so `work` awaits nothing but what it is given: a statement sent around it may wait for the transaction to end.
 *   A transaction in which a statement was refused cannot commit, even when `work` caught the error: it rejects with sqlState 25P02.
 * - Values: text, numbers, booleans, null, Date, Uint8Array and JSON (objects and arrays for `json`/`jsonb`) are accepted as parameters.
 *   Rows come back with int2/int4/int8/float as numbers (int8 beyond 2^53 as bigint), timestamptz as Date, bytea as Uint8Array, json parsed.
 * - A refused statement rejects with DATABASE_QUERY_FAILED whose details hold PostgreSQL's own `sqlState` (five characters), never the
 *   parameters. After `close`, every call rejects with DATABASE_CLOSED.
 * - What a server may answer for reasons of its own has codes of its own, `retryable` where nothing took effect: DATABASE_UNREACHABLE,
 *   DATABASE_POOL_EXHAUSTED, DATABASE_CONNECTION_LOST, DATABASE_TIMED_OUT, DATABASE_CONTENDED, DATABASE_READ_ONLY, DATABASE_FULL. A
 *   connection that is lost between a commit and its answer is DATABASE_OUTCOME_UNKNOWN, which is not retryable by itself.
 */
import { type Clock, systemClock } from '../clock.ts'
import { definePort } from '../port.ts'

export interface Database extends Queryable {
  /** Reads of what may be late, where the database has replicas. */
  readonly replica?: Queryable
  /** The database's own time, in milliseconds since 1970: programs whose clocks differ agree on it. */
  now(): Promise<number>
  /**
   * The same time as an SQL expression of type timestamptz, for statements that compare with it. It is that of the moment in which the
   * expression is evaluated, not of the transaction's begin. Read it anew for each statement, since a test's clock stands in its text.
   */
  readonly nowSql: string
  batch(statements: readonly Statement[]): Promise<readonly QueryResult[]>
  transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T>
  /** Tells every listener on `channel`, in this process and others; the payload is shorter than 8,000 bytes. Delivery is at most once. */
  notify(channel: string, payload: string): Promise<void>
  /** Calls `heard` for each later notification, in order, until the returned function is called. */
  listen(channel: string, heard: (payload: string) => void): Promise<() => Promise<void>>
}

export const Database = definePort<Database>('database')

/** For drivers: the `nowSql` of a database that goes by `clock`. It is the server's own time, unless a test has given another clock. */
export function nowInSql(clock: Clock): string {
  return clock === systemClock ? 'clock_timestamp()' : `to_timestamp(${clock.now() / 1_000})`
}

export interface Queryable {
  query<Row extends object = Record<string, unknown>>(
    sql: string,
    parameters?: readonly unknown[],
  ): Promise<QueryResult<Row>>
}

export interface Statement {
  readonly sql: string
  /** Values for $1, $2, … */
  readonly parameters?: readonly unknown[]
}

export interface QueryResult<Row extends object = Record<string, unknown>> {
  readonly rows: readonly Row[]
  /** Rows inserted, updated or deleted. */
  readonly affected: number
}

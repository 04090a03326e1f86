/**
 * What the database and its worker thread say to each other. One message is one unit of work: a batch travels whole, and only
 * `transaction(work)` costs a message per statement.
 */
import type { QueryResult } from '@keelson/kernel'

/** What the thread is started with. */
export interface WorkerStart {
  /** PGlite's own folder; undefined keeps the data in memory. */
  readonly dataFolder: string | undefined
  /** Modules of PGlite's extensions, by the name under which each is exported and created. */
  readonly extensions: PgliteExtensions
}

export type PgliteExtensions = Readonly<Record<string, string>>

/** What crosses to the thread unchanged. Arrays stay arrays, since only PGlite knows whether the column is an array or JSON. */
export type WireValue = string | number | bigint | boolean | null | Date | Uint8Array | readonly WireValue[]

export interface WireStatement {
  readonly sql: string
  readonly parameters: readonly WireValue[]
}

/** `transaction` is the number that `begin` chose; what carries it runs ahead of everything else until `commit` or `rollback`. */
export type Work =
  | { readonly kind: 'query'; readonly statement: WireStatement }
  | { readonly kind: 'batch'; readonly statements: readonly WireStatement[] }
  | { readonly kind: 'begin'; readonly transaction: number }
  | { readonly kind: 'statement'; readonly transaction: number; readonly statement: WireStatement }
  | { readonly kind: 'commit' | 'rollback'; readonly transaction: number }
  | { readonly kind: 'close' }

export type WorkRequest = Work & { readonly id: number }

/** A statement that was not carried out: PostgreSQL's code and words, without the values of parameters. */
export interface Refusal {
  readonly sqlState: string
  readonly reason: string
}

export type WorkerMessage =
  | { readonly kind: 'ready' }
  /** The engine could not start, or broke; the thread ends. */
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'done'; readonly id: number; readonly results: readonly QueryResult[] }
  | { readonly kind: 'refused'; readonly id: number; readonly refusal: Refusal }
  | { readonly kind: 'notification'; readonly channel: string; readonly payload: string }

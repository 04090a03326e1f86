/**
 * What is known of commands by their idempotency keys: which run, and what those that are done were answered.
 *
 * Promises:
 * - Of several claims of one key at the same time, one is new and the others are told that it runs.
 * - A key belongs to one fingerprint. Another is told so, until what is kept under the key has gone.
 * - Once `finish` has resolved, every claim of the key is given the outcome, byte for byte, until it has been kept for `keepMs`.
 * - A key whose runner has died is free again after the store's lease; a runner that is alive keeps it however long it runs. What a
 *   runner says that has lost its key meanwhile changes nothing.
 * - It rejects only when the store cannot be reached.
 */
import { definePort, type Queryable } from '@keelson/kernel'

/** What tells one keyed command from all others. */
export interface KeyedCommand {
  /** For whom it is made: `identityOf` a call. */
  readonly identity: string
  /** `service.operation` */
  readonly operation: string
  readonly key: string
}

export interface KeyClaim extends KeyedCommand {
  /** A digest of the input. */
  readonly fingerprint: string
  /** How long what is known of the key is kept at least, in milliseconds. */
  readonly keepMs: number
}

export type Claimed =
  | { readonly state: 'new'; readonly run: KeyedRun }
  | { readonly state: 'running'; readonly retryAfterMs: number }
  | { readonly state: 'done'; readonly outcome: string }
  | { readonly state: 'reused' }

/** The one run of a command under its key. Either of its methods ends it; what comes after that does nothing. */
export interface KeyedRun {
  /**
   * Keeps the outcome, which is JSON.
   *
   * @param transaction of the database that the store is on: the outcome is kept if the transaction commits, together with its effects.
   */
  finish(outcome: string, transaction?: Queryable): Promise<void>
  /** Lets the key go, as if the command had never come. */
  release(): Promise<void>
}

export interface IdempotencyStore {
  claim(claim: KeyClaim): Promise<Claimed>
}

export const IdempotencyStore = definePort<IdempotencyStore>('idempotency')

/**
 * Where rate limits are counted. Promises: `take` is atomic per key, also between processes that share a store; it takes one call when
 * there is room and nothing when there is not; keys that are not used any more are forgotten. It rejects only when the store cannot be reached.
 */
import { definePort } from '@keelson/kernel'

export interface Rate {
  /** Time that one call uses up, in milliseconds: the period over the limit. */
  readonly intervalMs: number
  /** Calls at once, after a pause. */
  readonly burst: number
}

export interface RateLimitStore {
  /** 0: the call may go ahead. Else when to come back, in milliseconds. An answer at once is given without a promise. */
  take(key: string, rate: Rate): number | Promise<number>
}

export const RateLimitStore = definePort<RateLimitStore>('rate-limits')

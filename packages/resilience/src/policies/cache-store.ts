/**
 * Where answers are kept. Promises: an entry that was set is found until its time has passed, one of its tags is invalidated, or room is
 * needed, and perhaps a while after its time, which is for the asker to look at. After `invalidate` nothing older is found under its tags,
 * also by other processes that share the store, there perhaps a moment later. An answer at once is given without a promise. It rejects only
 * when the store cannot be reached.
 */
import { definePort } from '@keelson/kernel'

/** Times in milliseconds since 1970, so that processes may share entries. */
export interface CacheEntry {
  /** JSON, or, in memory, anything that can be cloned; frozen. */
  readonly value: unknown
  readonly madeAt: number
  readonly freshUntil: number
  /** Until then it may stand in when no newer answer is to be had. */
  readonly keptUntil: number
  readonly tags: readonly string[]
}

export interface CacheStore {
  get(key: string): CacheEntry | undefined | Promise<CacheEntry | undefined>
  set(key: string, entry: CacheEntry): void | Promise<void>
  /** Forgets every entry that has one of the tags. */
  invalidate(tags: readonly string[]): void | Promise<void>
}

export const CacheStore = definePort<CacheStore>('cache')

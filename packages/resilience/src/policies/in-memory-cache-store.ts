/** Answers kept in this process: bounded in bytes, the ones set longest ago go first; those whose time has passed go by themselves. */
import { type Clock, systemClock } from '@keelson/kernel'
import type { CacheEntry, CacheStore } from './cache-store.ts'
import { Housekeeping } from './housekeeping.ts'
import { sizeOf } from './kept-value.ts'

interface Kept {
  readonly entry: CacheEntry
  readonly bytes: number
}

const defaultBytes = 64 * 2 ** 20

/**
 * Makes a store of this process's own.
 *
 * @param options.bytes what all entries may take together, roughly, their keys and tags included; 64 MB. An entry that takes more is not kept.
 */
export function createInMemoryCacheStore({
  bytes: most = defaultBytes,
  clock = systemClock,
}: {
  readonly bytes?: number
  readonly clock?: Pick<Clock, 'now'>
} = {}): CacheStore {
  const entries = new Map<string, Kept>()
  const keysOf = new Map<string, Set<string>>()
  let bytes = 0
  const housekeeping = new Housekeeping(() => {
    const now = clock.now()
    for (const [key, { entry }] of entries) if (entry.keptUntil <= now) forget(key)
    return entries.size
  })

  function forget(key: string): void {
    const known = entries.get(key)
    if (!known) return
    entries.delete(key)
    bytes -= known.bytes
    for (const tag of known.entry.tags) {
      const keys = keysOf.get(tag)
      keys?.delete(key)
      if (keys?.size === 0) keysOf.delete(tag)
    }
  }

  return {
    get(key) {
      return entries.get(key)?.entry
    },
    set(key, entry) {
      forget(key)
      const size = sizeOf([key, entry.value, entry.tags])
      if (size > most) return
      entries.set(key, { entry, bytes: size })
      bytes += size
      for (const tag of entry.tags) {
        const keys = keysOf.get(tag) ?? new Set()
        keysOf.set(tag, keys.add(key))
      }
      for (const oldest of entries.keys()) {
        if (bytes <= most) break
        forget(oldest)
      }
      housekeeping.wake(entries.size)
    },
    invalidate(tags) {
      for (const tag of tags) for (const key of [...(keysOf.get(tag) ?? [])]) forget(key)
    },
  }
}

/** Answers kept in this process: bounded in number, the ones set longest ago go first. */
import type { CacheEntry, CacheStore } from './cache-store.ts'

export function createInMemoryCacheStore({ entries: most = 10_000 } = {}): CacheStore {
  const entries = new Map<string, CacheEntry>()
  const keysOf = new Map<string, Set<string>>()

  function forget(key: string, entry: CacheEntry): void {
    entries.delete(key)
    for (const tag of entry.tags) {
      const keys = keysOf.get(tag)
      keys?.delete(key)
      if (keys?.size === 0) keysOf.delete(tag)
    }
  }

  return {
    get: (key) => entries.get(key),
    set(key, entry) {
      const before = entries.get(key)
      if (before) forget(key, before)
      entries.set(key, entry)
      for (const tag of entry.tags) {
        const keys = keysOf.get(tag) ?? new Set()
        keysOf.set(tag, keys.add(key))
      }
      if (entries.size > most) {
        const [oldest] = entries
        if (oldest) forget(...oldest)
      }
    },
    invalidate(tags) {
      for (const tag of tags)
        for (const key of [...(keysOf.get(tag) ?? [])]) {
          const entry = entries.get(key)
          if (entry) forget(key, entry)
        }
    },
  }
}

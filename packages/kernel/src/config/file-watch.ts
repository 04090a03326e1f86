/**
 * Tells when a file may have changed. Folders are watched rather than the file, since editors and volume mounts put a new file in its place:
 * all folders on the way that links lead, and what holds them, so that a link that is moved or a folder that is made anew is seen as well.
 * A burst of events becomes one call once it has settled.
 */
import { type FSWatcher, statSync, watch } from 'node:fs'
import type { Clock } from '../clock.ts'
import { placesOf } from './file-places.ts'

/** How long a write is given to end before the file is read. */
export const settleMs = 20

export interface FileWatchOptions {
  readonly clock: Clock
  /** Called once at the start and after every burst of events, never twice at a time. */
  readonly changed: (signal: AbortSignal) => Promise<void>
  /** A folder cannot be watched, or no longer. */
  readonly failed: (cause: unknown) => void
}

/** Watches until the function it gives back is called; keeps no process alive. */
export function watchFile(path: string, { clock, changed, failed }: FileWatchOptions): () => void {
  const closing = new AbortController()
  const folders = new WatchedFolders(heard, failed)
  let isDirty = false
  let isSettling = false

  async function settle(): Promise<void> {
    isSettling = true
    try {
      while (isDirty) {
        await clock.sleep(settleMs, closing.signal)
        isDirty = false
        // The way may lead elsewhere by now. It is watched before the file is read, so that no change falls in between.
        folders.watch(path)
        await changed(closing.signal)
      }
    } catch (cause) {
      if (!closing.signal.aborted) failed(cause)
    }
    isSettling = false
  }
  function heard(): void {
    isDirty = true
    if (!isSettling && !closing.signal.aborted) void settle()
  }

  folders.watch(path)
  heard()
  return () => {
    closing.abort()
    folders.close()
  }
}

interface WatchedFolder {
  /** Tells a folder from another that was made in its place. */
  readonly identity: string
  names: ReadonlySet<string>
  readonly watcher: FSWatcher
}

/** One watcher for each folder on the way to a file. */
class WatchedFolders {
  readonly #heard: () => void
  readonly #failed: (cause: unknown) => void
  readonly #folders = new Map<string, WatchedFolder>()
  /** A folder that cannot be watched is told of once. */
  readonly #refused = new Set<string>()

  constructor(heard: () => void, failed: (cause: unknown) => void) {
    this.#heard = heard
    this.#failed = failed
  }

  /** Watches the folders that matter now, and no others. */
  watch(path: string): void {
    const places = placesOf(path)
    for (const [folder, { identity, watcher }] of this.#folders) {
      if (places.has(folder) && identityOf(folder) === identity) continue
      watcher.close()
      this.#folders.delete(folder)
    }
    for (const [folder, names] of places) {
      const known = this.#folders.get(folder)
      if (known) known.names = names
      else this.#add(folder, names)
    }
  }

  close(): void {
    for (const { watcher } of this.#folders.values()) watcher.close()
    this.#folders.clear()
  }

  #add(folder: string, names: ReadonlySet<string>): void {
    const identity = identityOf(folder)
    if (identity === undefined) return
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        if (name === null || watched.names.has(name)) this.#heard()
      })
      const watched: WatchedFolder = { identity, names, watcher }
      watcher.on('error', (cause) => this.#refuse(folder, cause))
      this.#folders.set(folder, watched)
    } catch (cause) {
      this.#refuse(folder, cause)
    }
  }

  #refuse(folder: string, cause: unknown): void {
    if (this.#refused.has(folder)) return
    this.#refused.add(folder)
    this.#failed(cause)
  }
}

function identityOf(folder: string): string | undefined {
  try {
    const { dev, ino } = statSync(folder)
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}

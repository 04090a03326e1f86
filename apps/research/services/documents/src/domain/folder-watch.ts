/**
 * Tells when something changes in a tree of folders. Each folder is watched by itself, as the last scan found them, so that nothing is
 * watched that is not indexed; a new folder shows in its parent and is found by the next scan.
 */
import { type FSWatcher, watch } from 'node:fs'

/** Systems bound how much may be watched. What lies beyond is noticed by the next full look at the folder. */
const mostFolders = 8_192

export class FolderWatch {
  readonly #changed: () => void
  readonly #refused: (folder: string, error: unknown) => void
  readonly #watchers = new Map<string, FSWatcher>()

  /** @param refused is told once for each folder that cannot be watched. */
  constructor(changed: () => void, refused: (folder: string, error: unknown) => void) {
    this.#changed = changed
    this.#refused = refused
  }

  /** From now on these folders are watched and no others. */
  keep(folders: ReadonlySet<string>): void {
    for (const [folder, watcher] of this.#watchers) {
      if (folders.has(folder)) continue
      watcher.close()
      this.#watchers.delete(folder)
    }
    for (const folder of folders) {
      if (this.#watchers.size >= mostFolders) return
      if (!this.#watchers.has(folder)) this.#add(folder)
    }
  }

  /** Safe to repeat. */
  close(): void {
    this.keep(new Set())
  }

  #add(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, this.#changed)
      watcher.on('error', () => {
        // The folder is gone; its parent tells of that as well.
        watcher.close()
        this.#watchers.delete(folder)
      })
      this.#watchers.set(folder, watcher)
    } catch (error) {
      this.#refused(folder, error)
    }
  }
}

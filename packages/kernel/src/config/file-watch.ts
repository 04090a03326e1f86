/**
 * Tells when a file may have changed. The folder is watched rather than the file, since editors and volume mounts put a new file in its
 * place; a burst of events becomes one call once it has settled.
 */
import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Clock } from '../clock.ts'

/** How long a write is given to end before the file is read. */
export const settleMs = 20

export interface FileWatchOptions {
  readonly clock: Clock
  /** Called once at the start and after every burst of events, never twice at a time. */
  readonly changed: (signal: AbortSignal) => Promise<void>
  /** The folder cannot be watched, or no longer. */
  readonly failed: (cause: unknown) => void
}

/** Watches until the function it gives back is called; keeps no process alive. */
export function watchFile(path: string, { clock, changed, failed }: FileWatchOptions): () => void {
  const closing = new AbortController()
  let isDirty = false
  let isSettling = false

  const settle = async () => {
    isSettling = true
    try {
      while (isDirty) {
        await clock.sleep(settleMs, closing.signal)
        isDirty = false
        await changed(closing.signal)
      }
    } catch (cause) {
      if (!closing.signal.aborted) failed(cause)
    }
    isSettling = false
  }
  const heard = () => {
    isDirty = true
    if (!isSettling && !closing.signal.aborted) void settle()
  }

  let watcher: FSWatcher | undefined
  try {
    watcher = watch(dirname(path), { persistent: false }, (_, name) => {
      // A mounted Kubernetes volume changes by moving the link `..data`.
      if (name === null || name === basename(path) || name === '..data') heard()
    })
    watcher.on('error', failed)
    heard()
  } catch (cause) {
    failed(cause)
  }
  return () => {
    closing.abort()
    watcher?.close()
  }
}

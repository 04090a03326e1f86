/**
 * Tells when the sources of a project have changed. Notifications of the file system only wake it; what counts is a scan of names, sizes
 * and times, so that neither repeated, nor lost, nor meaningless notifications matter. One watch per folder, since a recursive one would
 * go through node_modules.
 */
import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs'
import { extname, join, relative, resolve, sep } from 'node:path'

export interface SourceWatcher {
  /** Leaves a folder out from now on, such as the data of the running system. */
  exclude(folder: string): void
  /** Takes the files as they are now for known: only later changes are told. */
  settle(): void
  /** Safe to repeat. */
  close(): void
}

const sourceExtensions = new Set(['.ts', '.mts', '.js', '.mjs', '.cjs', '.json', '.sql', '.html', '.css'])
const otherFolders = new Set(['node_modules', 'dist', 'coverage'])

/** Editors write a file in several steps; so much silence ends them. */
const quietMs = 100

/** How often to look where the system has no notifications left to give (its limit of watches is reached). */
const lookMs = 1_000

/** Calls `changed` with paths from `root`, at least one, once things have been quiet for 100 ms. Hidden folders are left out. */
export function watchSources(root: string, changed: (paths: readonly string[]) => void): SourceWatcher {
  const watches = new Map<string, FSWatcher>()
  const excluded = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  let looking: NodeJS.Timeout | undefined
  let known = new Map<string, string>()
  let isClosed = false

  function wake(name: string | null): void {
    // A log that is written all the time must not put off the end of the silence. What has no extension may be a folder.
    if (isClosed || (name !== null && extname(name) !== '' && !sourceExtensions.has(extname(name)))) return
    clearTimeout(timer)
    timer = setTimeout(compare, quietMs)
  }

  function compare(): void {
    const before = known
    scan()
    const paths = new Set([...before.keys(), ...known.keys()])
    const different = [...paths].filter((path) => before.get(path) !== known.get(path))
    if (different.length > 0) changed(different.map((path) => relative(root, path)).sort())
  }

  function scan(): void {
    known = new Map()
    const seen = new Set<string>()
    visit(root, seen)
    for (const [folder, watcher] of watches) {
      if (seen.has(folder)) continue
      watcher.close()
      watches.delete(folder)
    }
  }

  function visit(folder: string, seen: Set<string>): void {
    if (excluded.has(folder)) return
    try {
      // Watched before it is read, so that nothing can appear unseen in between.
      notify(folder)
      seen.add(folder)
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const path = join(folder, entry.name)
        if (entry.isDirectory()) {
          if (!entry.name.startsWith('.') && !otherFolders.has(entry.name)) visit(path, seen)
        } else if (sourceExtensions.has(extname(path))) known.set(path, stampOf(path))
      }
    } catch {
      // It went away while it was looked at, which its parent's watch tells; or it is not ours to read.
    }
  }

  function notify(folder: string): void {
    if (watches.has(folder)) return
    try {
      const watcher = watch(folder, (_, name) => wake(name))
      watches.set(
        folder,
        watcher.on('error', () => wake(null)),
      )
    } catch {
      looking ??= setInterval(compare, lookMs)
    }
  }

  scan()
  return {
    exclude(folder) {
      const path = resolve(folder)
      if (path === root || excluded.has(path)) return
      excluded.add(path)
      for (const file of known.keys()) if (file.startsWith(path + sep)) known.delete(file)
      for (const [watched, watcher] of watches) {
        if (watched !== path && !watched.startsWith(path + sep)) continue
        watcher.close()
        watches.delete(watched)
      }
    },
    settle() {
      clearTimeout(timer)
      scan()
    },
    close() {
      isClosed = true
      clearTimeout(timer)
      clearInterval(looking)
      for (const watcher of watches.values()) watcher.close()
      watches.clear()
    },
  }
}

function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat ? `${stat.mtimeMs} ${stat.size}` : 'gone'
}

/**
 * The file that holds an index between runs. It is replaced in one step: after a crash at any moment it is the old one or the new one,
 * never half of either.
 */
import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemCodeOf } from './reason-of.ts'

export interface SnapshotFile {
  /** Undefined when there is none. */
  read(): Promise<Uint8Array | undefined>
  write(bytes: Uint8Array): Promise<void>
}

export function snapshotFile(folder: string, name: string): SnapshotFile {
  const path = join(folder, name)
  return {
    async read() {
      try {
        return await readFile(path)
      } catch (error) {
        if (systemCodeOf(error) === 'ENOENT') return undefined
        throw error
      }
    },
    async write(bytes) {
      const temporary = `${path}.new`
      try {
        await writeDurably(temporary, bytes)
        await rename(temporary, path)
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => {})
        throw error
      }
      await syncFolder(dirname(path))
    },
  }
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  await using handle = await open(path, 'w')
  await handle.writeFile(bytes)
  await handle.sync()
}

/** Makes the rename last; not every system can, and the old snapshot does as well. */
async function syncFolder(folder: string): Promise<void> {
  try {
    await using handle = await open(folder, 'r')
    await handle.sync()
  } catch {}
}

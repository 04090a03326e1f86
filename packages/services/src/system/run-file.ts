/** `run.json` in the data folder says that a system runs there, so that commands find it. A killed process leaves it behind: readers ask before they believe it. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRecord } from '@keelson/kernel'

export interface RunFile {
  readonly name: string
  readonly url: string
  readonly processId: number
}

/** Writes the file and gives back what removes it. */
export function announceRun(dataFolder: string, run: RunFile): () => void {
  const file = join(dataFolder, 'run.json')
  const fresh = `${file}.${run.processId}`
  writeFileSync(fresh, `${JSON.stringify(run)}\n`)
  renameSync(fresh, file)
  return () => {
    if (readRunFile(dataFolder)?.processId === run.processId) rmSync(file, { force: true })
  }
}

/** The file's content; undefined when there is none or it cannot be understood. */
export function readRunFile(dataFolder: string): RunFile | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(join(dataFolder, 'run.json'), 'utf8'))
    if (!isRecord(value)) return undefined
    const { name, url, processId } = value
    return typeof name === 'string' && typeof url === 'string' && typeof processId === 'number'
      ? { name, url, processId }
      : undefined
  } catch {
    return undefined
  }
}

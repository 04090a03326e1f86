/** The research system over a folder of documents made for the test: what the tests of its pages look at. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { startSystem } from './start-system.ts'

export interface IndexedSystem {
  readonly url: string
  /** Ends the process and removes its folder. */
  close(): Promise<void>
}

/** Starts the system and resolves once all `files` (path to content) are indexed or skipped. */
export async function startIndexed(files: Readonly<Record<string, string | Buffer>>): Promise<IndexedSystem> {
  const folder = await mkdtemp(join(tmpdir(), 'keelson-page-'))
  const docs = join(folder, 'documents')
  await mkdir(docs)
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(docs, path)), { recursive: true })
    await writeFile(join(docs, path), content)
  }
  const { url, stop } = await startSystem({ docs, data: join(folder, 'data') })
  const close = async () => {
    await stop()
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  try {
    // The stream of an indexing run ends with the run.
    const run = await fetch(`${url}/v1/documents/index/latest`)
    await run.text()
    return { url, close }
  } catch (error) {
    await close()
    throw error
  }
}

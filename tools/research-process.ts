/** Starts the research system over a folder, as `npm start` does, for benchmarks that ask it through REST. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

const root = join(import.meta.dirname, '..')

export interface ResearchProcess {
  readonly url: string
  readonly processId: number
  /** From the birth of the process until it says where it listens. */
  readonly startedMs: number
  /** Resident memory now. */
  residentBytes(): number
  stop(): Promise<void>
}

/** Rejects with what the process printed when it ends before it is ready. */
export async function startResearch(options: {
  readonly docs: string
  readonly data: string
  /** Added to that of this process. */
  readonly environment?: Readonly<Record<string, string>>
}): Promise<ResearchProcess> {
  const born = performance.now()
  const parameters = ['start', '--json', '--docs', options.docs, '--data', options.data, '--port', '0']
  const child = spawn(process.execPath, [join(root, 'packages/cli/src/keelson.ts'), ...parameters], {
    cwd: root,
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = `${errors}${text}`.slice(-10_000)
  })
  const file = join(options.data, 'run.json')
  for (;;) {
    if (child.exitCode !== null) throw new Error(`The research system ended with ${child.exitCode}: ${errors}`)
    const url = urlOf(file, child)
    if (url !== undefined && child.pid !== undefined)
      return {
        url,
        processId: child.pid,
        startedMs: performance.now() - born,
        residentBytes: () => residentBytes(child.pid ?? 0),
        stop: () => stop(child),
      }
    await wait(10)
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

/** An earlier process may have left a run file of its own. */
function urlOf(file: string, child: ChildProcess): string | undefined {
  if (!existsSync(file)) return undefined
  const run = JSON.parse(readFileSync(file, 'utf8')) as { url?: string; processId?: number }
  return run.processId === child.pid ? run.url : undefined
}

/** Linux only; elsewhere 0. */
function residentBytes(processId: number): number {
  const status = `/proc/${processId}/status`
  const kilobytes = existsSync(status) ? /VmRSS:\s+(\d+)/.exec(readFileSync(status, 'utf8'))?.[1] : undefined
  return Number(kilobytes ?? 0) * 1024
}

interface Overview {
  readonly chunks: number
  readonly indexing: { readonly state: string; readonly error: string | null } | null
  /** What is found by meaning so far; null while no model is there. */
  readonly vectors: { readonly done: number } | null
}

/** Resolves when the folder is indexed: every passage can be found by its words. */
export function untilSearchable(url: string): Promise<void> {
  return until(url, ({ indexing }) => indexing?.state === 'done')
}

/** Resolves when every passage can be found by its meaning as well. */
export function untilIndexed(url: string): Promise<void> {
  return until(url, ({ indexing, vectors, chunks }) => indexing?.state === 'done' && (vectors?.done ?? 0) >= chunks)
}

async function until(url: string, isSo: (overview: Overview) => boolean): Promise<void> {
  const leave = new AbortController()
  const response = await fetch(`${url}/bff/progress`, { signal: leave.signal })
  let text = ''
  try {
    for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += part
      const events = text.split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) {
        const data = /^data: ?(.*)$/m.exec(event)?.[1]
        if (data === undefined) continue
        const overview = JSON.parse(data) as Overview
        if (overview.indexing?.state === 'failed') throw new Error(`Indexing failed: ${overview.indexing.error}`)
        if (isSo(overview)) return
      }
    }
  } finally {
    leave.abort()
  }
  throw new Error('The system stopped telling of its progress')
}

/** Starts the research system as people do, as a process of its own, and finds where it listens. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..')

/** The command line that runs the repository's own `keelson`. */
export const keelson = [process.execPath, join(root, 'packages/cli/src/keelson.ts')] as const

export interface StartedSystem {
  readonly url: string
  readonly child: ChildProcess
  /** What it has printed on the error stream so far. */
  readonly errors: () => string
  /** Ends the process and waits for it; resolves with its exit code, null when it was killed. Safe to repeat. */
  stop(signal?: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<number | null>
}

/** Starts on a free port and resolves when it answers. Rejects with what it printed when it ends before. */
export async function startSystem(options: {
  readonly docs: string
  readonly data: string
  readonly env?: Readonly<Record<string, string>>
}): Promise<StartedSystem> {
  const [node, command] = keelson
  const parameters = [command, 'start', '--json', '--docs', options.docs, '--data', options.data, '--port', '0']
  const child = spawn(node, parameters, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  const announced = Promise.withResolvers<string>()
  createInterface({ input: child.stdout }).once('line', announced.resolve)
  child.once('error', announced.reject)
  child.once('close', (code, signal) =>
    announced.reject(new Error(`The system ended with ${code ?? signal} before it answered: ${errors}`)),
  )
  // What `keelson start --json` says once it listens.
  const { url } = JSON.parse(await announced.promise) as { url: string }
  return { url, child, errors: () => errors, stop: (signal = 'SIGTERM') => stop(child, signal) }
}

async function stop(child: ChildProcess, signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }
  return child.exitCode
}

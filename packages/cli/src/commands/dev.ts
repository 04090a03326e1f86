/**
 * `keelson dev`: `keelson start` in a child process that is ended and started anew when a source changes. A process of its own for every
 * run means that nothing of the last one is left: no registration, no timer, no module.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { isRecord } from '@keelson/kernel'
import type { Command } from 'commander'
import { type SourceWatcher, watchSources } from '../dev/source-watcher.ts'
import { plainLine } from '../error-place.ts'
import { cliErrors } from '../errors.ts'
import { locateSystem } from '../find-system.ts'
import type { GlobalOptions } from '../target.ts'
import { createTerminal, type Terminal } from '../terminal.ts'

/** A child that does not end in order within the first time is told to be quick, and killed after the second. */
const patienceMs = { orderly: 5_000, most: 8_000 }

export function addDevCommand(program: Command): void {
  program
    .command('dev')
    .description('start the system and restart it when a source changes; takes the options of start')
    .option('--inspect [address]', 'let a debugger attach, by default on 127.0.0.1:9229')
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async (_: unknown, command: Command) => {
      const given: GlobalOptions & { inspect?: string | true } = command.optsWithGlobals()
      const found = locateSystem(process.cwd(), given.config)
      if (!found) throw cliErrors.SYSTEM_NOT_FOUND({ folder: process.cwd() })
      const terminal = createTerminal(given.json === true)
      await supervise(found.root, childParameters(given, command.args), terminal)
    })
}

/** What the child's Node is given: `--inspect` for itself, all else for `keelson start`. */
function childParameters(given: GlobalOptions & { inspect?: string | true }, others: readonly string[]): string[] {
  // The command as it was called: keelson.ts in the repository, keelson.js once published.
  const command = fileURLToPath(new URL(`../keelson${import.meta.url.slice(-3)}`, import.meta.url))
  return [
    ...(given.inspect === undefined ? [] : [given.inspect === true ? '--inspect' : `--inspect=${given.inspect}`]),
    command,
    ...(given.config === undefined ? [] : ['--config', resolve(given.config)]),
    ...(given.data === undefined ? [] : ['--data', resolve(given.data)]),
    ...(given.json ? ['--json'] : []),
    'start',
    ...others,
  ]
}

/** Runs the system again and again, until SIGINT or SIGTERM. Resolves when the last child has ended. */
async function supervise(root: string, parameters: readonly string[], terminal: Terminal): Promise<void> {
  let changed: readonly string[] = []
  let isEnding = false
  let wake = () => {}
  const watcher = watchSources(root, (paths) => {
    changed = paths
    wake()
  })
  const end = () => {
    isEnding = true
    wake()
  }
  process.on('SIGINT', end).on('SIGTERM', end)
  try {
    while (!isEnding) {
      watcher.settle()
      changed = []
      const child = startChild(root, parameters, watcher)
      child.once('exit', (code, signal) => {
        if (!isEnding && changed.length === 0)
          terminal.note(
            `The system has ended (${signal ?? `exit code ${code}`}). It starts again when a source changes.`,
          )
      })
      // A signal or a change may come at any time, so each is looked for before and after waiting.
      while (!isEnding && changed.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      if (!isEnding) terminal.note(`Changed: ${listOf(changed)}`)
      await endChild(child)
    }
  } finally {
    watcher.close()
    process.off('SIGINT', end).off('SIGTERM', end)
  }
}

function startChild(root: string, parameters: readonly string[], watcher: SourceWatcher): ChildProcess {
  // With a channel to this process the child tells where its data is, and ends when this process is killed.
  const child = spawn(process.execPath, [...parameters], { stdio: ['ignore', 'inherit', 'pipe', 'ipc'] })
  child.on('message', (message) => {
    if (isRecord(message) && typeof message['dataFolder'] === 'string') watcher.exclude(message['dataFolder'])
  })
  if (child.stderr)
    createInterface({ input: child.stderr }).on('line', (line) => {
      const plain = plainLine(line, root)
      if (plain !== undefined) process.stderr.write(`${plain}\n`)
    })
  return child
}

/** Resolves when the child is gone, and with it its port and its lock on the data. */
async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const hurry = setTimeout(() => child.kill('SIGTERM'), patienceMs.orderly)
  const end = setTimeout(() => child.kill('SIGKILL'), patienceMs.most)
  await ended
  clearTimeout(hurry)
  clearTimeout(end)
}

function listOf(paths: readonly string[]): string {
  const shown = paths.slice(0, 3).join(', ')
  return paths.length > 3 ? `${shown} and ${paths.length - 3} more` : shown
}

/** `keelson start`: runs the whole system in this process until a signal ends it. */
import { resolve } from 'node:path'
import { isError, type Progress, readProgress, reasonOf } from '@keelson/kernel'
import { type RunningSystem, type System, startSystem } from '@keelson/services'
import type { Command } from 'commander'
import { cliErrors } from '../errors.ts'
import type { FoundSystem } from '../find-system.ts'
import { configFileOf, dataFolderOf, type GlobalOptions } from '../target.ts'
import { createTerminal, type ProgressBar, type Terminal } from '../terminal.ts'

export function addStartCommand(program: Command, found: FoundSystem | undefined): void {
  const start = program
    .command('start')
    .description('start the system and run until Ctrl-C')
    .option('--port <number>', 'port to listen on; 0 picks a free one')
  const options = Object.entries(found?.system.start.options ?? {})
  for (const [name, option] of options) start.option(`--${name} <${option.isPath ? 'path' : 'value'}>`, option.summary)
  start.action(async (_: unknown, command: Command) => {
    const given: GlobalOptions & Record<string, unknown> = command.optsWithGlobals()
    if (!found) throw cliErrors.SYSTEM_NOT_FOUND({ folder: process.cwd() })
    const dataFolder = await dataFolderOf(found, given)
    // `keelson dev` does not take what is written there for a change of sources.
    process.send?.({ dataFolder })
    const overrides: Record<string, unknown> = { 'system.data': dataFolder }
    if (given['port'] !== undefined) overrides['listener.port'] = given['port']
    for (const [name, { sets, isPath }] of options) {
      const value = given[name]
      if (typeof value === 'string') overrides[sets] = isPath ? resolve(value) : value
    }
    await run(found, overrides, createTerminal(given.json === true))
  })
}

async function run(found: FoundSystem, overrides: Record<string, unknown>, terminal: Terminal): Promise<void> {
  try {
    await runUntilSignal(found, overrides, terminal)
  } finally {
    // Something that stays open after an orderly close, or was cut off, must not keep the process.
    setTimeout(() => process.exit(), outputMs).unref()
  }
}

async function runUntilSignal(
  found: FoundSystem,
  overrides: Record<string, unknown>,
  terminal: Terminal,
): Promise<void> {
  const { stop, cut } = onSignals(() => terminal.note('Stopping …'))
  const stopped = new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve(), { once: true }))
  const system = withStartConfig(found.system)
  const origins = { environment: process.env, file: configFileOf(found), overrides }
  const running = await startSystem(system, { ...origins, signal: stop, cut }).catch((error: unknown) => {
    if (stop.aborted && isError(error, 'START_CANCELLED')) return undefined
    throw error
  })
  if (!running) return
  const bar = terminal.bar()
  try {
    announce(running, system, terminal)
    await Promise.race([stopped, follow(running, system, terminal, bar).then(() => stopped)])
  } finally {
    bar.end()
    await running.close(cut)
  }
}

/** Time for the last lines to reach whoever reads them. */
const outputMs = 500

function announce(running: RunningSystem, system: System, terminal: Terminal): void {
  if (terminal.isJson) terminal.printJson({ name: system.name, url: running.url, processId: process.pid })
  else {
    terminal.print(`\n${terminal.bold(system.name)} is running at ${terminal.bold(`${running.url}/`)}`)
    terminal.print(
      terminal.dim(`  API ${running.url}/docs   health ${running.url}/health/ready   metrics ${running.url}/metrics`),
    )
    terminal.print(terminal.dim('  Stop with Ctrl-C.\n'))
  }
}

/** Shows the progress of the operation that the system names for its start. Ends with it; a failure is a note, not the end. */
async function follow(running: RunningSystem, system: System, terminal: Terminal, bar: ProgressBar): Promise<void> {
  const { follow } = system.start
  if (!follow) return
  const [service = '', name = ''] = follow.operation.split('.')
  const host = running.registry.host(service)
  // progress() can only stand on a subscription whose items its function takes.
  const toProgress = readProgress(host.operation(name)) as ((item: unknown) => Progress) | undefined
  try {
    for await (const item of host.subscribe(name, follow.input)) {
      const progress = toProgress?.(item)
      if (progress) bar.show(progress)
      if (progress?.error) terminal.note(progress.error)
    }
    bar.end()
  } catch (error) {
    terminal.note(reasonOf(error))
  }
}

/** The system with the values that hold only when it is started. */
export function withStartConfig(system: System): System {
  const config: Record<string, Readonly<Record<string, unknown>>> = { ...system.config }
  for (const [section, values] of Object.entries(system.start.config ?? {}))
    config[section] = { ...config[section], ...values }
  return { ...system, config }
}

/**
 * `stop` aborts at the first SIGINT or SIGTERM, which ends a start as well, and `cut` at the second. Ctrl-C reaches a program under npm
 * twice at once, so a repeat within half a second means nothing. A third ends the process on the spot.
 */
function onSignals(stopping: () => void): { readonly stop: AbortSignal; readonly cut: AbortSignal } {
  const stop = new AbortController()
  const cut = new AbortController()
  let heardAt = Number.NEGATIVE_INFINITY
  const heard = () => {
    const now = performance.now()
    if (now - heardAt <= 500) return
    heardAt = now
    if (!stop.signal.aborted) {
      stopping()
      stop.abort()
    } else if (!cut.signal.aborted) cut.abort()
    else process.exit(1)
  }
  process.on('SIGINT', heard)
  process.on('SIGTERM', heard)
  // A system does not outlive the `keelson dev` that started it; its channel alone keeps nothing running.
  process.once('disconnect', heard)
  process.channel?.unref()
  return { stop: stop.signal, cut: cut.signal }
}

/** `keelson services` and `keelson health`: what a running system says of itself. Both need one that runs (exit code 3). */
import { isRecord } from '@keelson/kernel'
import {
  type RegisteredAdapter,
  type RegisteredService,
  type SystemGraph,
  type SystemHealth,
  servicesErrors,
  systemGraph,
} from '@keelson/services'
import type { Command } from 'commander'
import { cliErrors } from '../errors.ts'
import type { FoundSystem } from '../find-system.ts'
import { findRunning, type GlobalOptions } from '../target.ts'
import { createTerminal, type Terminal } from '../terminal.ts'

export function addServicesCommand(program: Command, found: FoundSystem | undefined): void {
  program
    .command('services')
    .description('list the services and adapters of the running system')
    .option('--graph', 'what each of them uses, as the system declares it; nothing has to run')
    .action(async (_: unknown, command: Command) => {
      const given: GlobalOptions & { graph?: boolean } = command.optsWithGlobals()
      const terminal = createTerminal(given.json === true)
      if (given.graph) {
        if (!found) throw cliErrors.SYSTEM_NOT_FOUND({ folder: process.cwd() })
        printGraph(terminal, systemGraph(found.system))
        return
      }
      const answer = await (await findRunning(found, given)).read('/system')
      // `/system` answers with the registry's lists; findRunning has just recognised it.
      const services = (isRecord(answer) ? answer['services'] : []) as RegisteredService[]
      const adapters = (isRecord(answer) ? answer['adapters'] : []) as RegisteredAdapter[]
      if (terminal.isJson) terminal.printJson({ services, adapters })
      else printList(terminal, services, adapters)
    })
}

function printGraph(terminal: Terminal, graph: SystemGraph): void {
  if (terminal.isJson) {
    terminal.printJson(graph)
    return
  }
  for (const { name, kind, provides = [] } of graph.nodes) {
    const what = [kind, ...(provides.length > 0 ? [`of ${provides.join(', ')}`] : [])].join(' ')
    terminal.print(`${terminal.bold(name)}  ${terminal.dim(what)}`)
    for (const { from, to, port, operations, isOptional } of graph.arrows) {
      if (from !== name) continue
      const used = operations?.join(', ') ?? (port !== undefined && port !== to ? port : '')
      terminal.print(`  -> ${to}${used && `  ${used}`}${isOptional ? terminal.dim('  optional') : ''}`)
    }
  }
}

function printList(
  terminal: Terminal,
  services: readonly RegisteredService[],
  adapters: readonly RegisteredAdapter[],
): void {
  const nameWidth = Math.max(...[...services, ...adapters].map(({ name }) => name.length))
  const versionWidth = Math.max(
    ...services.map(({ version }) => version.length),
    adapters.length > 0 ? 'adapter'.length : 0,
  )
  const states = [
    ...services.map(({ state }) => state),
    ...adapters.flatMap(({ state, runner = '' }) => [state, runner]),
  ]
  const stateWidth = Math.max(...states.map((state) => state.length))
  const line = (name: string, version: string, state: string, dependsOn: readonly string[]) => {
    const uses = dependsOn.length > 0 ? terminal.dim(`uses ${dependsOn.join(', ')}`) : ''
    const start = `${terminal.bold(name.padEnd(nameWidth))}  ${version.padEnd(versionWidth)}`
    terminal.print(`${start}  ${state.padEnd(stateWidth)}  ${uses}`.trimEnd())
  }
  for (const { name, version, state, dependsOn } of services) line(name, version, state, dependsOn)
  for (const { name, state, runner, dependsOn } of adapters) {
    line(name, 'adapter', state, dependsOn)
    if (runner) line(`  runner`, '', runner, [])
  }
}

export function addHealthCommand(program: Command, found: FoundSystem | undefined): void {
  program
    .command('health [service]')
    .description('health of the running system, or of one service or adapter; exit code 1 when it has failed')
    .option('--all', 'every check of every service')
    .action(async (service: string | undefined, _: unknown, command: Command) => {
      const given: GlobalOptions & { all?: boolean } = command.optsWithGlobals()
      const terminal = createTerminal(given.json === true)
      // `/health/ready` answers with a SystemHealth; findRunning has just recognised the system.
      const health = (await (await findRunning(found, given)).read('/health/ready')) as SystemHealth
      const parts = { ...health.services, ...health.adapters }
      const known = Object.keys(parts)
      const asked = service === undefined ? undefined : parts[service]
      if (service !== undefined && !asked) throw servicesErrors.SERVICE_UNKNOWN({ service, known })
      const status = asked?.status ?? health.status
      if (status === 'failed') process.exitCode = 1
      if (terminal.isJson) terminal.printJson(asked ? { service, ...asked } : health)
      else {
        if (service === undefined) terminal.print(`${terminal.bold('system')}  ${status}`)
        for (const [name, report] of Object.entries(parts)) {
          if (service !== undefined && name !== service) continue
          terminal.print(`${service === undefined ? '  ' : ''}${terminal.bold(name)}  ${report.status}`)
          if (!given.all && service === undefined) continue
          for (const [check, { status, message }] of Object.entries(report.checks)) {
            terminal.print(`    ${check}  ${status}${message ? terminal.dim(`  ${message}`) : ''}`)
          }
        }
      }
    })
}

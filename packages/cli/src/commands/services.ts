/** `keelson services` and `keelson health`: what a running system says of itself. Both need one that runs (exit code 3). */
import { isRecord } from '@keelson/kernel'
import { type RegisteredService, type SystemHealth, servicesErrors } from '@keelson/services'
import type { Command } from 'commander'
import type { FoundSystem } from '../find-system.ts'
import { findRunning, type GlobalOptions } from '../target.ts'
import { createTerminal } from '../terminal.ts'

export function addServicesCommand(program: Command, found: FoundSystem | undefined): void {
  program
    .command('services')
    .description('list the services of the running system')
    .action(async (_: unknown, command: Command) => {
      const given: GlobalOptions = command.optsWithGlobals()
      const terminal = createTerminal(given.json === true)
      const answer = await (await findRunning(found, given)).read('/system')
      // `/system` answers with the registry's list; findRunning has just recognised it.
      const services = (isRecord(answer) ? answer['services'] : []) as RegisteredService[]
      if (terminal.isJson) terminal.printJson({ services })
      else {
        const width = Math.max(...services.map(({ name }) => name.length))
        for (const { name, version, state, dependsOn } of services) {
          const uses = dependsOn.length > 0 ? terminal.dim(`uses ${dependsOn.join(', ')}`) : ''
          terminal.print(`${terminal.bold(name.padEnd(width))}  ${version}  ${state.padEnd(8)} ${uses}`.trimEnd())
        }
      }
    })
}

export function addHealthCommand(program: Command, found: FoundSystem | undefined): void {
  program
    .command('health [service]')
    .description('health of the running system, or of one service; exit code 1 when it has failed')
    .option('--all', 'every check of every service')
    .action(async (service: string | undefined, _: unknown, command: Command) => {
      const given: GlobalOptions & { all?: boolean } = command.optsWithGlobals()
      const terminal = createTerminal(given.json === true)
      // `/health/ready` answers with a SystemHealth; findRunning has just recognised the system.
      const health = (await (await findRunning(found, given)).read('/health/ready')) as SystemHealth
      const known = Object.keys(health.services)
      const asked = service === undefined ? undefined : health.services[service]
      if (service !== undefined && !asked) throw servicesErrors.SERVICE_UNKNOWN({ service, known })
      const status = asked?.status ?? health.status
      if (status === 'failed') process.exitCode = 1
      if (terminal.isJson) terminal.printJson(asked ? { service, ...asked } : health)
      else {
        if (service === undefined) terminal.print(`${terminal.bold('system')}  ${status}`)
        for (const [name, report] of Object.entries(health.services)) {
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

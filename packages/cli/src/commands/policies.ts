/**
 * `keelson policies` says how the policies of the running system stand; `keelson explain` how a call of one operation runs, with where each setting
 * comes from, also when nothing runs.
 */
import { isRecord } from '@keelson/kernel'
import { loadSystemPolicies, type OperationPolicyReport, servicesErrors } from '@keelson/services'
import type { Command } from 'commander'
import { cliErrors } from '../errors.ts'
import type { FoundSystem } from '../find-system.ts'
import { configFileOf, findRunning, type GlobalOptions } from '../target.ts'
import { createTerminal, type Terminal } from '../terminal.ts'

type Reports = Readonly<Record<string, readonly OperationPolicyReport[]>>

export function addPoliciesCommand(program: Command, found: FoundSystem | undefined): void {
  program
    .command('policies [service]')
    .description('how the policies of the running system, or of one service, stand')
    .action(async (service: string | undefined, _: unknown, command: Command) => {
      const given: GlobalOptions = command.optsWithGlobals()
      const terminal = createTerminal(given.json === true)
      const reports = await readRunning(found, given)
      const known = Object.keys(reports)
      if (service !== undefined && !reports[service]) throw servicesErrors.SERVICE_UNKNOWN({ service, known })
      const shown = service === undefined ? reports : { [service]: reports[service] ?? [] }
      if (terminal.isJson) terminal.printJson(shown)
      else for (const [name, operations] of Object.entries(shown)) printStates(terminal, name, operations)
    })
}

export function addExplainCommand(program: Command, found: FoundSystem | undefined): void {
  program
    .command('explain <operation>')
    .description('how a call of <service>.<operation> runs, and where each setting comes from')
    .action(async (address: string, _: unknown, command: Command) => {
      const given: GlobalOptions = command.optsWithGlobals()
      const terminal = createTerminal(given.json === true)
      const [service, name, ...rest] = address.split('.')
      if (!service || !name || rest.length > 0)
        throw cliErrors.COMMAND_INVALID({ reason: `"${address}" is not of the form <service>.<operation>` })
      const reports = await readAny(found, given)
      const operations = reports[service]
      if (!operations) throw servicesErrors.SERVICE_UNKNOWN({ service, known: Object.keys(reports) })
      const report = operations.find(({ operation }) => operation === name)
      const known = operations.map(({ operation }) => operation)
      if (!report) throw servicesErrors.OPERATION_UNKNOWN({ service, operation: name, known })
      if (terminal.isJson) terminal.printJson({ service, ...report })
      else printPlan(terminal, address, report)
    })
}

async function readRunning(found: FoundSystem | undefined, options: GlobalOptions): Promise<Reports> {
  const answer = await (await findRunning(found, options)).read('/system/policies')
  // `/system/policies` answers with the reports by service; findRunning has just recognised the system.
  return (isRecord(answer) ? answer : {}) as Reports
}

async function readAny(found: FoundSystem | undefined, options: GlobalOptions): Promise<Reports> {
  try {
    return await readRunning(found, options)
  } catch (error) {
    if (options.url !== undefined || !found) throw error
    return await loadSystemPolicies(found.system, { environment: process.env, file: configFileOf(found) })
  }
}

function printStates(terminal: Terminal, service: string, operations: readonly OperationPolicyReport[]): void {
  const governed = operations.filter(({ policies }) => policies.length > 0)
  if (governed.length === 0) {
    terminal.print(`${terminal.bold(service)}  ${terminal.dim('no policies')}`)
    return
  }
  terminal.print(terminal.bold(service))
  for (const { operation, state } of governed) {
    terminal.print(`  ${operation}`)
    for (const [policy, values] of Object.entries(state)) {
      const words = Object.entries(values).map(([name, value]) => `${name} ${rounded(value)}`)
      terminal.print(`    ${policy.padEnd(10)} ${words.join(', ')}`)
    }
  }
}

function printPlan(terminal: Terminal, address: string, { policies }: OperationPolicyReport): void {
  terminal.print(terminal.bold(address))
  for (const { policy, settings } of policies) {
    settings.forEach(({ name, value, origin }, index) => {
      const shown = `${name} ${Array.isArray(value) ? value.join(', ') : String(value)}`.trim()
      terminal.print(
        `  ${(index === 0 ? policy : '').padEnd(11)} ${shown.padEnd(20)} ${terminal.dim(origin)}`.trimEnd(),
      )
    })
  }
  terminal.print('  the implementation')
}

function rounded(value: unknown): string {
  return typeof value === 'number' ? String(Math.round(value * 100) / 100) : String(value)
}

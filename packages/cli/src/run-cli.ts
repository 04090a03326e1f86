/** The program of all commands, and what happens to their errors. Exit codes: 0 done, 1 failed, 2 not understood, 3 no system is running. */
import { readFileSync } from 'node:fs'
import { errorToData, isError, type KeelsonError, reasonOf, withoutCredentials } from '@keelson/kernel'
import { Command, CommanderError } from 'commander'
import { addConfigCommand } from './commands/config.ts'
import { addContractCommand } from './commands/contract.ts'
import { addDevCommand } from './commands/dev.ts'
import { addNewCommand } from './commands/new.ts'
import { addCallCommand, addContractCommands } from './commands/operation.ts'
import { addExplainCommand, addPoliciesCommand } from './commands/policies.ts'
import { addHealthCommand, addServicesCommand } from './commands/services.ts'
import { addStartCommand } from './commands/start.ts'
import { addLogsCommand, addMetricsCommand, addTraceCommand } from './commands/telemetry.ts'
import { placeOf } from './error-place.ts'
import { cliErrors } from './errors.ts'
import { findSystem } from './find-system.ts'

export async function runCli(argv: readonly string[]): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', outputFailed)
  try {
    const program = await createProgram(argv)
    await program.parseAsync([...argv])
  } catch (error) {
    process.exitCode = report(error, argv.includes('--json'))
  }
}

async function createProgram(argv: readonly string[]): Promise<Command> {
  const program = new Command('keelson')
    .description('Runs and calls systems of services')
    .version(ownVersion(), '--version', 'print the version of this command')
    .option('--config <file>', 'the system: a module whose default export is defineSystem(…)')
    .option('--data <folder>', "the system's data folder")
    .option('--url <url>', 'call the system that listens there')
    .option('--json', 'print JSON for programs')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({ outputError: () => {} })
  const found = isForUnloaded(argv) ? undefined : await findSystem(process.cwd(), optionOf(argv, '--config'))
  addStartCommand(program, found)
  addDevCommand(program)
  addNewCommand(program)
  addCallCommand(program, found)
  addConfigCommand(program, found)
  addServicesCommand(program, found)
  addHealthCommand(program, found)
  addMetricsCommand(program, found)
  addTraceCommand(program, found)
  addLogsCommand(program, found)
  addPoliciesCommand(program, found)
  addExplainCommand(program, found)
  addContractCommand(program, found)
  if (found) addContractCommands(program, found)
  return program
}

/** The reader of the output is gone, as `| head` is: a command that runs until a signal goes on without it, any other has nothing left to do. */
function outputFailed(error: NodeJS.ErrnoException): void {
  if (process.listenerCount('SIGTERM') === 0) process.exit(error.code === 'EPIPE' ? process.exitCode : 1)
}

/** From the package's own package.json, which is above the sources and above what is built from them. */
function ownVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return String(version)
}

/** Whether the command works on a project without loading its system, which may be broken. */
function isForUnloaded(argv: readonly string[]): boolean {
  const words = argv.slice(2)
  const at = words.findIndex((word, index) => !word.startsWith('-') && !takesValue(words[index - 1]))
  // A system may import the contract that is only being made.
  return ['new', 'dev'].includes(words[at] ?? '') || (words[at] === 'contract' && words[at + 1] === 'import')
}

function takesValue(option: string | undefined): boolean {
  return option === '--config' || option === '--data' || option === '--url'
}

/** Read before the commands are known, since the system contributes some of them. */
function optionOf(argv: readonly string[], name: string): string | undefined {
  const at = argv.indexOf(name)
  return at < 0 ? argv.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1) : argv[at + 1]
}

function report(error: unknown, isJson: boolean): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0
    return report(cliErrors.COMMAND_INVALID({ reason: error.message.replace(/^error: /, '') }), isJson)
  }
  if (isError(error)) {
    const { code, message } = error
    const place = placeOf(error.cause, process.cwd())
    process.stderr.write(
      isJson
        ? `${JSON.stringify({ error: { ...errorToData(error), ...(place !== undefined && { place }) } })}\n`
        : `keelson: ${withoutCredentials(message)} (${code})\n${place === undefined ? '' : `  at ${place}\n`}`,
    )
    return exitCodeOf(error)
  }
  const text = withoutCredentials((error instanceof Error && error.stack) || reasonOf(error))
  process.stderr.write(
    isJson ? `${JSON.stringify({ error: { code: 'UNEXPECTED', message: text } })}\n` : `keelson: ${text}\n`,
  )
  return 1
}

function exitCodeOf(error: KeelsonError): number {
  if (error.code === cliErrors.SYSTEM_NOT_RUNNING.code) return 3
  return error.kind === 'invalid' ? 2 : 1
}

/** Calling operations: `keelson call`, and the commands that the contracts of the system contribute with `cli()`. */
import { resolve } from 'node:path'
import {
  type CliCommand,
  type Contract,
  coerceText,
  createCall,
  type JsonSchema,
  jsonSchemaOf,
  type Operation,
  type Progress,
  parseJson,
  propertiesOf,
  readCli,
  readProgress,
  reasonOf,
  runInCall,
  typesOf,
} from '@keelson/kernel'
import { serviceNames } from '@keelson/services'
import type { Command } from 'commander'
import { cliErrors } from '../errors.ts'
import type { FoundSystem } from '../find-system.ts'
import { type GlobalOptions, openTarget, type Target } from '../target.ts'
import { createTerminal, type Terminal } from '../terminal.ts'

export function addCallCommand(program: Command, found: FoundSystem | undefined): void {
  program
    .command('call <operation>')
    .description('call <service>.<operation> and print its answer as JSON')
    .option('--input <json>', 'the input, as JSON')
    .action(async (address: string, _: unknown, command: Command) => {
      const given: GlobalOptions & { input?: string } = command.optsWithGlobals()
      const terminal = createTerminal(given.json === true)
      const [service, name, ...rest] = address.split('.')
      if (!service || !name || rest.length > 0)
        throw cliErrors.COMMAND_INVALID({ reason: `"${address}" is not of the form <service>.<operation>` })
      const input = parseInput(given.input)
      const known = [...serviceNames(found?.system.services ?? [])].find(([, one]) => one === service)
      const operation = known?.[0].contract.operations[name]
      await withTarget(found, given, service, async (target) => {
        if (operation?.kind === 'subscription')
          for await (const item of target.subscribe(service, name, input)) terminal.printJson(item)
        else printAnswer(terminal, await target.call(service, name, input))
      })
    })
}

/**
 * Adds a command for each operation with a `cli()` annotation. Of several major versions of a contract only the one that keeps its name
 * contributes: the others claim the same commands. Throws COMMAND_DUPLICATE.
 */
export function addContractCommands(program: Command, found: FoundSystem): void {
  for (const [{ contract }, known] of serviceNames(found.system.services)) {
    if (known !== contract.name) continue
    for (const [name, operation] of Object.entries(contract.operations)) {
      const cli = readCli(operation)
      // What the slot holds was checked against the operation where it was annotated; here outputs are only carried through.
      if (cli) addContractCommand(program, found, contract, name, operation, cli as CliCommand<unknown>)
    }
  }
}

function addContractCommand(
  program: Command,
  found: FoundSystem,
  contract: Contract,
  name: string,
  operation: Operation,
  cli: CliCommand<unknown>,
): void {
  const { parent, usage } = placeFor(program, found, cli.usage, `${contract.name}.${name}`)
  const root = operation.input ? jsonSchemaOf(operation.input, 'input', name) : {}
  const properties = propertiesOf(root)
  const positional = [...cli.usage.matchAll(/[<[](\w+)(?:\.\.\.)?[>\]]/g)].map((match) => match[1] ?? '')
  const command = parent.command(usage).description(operation.summary)
  contributed.add(command)
  for (const [key, schema] of Object.entries(properties)) {
    if (positional.includes(key)) continue
    // An option of every command would be read instead of it.
    if (program.options.some((option) => option.attributeName() === key))
      throw cliErrors.COMMAND_DUPLICATE({ command: `--${key}`, operation: `${contract.name}.${name}` })
    if (isOption(key)) addInputOption(command, key, schema, root)
  }
  command.action(async (...parameters: unknown[]) => {
    const given: GlobalOptions & Record<string, unknown> = command.optsWithGlobals()
    const words = new Map<string, unknown>(positional.map((key, at) => [key, parameters[at]]))
    for (const key of Object.keys(properties))
      if (!words.has(key) && Object.hasOwn(given, key)) words.set(key, given[key])
    const entries = [...words].map(([key, value]) => [
      key,
      fromWords(value, properties[key], root, cli.paths?.includes(key) ?? false),
    ])
    const input: unknown = Object.fromEntries(entries)
    await withTarget(found, given, contract.name, (target) =>
      operation.kind === 'subscription'
        ? runSubscription(target, contract, name, cli, input, given.json === true)
        : runContractCommand(target, contract, name, cli, input, given.json === true),
    )
  })
}

/**
 * Words before the first input are the way to the command: `events read <stream>` is `read` under `events`. Throws COMMAND_DUPLICATE when
 * another one has the name, or a command that is not of contracts.
 */
function placeFor(
  program: Command,
  found: FoundSystem,
  usage: string,
  operation: string,
): { readonly parent: Command; readonly usage: string } {
  const words = usage.split(' ')
  const firstInput = words.findIndex((word) => /^[<[]/.test(word))
  const path = firstInput < 0 ? words : words.slice(0, firstInput)
  let parent = program
  for (const word of path.slice(0, -1)) {
    const group = parent.commands.find((one) => one.name() === word)
    if (group && !contributed.has(group)) throw cliErrors.COMMAND_DUPLICATE({ command: word, operation })
    parent = group ?? parent.command(word).description(`commands of the system "${found.system.name}"`)
    contributed.add(parent)
  }
  const name = path.at(-1) ?? ''
  if (parent.commands.some((one) => one.name() === name))
    throw cliErrors.COMMAND_DUPLICATE({ command: path.join(' '), operation })
  return { parent, usage: words.slice(path.length - 1).join(' ') }
}

/** Commands of contracts, which may have others under them. */
const contributed = new WeakSet<Command>()

async function runContractCommand(
  target: Target,
  contract: Contract,
  name: string,
  cli: CliCommand<unknown>,
  input: unknown,
  isJson: boolean,
): Promise<void> {
  const terminal = createTerminal(isJson)
  let output = await target.call(contract.name, name, input)
  if (cli.follow) output = await follow(target, contract, cli.follow.operation, cli.follow.input(output), terminal)
  if (!isJson && cli.text) terminal.print(cli.text(output))
  else printAnswer(terminal, output)
}

/** Prints each item as it comes; with `progress()` a bar, and the last item. */
async function runSubscription(
  target: Target,
  contract: Contract,
  name: string,
  cli: CliCommand<unknown>,
  input: unknown,
  isJson: boolean,
): Promise<void> {
  const terminal = createTerminal(isJson)
  const print = (item: unknown) => {
    if (!isJson && cli.text) terminal.print(cli.text(item))
    else if (item !== undefined) terminal.printJson(item)
  }
  const operation = contract.operations[name]
  if (operation && readProgress(operation)) print(await follow(target, contract, name, input, terminal))
  else for await (const item of target.subscribe(contract.name, name, input)) print(item)
}

/** Reads a subscription to its end behind a progress bar, and gives its last item. */
async function follow(
  target: Target,
  contract: Contract,
  name: string,
  input: unknown,
  terminal: Terminal,
): Promise<unknown> {
  const operation = contract.operations[name]
  // progress() can only stand on a subscription whose items its function takes.
  const toProgress = operation && (readProgress(operation) as ((item: unknown) => Progress) | undefined)
  const bar = terminal.bar()
  let last: unknown
  for await (const item of target.subscribe(contract.name, name, input)) {
    last = item
    if (toProgress) bar.show(toProgress(item))
  }
  bar.end()
  const error = last === undefined ? undefined : toProgress?.(last).error
  if (error) throw cliErrors.COMMAND_FAILED({ operation: `${contract.name}.${name}`, reason: error })
  return last
}

async function withTarget(
  found: FoundSystem | undefined,
  options: GlobalOptions,
  service: string,
  work: (target: Target) => Promise<void>,
): Promise<void> {
  const target = await openTarget(found, options, service)
  try {
    // A command is an edge: every call it causes, nested ones too, has its correlation id.
    await runInCall(createCall(), () => work(target))
  } finally {
    await target.close()
  }
}

/** Names that can be an option; whoever needs another one uses `keelson call`. */
function isOption(key: string): boolean {
  return /^[A-Za-z]\w*$/.test(key)
}

/** A switch that can be turned off too, an option that may be repeated for a list, or one with a value. */
function addInputOption(command: Command, key: string, schema: JsonSchema, root: JsonSchema): void {
  const types = typesOf(schema, root)
  const choices = Array.isArray(schema['enum']) ? ` (${schema['enum'].join(', ')})` : ''
  const about = `${typeof schema['description'] === 'string' ? schema['description'] : ''}${choices}`.trim()
  if (types.has('boolean') && types.size === 1) command.option(`--${key}`, about).option(`--no-${key}`)
  else if (types.has('array'))
    command.option(`--${key} <${key}>`, about, (word: string, before: string[] = []) => [...before, word])
  else command.option(`--${key} <${key}>`, about)
}

/** The words of one input as the schema's type: several make a list, or one text. */
function fromWords(value: unknown, schema: JsonSchema | undefined, root: JsonSchema, isPath: boolean): unknown {
  const given = typeof value === 'string' ? [value] : value
  // A switch, or an input that was left out.
  if (!Array.isArray(given)) return value
  const isList = schema !== undefined && typesOf(schema, root).has('array')
  const words = isList ? given.map(String) : [given.join(' ')]
  if (isPath) return isList ? words.map((word) => resolve(word)) : resolve(words[0] ?? '')
  return coerceText(words, schema, root)
}

function printAnswer(terminal: Terminal, output: unknown): void {
  if (output === undefined) return
  if (terminal.isJson) terminal.printJson(output)
  else terminal.print(JSON.stringify(output, null, 2))
}

function parseInput(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return parseJson(text)
  } catch (error) {
    throw cliErrors.COMMAND_INVALID({ reason: `--input is not JSON: ${reasonOf(error)}` })
  }
}

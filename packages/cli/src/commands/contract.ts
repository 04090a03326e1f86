/**
 * `keelson contract`: a system's contracts as data, what changed since an earlier export, and a contract made from somebody else's OpenAPI.
 * A pipeline keeps an export and fails when a later version would break a caller.
 */
import { readFile, writeFile } from 'node:fs/promises'
import {
  type Contract,
  type ContractChange,
  type ContractsDocument,
  contractChanges,
  contractsDocument,
  kernelErrors,
  type Operation,
  parseContractsDocument,
  reasonOf,
} from '@keelson/kernel'
import { importOpenApi, readHttp, servicesErrors } from '@keelson/services'
import type { Command } from 'commander'
import { cliErrors } from '../errors.ts'
import type { FoundSystem } from '../find-system.ts'
import type { GlobalOptions } from '../target.ts'
import { createTerminal, type Terminal } from '../terminal.ts'

const downloadTimeoutMs = 30_000

export function addContractCommand(program: Command, found: FoundSystem | undefined): void {
  const contract = program.command('contract').description('the contracts of the system as data')
  contract
    .command('export')
    .description('print all contracts as JSON: operations, schemas, routes, errors, events, versions')
    .action(() => {
      process.stdout.write(`${JSON.stringify(contractsDocument(contractsOf(found), surfacesOf), null, 2)}\n`)
    })
  contract
    .command('import <openapi>')
    .description('write a contract for the OpenAPI document (JSON) in a file or at a URL')
    .requiredOption('--name <name>', "the contract's name: lower-case words joined by hyphens")
    .option('--out <file>', 'where to write it; <name>.contract.ts unless given, - prints it')
    .action((origin: string, _: unknown, command: Command) => importContract(origin, command.opts()))
  contract
    .command('check <previous>')
    .description('compare with an earlier export; exit code 1 when callers break without a major version')
    .option('--verbose', 'list what breaks nobody too')
    .action(async (file: string, _: unknown, command: Command) => {
      const given: GlobalOptions & { verbose?: boolean } = command.optsWithGlobals()
      const changes = contractChanges(await readExport(file), contractsDocument(contractsOf(found), surfacesOf))
      report(changes, given.verbose === true, createTerminal(given.json === true))
    })
}

async function importContract(
  origin: string,
  { name, out }: { readonly name: string; readonly out?: string },
): Promise<void> {
  const { source, notes } = importOpenApi(await readDocument(origin), name)
  for (const note of notes) process.stderr.write(`keelson: ${note}\n`)
  const file = out ?? `${name}.contract.ts`
  if (file === '-') process.stdout.write(source)
  else {
    await writeFile(file, source)
    process.stderr.write(`Wrote ${file}\n`)
  }
}

async function readDocument(origin: string): Promise<unknown> {
  try {
    if (!/^https?:\/\//.test(origin)) return JSON.parse(await readFile(origin, 'utf8'))
    const response = await fetch(origin, { signal: AbortSignal.timeout(downloadTimeoutMs) })
    if (!response.ok) throw new Error(`the answer was ${response.status}`)
    return await response.json()
  } catch (cause) {
    const reason = `"${origin}": ${reasonOf(cause)}`
    throw servicesErrors.OPENAPI_UNREADABLE({ reason }, { cause })
  }
}

function contractsOf(found: FoundSystem | undefined): Contract[] {
  if (!found) throw cliErrors.SYSTEM_NOT_FOUND({ folder: process.cwd() })
  return found.system.services.map(({ contract }) => contract)
}

/** What callers outside hold on to. A change of a route's status or limits is no change of its address. */
function surfacesOf(operation: Operation): Readonly<Record<string, string>> {
  const route = readHttp(operation)
  return route ? { http: `${route.method} ${route.path}` } : {}
}

async function readExport(file: string): Promise<ContractsDocument> {
  let content: unknown
  try {
    content = JSON.parse(await readFile(file, 'utf8'))
  } catch (cause) {
    const reason = reasonOf(cause)
    throw kernelErrors.CONTRACT_DATA_INVALID({ reason: `"${file}": ${reason}` }, { cause })
  }
  return parseContractsDocument(content)
}

function report(changes: readonly ContractChange[], isVerbose: boolean, terminal: Terminal): void {
  const breaking = changes.filter((one) => one.isBreaking)
  const failures = breaking.filter((one) => !one.isAnnounced)
  if (failures.length > 0) process.exitCode = 1
  if (terminal.isJson) {
    terminal.printJson({ isCompatible: failures.length === 0, changes: isVerbose ? changes : breaking })
    return
  }
  for (const { contract, path, reason, isBreaking, isAnnounced } of isVerbose ? changes : breaking) {
    const verdict = isBreaking ? (isAnnounced ? 'announced' : 'BREAKING ') : 'safe     '
    terminal.print(`${verdict} ${terminal.bold([contract, path].filter(Boolean).join(' '))}  ${reason}`)
  }
  const safe = changes.length - breaking.length
  const announced = breaking.length - failures.length
  terminal.print(`${failures.length} breaking, ${announced} announced by a major version, ${safe} safe`)
}

/**
 * Where a command's calls go: to the system that runs on this data folder or at `--url`, over HTTP; or, when none runs, to one started in
 * this process for the length of the command, without a listener.
 */
import { resolve } from 'node:path'
import { currentCall, isRecord } from '@keelson/kernel'
import {
  callAtEdge,
  createRpcClient,
  loadDataFolder,
  type RpcClient,
  readRunFile,
  readSystemKey,
  serviceNames,
  startSystem,
  subscribeAtEdge,
} from '@keelson/services'
import { cliErrors } from './errors.ts'
import type { FoundSystem } from './find-system.ts'

export interface Target {
  call(service: string, operation: string, input: unknown): Promise<unknown>
  subscribe(service: string, operation: string, input: unknown): AsyncIterable<unknown>
  close(): Promise<void>
}

/** Options that every command has. */
export interface GlobalOptions {
  readonly config?: string
  readonly data?: string
  readonly url?: string
  readonly json?: boolean
}

/** A busy machine may need so long to answer; where nobody listens, that is known at once. */
const patienceMs = 10_000

/** The client of a running system. Throws SYSTEM_NOT_RUNNING, and COMMAND_INVALID for a `--url` that is none. */
export async function findRunning(found: FoundSystem | undefined, options: GlobalOptions): Promise<RpcClient> {
  if (options.url !== undefined) {
    if (!/^https?:$/.test(URL.parse(options.url)?.protocol ?? ''))
      throw cliErrors.COMMAND_INVALID({ reason: `--url takes an http or https address, not "${options.url}"` })
    const url = options.url.replace(/\/+$/, '')
    const client = createRpcClient(url, { key: await keyFor(url, found, options) })
    if (!(await nameOfPeer(client))) throw cliErrors.SYSTEM_NOT_RUNNING({ place: `at ${url}` })
    return client
  }
  const folder = await dataFolderOf(found, options)
  const run = readRunFile(folder)
  const client = run && createRpcClient(run.url, { key: readSystemKey(folder) })
  // A killed system leaves its run file behind, and its port may be somebody else's by now.
  if (!run || !client || (await nameOfPeer(client)) !== run.name)
    throw cliErrors.SYSTEM_NOT_RUNNING({ place: `on the data in "${folder}"` })
  return client
}

/** The running system if there is one; otherwise the found one, with only `service` and what it needs started in this process. */
export async function openTarget(
  found: FoundSystem | undefined,
  options: GlobalOptions,
  service: string,
): Promise<Target> {
  try {
    const client = await findRunning(found, options)
    return { call: client.call, subscribe: client.subscribe, close: async () => {} }
  } catch (error) {
    if (options.url !== undefined || !found) throw error
  }
  const data = await dataFolderOf(found, options)
  const { system } = found
  const isKnown = [...serviceNames(system.services).values()].includes(service)
  const running = await startSystem(system, {
    listen: false,
    only: isKnown ? [service] : [],
    environment: process.env,
    file: configFileOf(found),
    overrides: { 'system.data': data },
  })
  return {
    call: (name, operation, input) => callAtEdge(running.registry.host(name), operation, input, currentCall()),
    subscribe: (name, operation, input) =>
      subscribeAtEdge(running.registry.host(name), operation, input, currentCall()),
    close: () => running.close(),
  }
}

/** The JSON file of configuration beside the system, read when it is there; `KEELSON_CONFIG_FILE` names another. */
export function configFileOf(found: FoundSystem): { path: string; isRequired: boolean } {
  const named = process.env['KEELSON_CONFIG_FILE']
  return named
    ? { path: resolve(named), isRequired: true }
    : { path: resolve(found.root, 'keelson.json'), isRequired: false }
}

/** Absolute path of the data folder: `--data`, or what the configuration says, from the system's root. */
export async function dataFolderOf(found: FoundSystem | undefined, options: GlobalOptions): Promise<string> {
  if (options.data !== undefined) return resolve(options.data)
  if (!found) return resolve('.keelson')
  const data = await loadDataFolder(found.system, { environment: process.env, file: configFileOf(found) })
  return resolve(found.root, data)
}

/** The key of the system on the data folder, if that is the one at `url`; another gets none. */
async function keyFor(
  url: string,
  found: FoundSystem | undefined,
  options: GlobalOptions,
): Promise<string | undefined> {
  // What stands in the way of finding it does not stand in the way of reading.
  const folder = await dataFolderOf(found, options).catch(() => undefined)
  return folder !== undefined && readRunFile(folder)?.url === url ? readSystemKey(folder) : undefined
}

async function nameOfPeer(client: RpcClient): Promise<string | undefined> {
  try {
    const answer = await client.read('/system', AbortSignal.timeout(patienceMs))
    return isRecord(answer) && typeof answer['name'] === 'string' ? answer['name'] : undefined
  } catch {
    return undefined
  }
}

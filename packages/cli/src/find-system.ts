/** Finds the system of the working folder: `keelson.config.ts`, or the file that `"keelson": { "config" }` of a package.json names. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isRecord, reasonOf } from '@keelson/kernel'
import type { System } from '@keelson/services'
import { cliErrors } from './errors.ts'

export interface FoundSystem {
  readonly system: System
  /** The folder that relative paths of its configuration start from. */
  readonly root: string
}

/** The module of the system, not loaded, and its root; undefined when there is none from `folder` upwards. */
export function locateSystem(folder: string, named: string | undefined): { file: string; root: string } | undefined {
  return named === undefined ? search(folder) : { file: resolve(folder, named), root: folder }
}

/** Undefined when there is none from `folder` upwards. Throws SYSTEM_UNREADABLE when there is one that cannot be used. */
export async function findSystem(folder: string, named: string | undefined): Promise<FoundSystem | undefined> {
  const place = locateSystem(folder, named)
  return place && { system: await load(place.file), root: place.root }
}

function search(folder: string): { file: string; root: string } | undefined {
  for (const name of ['keelson.config.ts', 'keelson.config.js']) {
    if (existsSync(join(folder, name))) return { file: join(folder, name), root: folder }
  }
  const named = configNamedIn(join(folder, 'package.json'))
  if (named) return { file: join(folder, named), root: folder }
  const parent = dirname(folder)
  return parent === folder ? undefined : search(parent)
}

function configNamedIn(packageFile: string): string | undefined {
  try {
    const content: unknown = JSON.parse(readFileSync(packageFile, 'utf8'))
    const keelson = isRecord(content) ? content['keelson'] : undefined
    return isRecord(keelson) && typeof keelson['config'] === 'string' ? keelson['config'] : undefined
  } catch {
    return undefined
  }
}

async function load(file: string): Promise<System> {
  let module: unknown
  try {
    module = await import(pathToFileURL(file).href)
  } catch (cause) {
    throw cliErrors.SYSTEM_UNREADABLE({ file, reason: reasonOf(cause) }, { cause })
  }
  const exported =
    isRecord(module) || typeof module === 'object' ? (module as { default?: unknown }).default : undefined
  if (!isRecord(exported) || exported['kind'] !== 'system') {
    throw cliErrors.SYSTEM_UNREADABLE({
      file,
      reason: 'its default export is not a system; write export default defineSystem({ … })',
    })
  }
  // Only defineSystem makes objects of this kind.
  return exported as unknown as System
}

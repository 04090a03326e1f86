/** Starts PGlite inside the worker thread, with the value types that the port promises and a reason when it cannot start. */
import { type Extensions, PGlite } from '@electric-sql/pglite'
import { reasonOf } from '@keelson/kernel'
import type { PgliteExtensions, WorkerStart } from './worker-messages.ts'

/** PostgreSQL's number of the type, from pg_type. */
const bytea = 17

/** What the file system under PGlite reports, by WASI's numbers, which are not the host's. */
const fileErrors: Readonly<Record<number, string>> = {
  2: 'EACCES: permission denied',
  19: 'EDQUOT: the quota is used up',
  29: 'EIO: the disk reports an error',
  51: 'ENOSPC: no space is left on the device',
  54: 'ENOTDIR: it is not a folder',
  63: 'EPERM: the operation is not permitted',
  69: 'EROFS: the file system is read-only',
}

/** Rejects with an Error whose message says in a few words why there is no engine. */
export async function startPglite({ dataFolder, extensions }: WorkerStart): Promise<PGlite> {
  const log: string[] = []
  try {
    return await PGlite.create({
      ...(dataFolder === undefined ? {} : { dataDir: dataFolder }),
      extensions: await loadExtensions(extensions),
      onStderr: (line) => log.push(line) > 0,
      parsers: { [bytea]: parseBytes },
      serializers: { [bytea]: serializeBytes },
    })
  } catch (error) {
    throw new Error(startReason(error, log), { cause: error })
  }
}

/** The modules are whoever names them's to install; each exports the extension under the name it is created by. */
async function loadExtensions(extensions: PgliteExtensions): Promise<Extensions> {
  const loaded = Object.entries(extensions).map(async ([name, module]) => {
    const exported: unknown = Reflect.get(await import(module), name)
    if (typeof exported !== 'object' || exported === null) throw new Error(`${module} exports no extension "${name}"`)
    // What PGlite's extension modules export has this form; what has another is refused by PGlite.
    return [name, exported as Extensions[string]] as const
  })
  return Object.fromEntries(await Promise.all(loaded))
}

function parseBytes(text: string): Uint8Array {
  // A Buffer may be a view of a shared pool, which would be copied whole to the other thread.
  return new Uint8Array(Buffer.from(text.slice(2), 'hex'))
}

function serializeBytes(value: unknown): string {
  // PGlite's types ask for text, but its protocol writer takes bytes and sends them as they are, without a detour through hex.
  return value instanceof Uint8Array ? (value as unknown as string) : String(value)
}

function startReason(error: unknown, log: readonly string[]): string {
  if (typeof error === 'object' && error !== null && 'errno' in error && typeof error.errno === 'number') {
    return fileErrors[error.errno] ?? `the file system reports error ${error.errno}`
  }
  const complaint = log.findLast((line) => /\b(PANIC|FATAL|ERROR):/.test(line))
  if (complaint) return complaint.replace(/^.*\b(?:PANIC|FATAL|ERROR):\s*/, '')
  return reasonOf(error)
}

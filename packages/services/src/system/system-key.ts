/**
 * The key of a running system. Being on the same machine is no reason to be trusted with more than reading: whoever calls operations by
 * name or administers the system shows the key that lies beside `run.json`, which only the user of the system can read.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { servicesErrors } from '../errors.ts'
import type { Exchange } from '../listener/exchange.ts'
import type { Listener } from '../listener/listener.ts'
import { keyHeader } from '../rest/clients/rpc-client.ts'

/** What adds routes. */
export type Routed = Pick<Listener, 'route'>

export interface SystemKey {
  readonly text: string
  /** Removes the file, unless another system has put its own there. */
  remove(): void
}

/** Makes a key and writes it to `run.key` in the data folder, readable for the user of this process alone. */
export function createSystemKey(dataFolder: string): SystemKey {
  const text = randomBytes(32).toString('base64url')
  const file = fileIn(dataFolder)
  const fresh = `${file}.${process.pid}`
  rmSync(fresh, { force: true })
  // Made anew: a file that is there already may be open to others.
  writeFileSync(fresh, `${text}\n`, { mode: 0o600, flag: 'wx' })
  renameSync(fresh, file)
  return {
    text,
    remove() {
      if (readSystemKey(dataFolder) === text) rmSync(file, { force: true })
    },
  }
}

/** The key of the system that runs on this data folder; undefined when there is none or this user may not read it. */
export function readSystemKey(dataFolder: string): string | undefined {
  try {
    return readFileSync(fileIn(dataFolder), 'utf8').trim() || undefined
  } catch {
    return undefined
  }
}

/**
 * A listener whose routes want the key: all but those of GET, unless `alsoToRead`. What lacks it is refused with SYSTEM_KEY_WANTED before
 * its body is read.
 *
 * @param key undefined for a system that keeps nothing on disk, where nobody could find it: nothing is asked for then.
 */
export function wantingKey(listener: Routed, key: string | undefined, alsoToRead: boolean): Routed {
  if (key === undefined) return listener
  return {
    route(method, path, answer) {
      const isFree = method === 'GET' && !alsoToRead
      listener.route(method, path, (exchange) => {
        if (!isFree && !hasKey(exchange, key)) throw servicesErrors.SYSTEM_KEY_WANTED({ header: keyHeader })
        return answer(exchange)
      })
    },
  }
}

/** Compared by digests of one length, in a time that says nothing of the key. */
function hasKey(exchange: Exchange, key: string): boolean {
  const given = exchange.header(keyHeader)
  return given !== undefined && timingSafeEqual(digestOf(given), digestOf(key))
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function fileIn(dataFolder: string): string {
  return join(dataFolder, 'run.key')
}

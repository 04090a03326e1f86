/**
 * The hashes that seals are made of, computed from what the database gives, not by it: who verifies a log must not ask the one under
 * suspicion. `seal-tables.ts` says how they are made; both write every field as a netstring.
 */
import { createHash, type Hash } from 'node:crypto'

/** A row of `keelson_events` as it is stored, its JSON as text. */
export interface StoredRow {
  readonly position: number
  readonly version: number
  /** Microseconds since 1970. */
  readonly recorded: string
  readonly schema_version: number
  readonly id: string
  readonly stream: string
  readonly type: string
  readonly state: string
  /** Of what was erased, hexadecimal. */
  readonly digest: string | null
  readonly data: string | null
  readonly metadata: string | null
  readonly tags: readonly string[] | null
}

export interface ActRow {
  readonly act: number
  readonly kind: string
  readonly subject: string
  readonly version: number
  readonly acted: string
  /** Hexadecimal. */
  readonly seal: string
}

/** The seal before the first event: another one for each log. */
export function firstSeal(log: string): Buffer {
  return sha256(`keelson seals 2 ${net(log)}`)
}

/** A seal that grows event by event; `seal()` gives it as it stands. */
export class GrowingSeal {
  /** The seal that it goes on from, hexadecimal. */
  readonly before: string
  readonly #hash: Hash

  constructor(before: Buffer) {
    this.before = before.toString('hex')
    this.#hash = createHash('sha256').update(before)
  }

  add(row: StoredRow): void {
    this.#hash.update(leafOf(row))
  }

  seal(): Buffer {
    return this.#hash.copy().digest()
  }
}

export function actSeal(before: Buffer, { act, kind, subject, version, acted }: ActRow): Buffer {
  const fields = [String(act), kind, subject, String(version), acted]
  return createHash('sha256').update(before).update(fields.map(net).join('')).digest()
}

function leafOf(row: StoredRow): Buffer {
  const payload = row.state === 'erased' ? (row.digest ?? '') : payloadOf(row).toString('hex')
  const { position, version, recorded, schema_version: schemaVersion, id, stream, type } = row
  const fields = [String(position), String(version), recorded, String(schemaVersion), id, stream, type, payload]
  return sha256(fields.map(net).join(''))
}

function payloadOf({ data, metadata, tags }: StoredRow): Buffer {
  return sha256([data ?? '', metadata ?? '', (tags ?? []).map(net).join('')].map(net).join(''))
}

function net(text: string): string {
  return `${Buffer.byteLength(text)}:${text}`
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

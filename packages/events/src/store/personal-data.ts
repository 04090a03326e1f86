/**
 * Personal fields of events, encrypted with a key of the person they are about (crypto-shredding): when the key is destroyed, they are gone from
 * the log, its replicas and its backups, while the events stay, and the seals over them. AES-256-GCM; the nonce is made from key, event and
 * text, so that an append that is repeated is the same, and no nonce comes twice for two texts.
 */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import { type Database, isRecord, type Json } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import type { NewEvent, RecordedEvent } from './event.ts'
import type { StreamAppend } from './event-store.ts'

/** By type of event, as it is stored. */
export type PersonalFields = Readonly<Record<string, PersonalRule>>

export interface PersonalRule {
  /** Where the data says whom it is about: `customer.id`. That field itself stays as it is. */
  readonly subject: string
  /** What is encrypted: `customer.name`, `address`. What is not there is passed over. */
  readonly fields: readonly string[]
  /** What is read in the place of a field whose key was destroyed. Default `[erased]`. */
  readonly erased?: Json
}

export interface PersonalDataOptions {
  readonly fields: PersonalFields
  /** 32 bytes, kept outside the database: without it the keys in there open nothing. */
  readonly masterKey?: Uint8Array
}

interface KeyRow {
  readonly subject: string
  readonly key: Uint8Array | null
}

const mark = '$personal'
const nonceBytes = 12
const tagBytes = 16

export class PersonalData {
  readonly #database: Database
  readonly #fields: PersonalFields
  readonly #masterKey: Uint8Array | undefined

  /** Throws EVENTS_TYPES_INVALID for a rule without fields, or a master key of another length. */
  constructor(database: Database, { fields, masterKey }: PersonalDataOptions) {
    for (const [type, rule] of Object.entries(fields)) {
      const reason = rule.fields.includes(rule.subject)
        ? 'the field that names the person cannot be encrypted'
        : 'it has no personal fields'
      if (rule.fields.length === 0 || rule.fields.includes(rule.subject))
        throw eventsErrors.EVENTS_TYPES_INVALID({ type, reason })
    }
    if (masterKey && masterKey.length !== 32)
      throw eventsErrors.EVENTS_TYPES_INVALID({
        type: 'personal data',
        reason: `a master key has 32 bytes, this one ${masterKey.length}`,
      })
    this.#database = database
    this.#fields = fields
    this.#masterKey = masterKey
  }

  /** Rejects with EVENTS_SUBJECT_SHREDDED for somebody whose key was destroyed. Events must have their ids. */
  async protect(appends: readonly StreamAppend[]): Promise<readonly StreamAppend[]> {
    const subjects = new Set(appends.flatMap(({ events }) => events.flatMap((event) => this.#subjectOf(event) ?? [])))
    if (subjects.size === 0) return appends
    const keys = await this.#keysFor([...subjects])
    return appends.map((append) => ({ ...append, events: append.events.map((event) => this.#protected(event, keys)) }))
  }

  async reveal(events: readonly RecordedEvent[]): Promise<readonly RecordedEvent[]> {
    const subjects = new Set(events.flatMap((event) => this.#subjectOf(event) ?? []))
    if (subjects.size === 0) return events
    const { rows } = await this.#database.query<KeyRow>(
      'select subject, key from keelson_event_keys where subject = any ($1)',
      [[...subjects]],
    )
    const keys = new Map(rows.map(({ subject, key }) => [subject, key ? this.#unwrap(key) : undefined]))
    return events.map((event) => this.#revealed(event, keys))
  }

  /** Destroys the key of a person, for ever. False when there was none. */
  async shred(subject: string): Promise<boolean> {
    const types = Object.entries(this.#fields)
    const [, destroyed] = await this.#database.batch([
      // States that were folded from the fields.
      ...types.slice(0, 1).map(() => ({
        sql: `delete from keelson_event_snapshots s where (s.log, s.stream) in (
          select e.log, e.stream from keelson_events e join unnest($1::text[], $2::text[]) r (type, path) on r.type = e.type
            where e.data #>> r.path::text[] = $3)`,
        parameters: [
          types.map(([type]) => type),
          types.map(([, rule]) => `{${rule.subject.split('.').join(',')}}`),
          subject,
        ],
      })),
      {
        sql: 'update keelson_event_keys set key = null, shredded_at = now() where subject = $1 and key is not null',
        parameters: [subject],
      },
    ])
    return (destroyed?.affected ?? 0) > 0
  }

  #subjectOf({ type, data }: { readonly type: string; readonly data?: unknown }): string | undefined {
    const rule = this.#fields[type]
    const subject = rule && at(data, rule.subject)
    return typeof subject === 'string' || typeof subject === 'number' ? String(subject) : undefined
  }

  #protected(event: NewEvent, keys: ReadonlyMap<string, Uint8Array>): NewEvent {
    const rule = this.#fields[event.type]
    const key = keys.get(this.#subjectOf(event) ?? '')
    if (!rule || !key) return event
    const data: unknown = structuredClone(event.data)
    for (const field of rule.fields) {
      const value = at(data, field)
      if (value !== undefined) put(data, field, { [mark]: encrypt(key, `${event.id} ${field}`, JSON.stringify(value)) })
    }
    return { ...event, data }
  }

  #revealed(event: RecordedEvent, keys: ReadonlyMap<string, Uint8Array | undefined>): RecordedEvent {
    const rule = this.#fields[event.type]
    if (!rule) return event
    const key = keys.get(this.#subjectOf(event) ?? '')
    for (const field of rule.fields) {
      const value = at(event.data, field)
      const sealed = isRecord(value) ? value[mark] : undefined
      if (typeof sealed !== 'string') continue
      // The row was read for this caller alone.
      put(
        event.data,
        field,
        key ? JSON.parse(decrypt(key, `${event.id} ${field}`, sealed)) : (rule.erased ?? '[erased]'),
      )
    }
    return event
  }

  async #keysFor(subjects: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
    const made = subjects.map(() => this.#wrap(randomBytes(32)).toString('hex'))
    // Who is first makes the key.
    const { rows } = await this.#database.query<KeyRow>(
      `insert into keelson_event_keys as k (subject, key) select n.subject, decode(n.key, 'hex') from unnest($1::text[], $2::text[]) n (subject, key)
        on conflict (subject) do update set subject = k.subject returning subject, key`,
      [subjects, made],
    )
    return new Map(
      rows.map(({ subject, key }) => {
        if (!key) throw eventsErrors.EVENTS_SUBJECT_SHREDDED({ subject })
        return [subject, this.#unwrap(key)]
      }),
    )
  }

  #wrap(key: Uint8Array): Buffer {
    return this.#masterKey
      ? Buffer.from(encrypt(this.#masterKey, 'key', Buffer.from(key).toString('base64')), 'base64')
      : Buffer.from(key)
  }

  #unwrap(key: Uint8Array): Uint8Array {
    const isWrapped = key.length !== 32
    if (!isWrapped) return key
    if (!this.#masterKey)
      throw eventsErrors.EVENTS_KEY_LOCKED({ reason: 'it was made with a master key, and there is none here' })
    try {
      return Buffer.from(decrypt(this.#masterKey, 'key', Buffer.from(key).toString('base64')), 'base64')
    } catch {
      throw eventsErrors.EVENTS_KEY_LOCKED({ reason: 'it was made with another master key' })
    }
  }
}

/** Base64 of nonce, tag and text. `place` is bound to it: moved to another event or field it does not open. */
function encrypt(key: Uint8Array, place: string, text: string): string {
  const nonce = createHmac('sha256', key).update(place).update('\0').update(text).digest().subarray(0, nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(place))
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64')
}

function decrypt(key: Uint8Array, place: string, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64')
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes)).setAAD(Buffer.from(place))
  decipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes))
  return Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()]).toString('utf8')
}

function at(data: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, part) => (isRecord(value) && Object.hasOwn(value, part) ? value[part] : undefined), data)
}

function put(data: unknown, path: string, value: unknown): void {
  const parts = path.split('.')
  const last = parts.pop() ?? ''
  const parent = parts.length === 0 ? data : at(data, parts.join('.'))
  if (isRecord(parent)) parent[last] = value
}

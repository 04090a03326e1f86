/**
 * Personal fields of events, encrypted with a key of the person they are about (crypto-shredding): when the key is destroyed, they are gone from
 * the log, its replicas and its backups, while the events stay, and the seals over them. AES-256-GCM; the nonce is made from key, event and
 * text, so that an append that is repeated is the same, and no nonce comes twice for two texts.
 */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import { isRecord, type Json, type Queryable } from '@keelson/kernel'
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
  readonly is_shredded: boolean
}

/** Undefined: destroyed. */
type Keys = ReadonlyMap<string, Uint8Array | undefined>

const mark = '$personal'
const nonceBytes = 12
const tagBytes = 16

/** The personal data of one log: the same subject in another log is somebody else. */
export class PersonalData {
  readonly #log: number
  readonly #fields: PersonalFields
  readonly #masterKey: Uint8Array | undefined

  /** Throws EVENTS_TYPES_INVALID for a rule that protects nothing, or a master key of another length. */
  constructor(log: number, { fields, masterKey }: PersonalDataOptions) {
    for (const [type, rule] of Object.entries(fields)) {
      const reason = whyNotARule(rule)
      if (reason) throw eventsErrors.EVENTS_TYPES_INVALID({ type, reason })
    }
    if (masterKey && masterKey.length !== 32)
      throw eventsErrors.EVENTS_TYPES_INVALID({
        type: 'personal data',
        reason: `a master key has 32 bytes, this one ${masterKey.length}`,
      })
    this.#log = log
    this.#fields = fields
    this.#masterKey = masterKey
  }

  /** Types of events with personal fields. */
  get types(): readonly string[] {
    return Object.keys(this.#fields)
  }

  /**
   * Encrypts what is not encrypted yet, with keys that `on` reads and makes. Rejects with EVENTS_SUBJECT_SHREDDED for somebody whose key was
   * destroyed, and with EVENTS_PAYLOAD_INVALID for personal fields of nobody. Events must have their ids.
   */
  async protect(on: Queryable, appends: readonly StreamAppend[]): Promise<readonly StreamAppend[]> {
    const events = appends.flatMap((append) => append.events)
    const subjects = new Set(events.flatMap((event) => this.#subjectToProtect(event) ?? []))
    if (subjects.size === 0) return appends
    const keys = await this.#keysFor(on, [...subjects])
    return appends.map((append) => ({ ...append, events: append.events.map((event) => this.#protected(event, keys)) }))
  }

  /** Opens what can be opened, with keys that `on` reads. Rejects with EVENTS_KEY_LOCKED for a key that is gone and was not destroyed. */
  async reveal(on: Queryable, events: readonly RecordedEvent[]): Promise<readonly RecordedEvent[]> {
    const subjects = new Set(events.flatMap((event) => (this.#hasSealed(event) ? (this.#subjectOf(event) ?? []) : [])))
    if (subjects.size === 0) return events
    const keys = await this.#readKeys(on, [...subjects])
    return events.map((event) => this.#revealed(event, keys))
  }

  /** Subjects of encrypted fields that have no key at all. */
  async lostKeys(
    on: Queryable,
    events: readonly { readonly type: string; readonly data: unknown }[],
  ): Promise<readonly string[]> {
    const subjects = new Set(events.flatMap((event) => (this.#hasSealed(event) ? (this.#subjectOf(event) ?? []) : [])))
    if (subjects.size === 0) return []
    const keys = await this.#readKeys(on, [...subjects])
    return [...subjects].filter((subject) => !keys.has(subject))
  }

  /** Destroys the key of a person, for ever, with the snapshots that were made of it. False when there was none. */
  async shred(on: Queryable, subject: string): Promise<boolean> {
    const needle = JSON.stringify(subject).slice(1, -1)
    const { rows } = await on.query<{ shredded: boolean }>('select keelson_shred($1, $2, $3, $4::text[]) as shredded', [
      ...[this.#log, subject, needle, this.types],
    ])
    return rows[0]?.shredded ?? false
  }

  #subjectOf({ type, data }: { readonly type: string; readonly data?: unknown }): string | undefined {
    const rule = this.#fields[type]
    const subject = rule && at(data, rule.subject)
    if (typeof subject === 'number') return String(subject)
    return typeof subject === 'string' && subject !== '' ? subject : undefined
  }

  /** Whom an event is about that has fields in the clear; undefined for one that has none. */
  #subjectToProtect(event: NewEvent): string | undefined {
    const rule = this.#fields[event.type]
    if (!rule) return undefined
    const inArray = [rule.subject, ...rule.fields].find((path) => passesArray(event.data, path))
    const refuse = (path: string, message: string) =>
      eventsErrors.EVENTS_PAYLOAD_INVALID({ type: event.type, problems: [{ path, message }] })
    if (inArray !== undefined) throw refuse(inArray, 'a personal field cannot be inside an array')
    if (!rule.fields.some((field) => isClear(at(event.data, field)))) return undefined
    const subject = this.#subjectOf(event)
    if (subject === undefined) throw refuse(rule.subject, 'it names nobody, and the event has personal fields')
    if (!isText(subject)) throw refuse(rule.subject, 'a name of a person has no NUL and no half of a surrogate pair')
    return subject
  }

  #hasSealed({ type, data }: { readonly type: string; readonly data: unknown }): boolean {
    return this.#fields[type]?.fields.some((field) => sealedIn(at(data, field)) !== undefined) ?? false
  }

  #protected(event: NewEvent, keys: Keys): NewEvent {
    const rule = this.#fields[event.type]
    const key = keys.get(this.#subjectOf(event) ?? '')
    if (!rule || !key) return event
    const data: unknown = structuredClone(event.data)
    for (const field of rule.fields) {
      const value = at(data, field)
      if (isClear(value)) put(data, field, { [mark]: encrypt(key, `${event.id} ${field}`, JSON.stringify(value)) })
    }
    return { ...event, data }
  }

  #revealed(event: RecordedEvent, keys: Keys): RecordedEvent {
    const rule = this.#fields[event.type]
    if (!rule) return event
    const subject = this.#subjectOf(event) ?? ''
    for (const field of rule.fields) {
      const sealed = sealedIn(at(event.data, field))
      if (sealed === undefined) continue
      if (!keys.has(subject))
        throw eventsErrors.EVENTS_KEY_LOCKED({ reason: 'it is not there, and nobody destroyed it' })
      const key = keys.get(subject)
      // The row was read for this caller alone.
      put(
        event.data,
        field,
        key ? JSON.parse(decrypt(key, `${event.id} ${field}`, sealed)) : (rule.erased ?? '[erased]'),
      )
    }
    return event
  }

  async #readKeys(on: Queryable, subjects: readonly string[]): Promise<Keys> {
    const { rows } = await on.query<KeyRow>('select * from keelson_person_keys($1, $2::text[])', [this.#log, subjects])
    return new Map(
      rows.map(({ subject, key, is_shredded: isShredded }) => [
        subject,
        key && !isShredded ? this.#unwrap(key) : undefined,
      ]),
    )
  }

  async #keysFor(on: Queryable, subjects: readonly string[]): Promise<Keys> {
    let keys = await this.#readKeys(on, subjects)
    const missing = subjects.filter((subject) => !keys.has(subject))
    if (missing.length > 0) {
      // The one who is first makes the key.
      const made = missing.map(() => this.#wrap(randomBytes(32)).toString('hex'))
      await on.query('select keelson_make_keys($1, $2::text[], $3::text[])', [this.#log, missing, made])
      keys = await this.#readKeys(on, subjects)
    }
    for (const subject of subjects)
      if (keys.get(subject) === undefined) throw eventsErrors.EVENTS_SUBJECT_SHREDDED({ subject })
    return keys
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

function whyNotARule({ subject, fields }: PersonalRule): string | undefined {
  const paths = [subject, ...fields]
  if (fields.length === 0) return 'it has no personal fields'
  if (fields.some((field) => field === subject || subject.startsWith(`${field}.`)))
    return 'the field that names the person cannot be encrypted'
  if (paths.some((path) => path.split('.').some((part) => part === '' || part === '__proto__')))
    return 'a path of fields is names joined by dots'
  if (paths.some((path) => path.split('.').some((part) => /^\d+$/.test(part))))
    return 'a personal field cannot be inside an array'
  return undefined
}

/** Whether a field is there and not encrypted yet. */
function isClear(value: unknown): boolean {
  return value !== undefined && sealedIn(value) === undefined
}

function sealedIn(value: unknown): string | undefined {
  const sealed = isRecord(value) ? value[mark] : undefined
  return typeof sealed === 'string' ? sealed : undefined
}

function passesArray(data: unknown, path: string): boolean {
  const parts = path.split('.')
  return parts.some((_, count) => count > 0 && Array.isArray(at(data, parts.slice(0, count).join('.'))))
}

function isText(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

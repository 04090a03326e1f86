/**
 * Seals of a log: every thousand events get a hash over the seal before and all that they are. They are made after the append, which they do
 * not slow down; what was erased is in them by its digest. Keep one elsewhere, signed, and nothing before it can be changed unseen.
 */
import { type KeyObject, sign, verify } from 'node:crypto'
import type { Queryable } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import { firstSeal } from './seal-chain.ts'
import { eventsPerSeal } from './seal-tables.ts'

export interface Seal {
  /** Of the last event under it. */
  readonly position: number
  /** Hexadecimal. */
  readonly seal: string
  /** How many acts of archiving, erasing and shredding there were, and the seal over them. */
  readonly acts?: { readonly count: number; readonly seal: string }
}

/** A seal to be kept outside the database, with who proved it and when. */
export interface SignedSeal extends Seal {
  readonly log: string
  /** ISO 8601. */
  readonly signedAt: string
  /** Base64, of Ed25519 or what else the key is for. */
  readonly signature: string
}

/** Signs what `verify` has proved, with a private key that the database never sees. */
export function signSeal(log: string, seal: Seal, privateKey: KeyObject, signedAt = new Date()): SignedSeal {
  const unsigned = { ...seal, log, signedAt: signedAt.toISOString() }
  return { ...unsigned, signature: sign(null, signedText(unsigned), privateKey).toString('base64') }
}

/** The seal, to be handed to `verify`. Throws EVENTS_SEAL_FORGED when the signature is not of this key, log and seal. */
export function openSeal(log: string, signed: SignedSeal, publicKey: KeyObject): Seal {
  const isOfLog = signed.log === log
  if (!isOfLog || !verify(null, signedText(signed), publicKey, Buffer.from(signed.signature, 'base64')))
    throw eventsErrors.EVENTS_SEAL_FORGED({ log, position: signed.position })
  const { position, seal, acts } = signed
  return { position, seal, ...(acts && { acts }) }
}

function signedText({ log, position, seal, acts, signedAt }: Omit<SignedSeal, 'signature'>): Buffer {
  return Buffer.from(JSON.stringify(['keelson seal', log, position, seal, acts?.count, acts?.seal, signedAt]))
}

export class Seals {
  readonly #database: Queryable
  readonly #log: number
  readonly #first: string
  #sealed = 0
  #isSealing = false
  #last: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(database: Queryable, log: number, name: string) {
    this.#database = database
    this.#log = log
    this.#first = firstSeal(name).toString('hex')
  }

  /** The log was seen to reach `head`. */
  grew(head: number): void {
    if (this.#isSealing || this.#isClosed || head - this.#sealed < eventsPerSeal) return
    this.#isSealing = true
    this.#last = this.#seal(head)
      // What could not be sealed now is sealed with what comes, or by who verifies.
      .catch(() => {})
      .finally(() => {
        this.#isSealing = false
      })
  }

  /** Stored seals after a position, by theirs. */
  async between(after: number, upTo: number): Promise<ReadonlyMap<number, string>> {
    const { rows } = await this.#database.query<Seal>(
      `select position, encode(seal, 'hex') as seal from keelson_event_seals
        where log = $1 and form = 2 and position > $2 and position <= $3`,
      [this.#log, after, upTo],
    )
    return new Map(rows.map(({ position, seal }) => [position, seal]))
  }

  /** Keeps what was proved. */
  async keep(proved: ReadonlyMap<number, string>): Promise<void> {
    if (proved.size === 0) return
    await this.#database.query(
      `insert into keelson_event_seals (log, form, position, seal)
        select $1, 2, n.position, decode(n.seal, 'hex') from unnest($2::bigint[], $3::text[]) n (position, seal) on conflict do nothing`,
      [this.#log, [...proved.keys()], [...proved.values()]],
    )
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#last
  }

  /** Seals what is complete up to `head`. Two processes make the same seals; one of them is kept. */
  async #seal(head: number): Promise<void> {
    const { rows } = await this.#database.query<Seal>(
      `select position, encode(seal, 'hex') as seal from keelson_event_seals where log = $1 and form = 2 order by position desc limit 1`,
      [this.#log],
    )
    let { position, seal } = rows[0] ?? { position: 0, seal: this.#first }
    while (position + eventsPerSeal <= head && !this.#isClosed) {
      const next = position + eventsPerSeal
      const made = await this.#database.query<{ seal: string }>(
        `insert into keelson_event_seals as s (log, form, position, seal)
          values ($1, 2, $3, keelson_event_seal_2($1, $2, $3, decode($4, 'hex')))
          on conflict (log, form, position) do update set position = s.position returning encode(seal, 'hex') as seal`,
        [this.#log, position, next, seal],
      )
      position = next
      seal = made.rows[0]?.seal ?? ''
    }
    this.#sealed = position
  }
}

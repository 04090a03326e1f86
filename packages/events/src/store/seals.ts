/**
 * Seals of a log: every thousand events get a hash over the seal before and all that they are, so that whoever keeps one seal elsewhere can
 * prove that nothing before it was changed. They are made after the append, which they do not slow down; what was erased is in them by its digest.
 */
import type { Database } from '@keelson/kernel'

/** Events under one seal. */
export const eventsPerSeal = 1_000

export interface Seal {
  readonly position: number
  /** Hexadecimal. */
  readonly seal: string
}

export class Seals {
  readonly #database: Database
  readonly #log: number
  #sealed = 0
  #isSealing = false
  #last: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(database: Database, log: number) {
    this.#database = database
    this.#log = log
  }

  /** The log was seen to reach `head`. */
  grew(head: number): void {
    if (this.#isSealing || this.#isClosed || head - this.#sealed < eventsPerSeal) return
    this.#isSealing = true
    this.#last = this.seal(head)
      // What could not be sealed now is sealed with what comes, or by who verifies.
      .catch(() => {})
      .finally(() => {
        this.#isSealing = false
      })
  }

  /** Seals what is complete up to `head`. Two processes make the same seals; one of them is kept. */
  async seal(head: number): Promise<void> {
    let { position, seal } = await this.newest()
    while (position + eventsPerSeal <= head && !this.#isClosed) {
      const next = position + eventsPerSeal
      const { rows } = await this.#database.query<{ seal: string }>(
        `insert into keelson_event_seals as s (log, position, seal)
          values ($1, $3, keelson_event_seal($1, $2, $3, decode($4, 'hex')))
          on conflict (log, position) do update set position = s.position returning encode(seal, 'hex') as seal`,
        [this.#log, position, next, seal],
      )
      position = next
      seal = rows[0]?.seal ?? ''
    }
    this.#sealed = position
  }

  async newest(): Promise<Seal> {
    const { rows } = await this.#database.query<Seal>(
      `select position, encode(seal, 'hex') as seal from keelson_event_seals where log = $1 order by position desc limit 1`,
      [this.#log],
    )
    return rows[0] ?? { position: 0, seal: '' }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#last
  }
}

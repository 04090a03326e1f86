/**
 * How streams end: archived, truncated, tombstoned. Each is one statement that notes it as an act; what is erased goes some events at a time
 * after that, and what an interruption left is erased when the call is repeated. Nobody who appends waits for any of it.
 */
import type { Database } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import type { EraseOptions } from './event-store.ts'
import { requireStreamName } from './prepare-append.ts'

const erasedAtOnce = 500

export class StreamEndings {
  readonly #database: Database
  readonly #log: number

  constructor(database: Database, log: number) {
    this.#database = database
    this.#log = log
  }

  async archive(stream: string): Promise<void> {
    await this.#act('archive', stream, 0, {})
  }

  async truncate(stream: string, version: number, options: EraseOptions): Promise<number> {
    await this.#act('truncate', stream, version, options)
    return this.#erase(stream, version)
  }

  async tombstone(stream: string, options: EraseOptions): Promise<number> {
    await this.#act('tombstone', stream, Number.MAX_SAFE_INTEGER, options)
    return this.#erase(stream, Number.MAX_SAFE_INTEGER)
  }

  async #act(kind: string, stream: string, version: number, { isForced = false }: EraseOptions): Promise<void> {
    requireStreamName(stream)
    const { rows } = await this.#database.query<{ outcome: string; reason: string }>(
      'select * from keelson_act($1, $2, $3, $4, $5)',
      [this.#log, kind, stream, version, isForced],
    )
    const { outcome, reason } = rows[0] ?? { outcome: 'none', reason: '' }
    if (outcome === 'none') throw eventsErrors.EVENTS_STREAM_NOT_FOUND({ stream, attempt: kind })
    if (outcome === 'refused') throw eventsErrors.EVENTS_ERASURE_REFUSED({ stream, attempt: kind, reason })
  }

  async #erase(stream: string, version: number): Promise<number> {
    for (let erased = 0; ; ) {
      const { rows } = await this.#database.query<{ erased: number }>(
        'select keelson_erase($1, $2, $3, $4) as erased',
        [...[this.#log, stream, version, erasedAtOnce]],
      )
      const count = rows[0]?.erased ?? 0
      erased += count
      if (count < erasedAtOnce) return erased
    }
  }
}

/** Events that are appended at a time: written down until then, appended once, whoever is running. */
import type { Clock, Queryable } from '@keelson/kernel'
import type { NewEvent } from '../store/event.ts'
import { createEventIds } from '../store/event-ids.ts'
import { prepareAppend } from '../store/prepare-append.ts'
import type { SqlEventStore } from '../store/sql-event-store.ts'
import { isAway } from './database-away.ts'
import { kept } from './workflow-journal.ts'

interface ScheduledRow {
  readonly id: string
  readonly stream: string
  readonly type: string
  readonly schema_version: number
  readonly data: unknown
  readonly metadata: Record<string, unknown>
  readonly tags: readonly string[]
  readonly due_at: number
}

const mostAtOnce = 100
const retryMs = { first: 60_000, most: 3_600_000 }

export class ScheduledEvents {
  readonly #store: SqlEventStore
  readonly #clock: Clock
  readonly #makeId = createEventIds()

  constructor(store: SqlEventStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** Gives its id, with which it can be cancelled; scheduling the same id again changes nothing. Rejects what could not be appended. */
  async schedule(stream: string, event: NewEvent, at: Date, on: Queryable = this.#store.database): Promise<string> {
    const given = { clock: this.#clock, makeId: this.#makeId, eventBytes: 1024 * 1024 }
    const [prepared] = prepareAppend([{ stream, events: [event] }], {}, given).parts[0]?.events ?? []
    if (!prepared) return ''
    await on.query(
      `insert into keelson_scheduled_events (log, id, due_at, stream, type, schema_version, data, metadata, tags)
        values ($1, $2, $3, $4, $5, $6, $7::json, $8::json, $9) on conflict do nothing`,
      [
        ...[this.#store.log, prepared.id, at.getTime(), stream, prepared.type, prepared.schemaVersion],
        ...[prepared.data, prepared.metadata, prepared.tags],
      ],
    )
    return prepared.id
  }

  /** False when it was appended already, or never scheduled. */
  async cancel(id: string): Promise<boolean> {
    const { affected } = await this.#store.database.query(
      'delete from keelson_scheduled_events where log = $1 and id = $2',
      [this.#store.log, id],
    )
    return affected > 0
  }

  /** Appends what is due; true when there may be more. What cannot be appended is set aside, and tried again after growing pauses. */
  async appendDue(): Promise<boolean> {
    const ids = await this.#due()
    if (ids.length === 0) return false
    await this.#append(ids).catch(async (error: unknown) => {
      if (isAway(error)) throw error
      // Found out one by one which of them it is.
      for (const id of ids)
        await this.#append([id]).catch((reason: unknown) => {
          if (isAway(reason)) throw reason
          return this.#setAside(id, kept(reason).message)
        })
    })
    return ids.length === mostAtOnce
  }

  async #due(): Promise<readonly string[]> {
    const { database, log } = this.#store
    const { rows } = await database.query<{ id: string }>(
      `select id from keelson_scheduled_events where log = $1 and due_at <= ${nowIn(database)} order by due_at limit $2`,
      [log, mostAtOnce],
    )
    return rows.map(({ id }) => id)
  }

  async #append(ids: readonly string[]): Promise<void> {
    const last = await this.#store.database.transaction(async (transaction) => {
      const { rows } = await transaction.query<ScheduledRow>(
        `delete from keelson_scheduled_events s using (select log, id from keelson_scheduled_events
            where log = $1 and id = any ($2::uuid[]) for update skip locked) due
          where s.log = due.log and s.id = due.id returning s.*`,
        [this.#store.log, ids],
      )
      let position = 0
      for (const { stream, schema_version: schemaVersion, due_at: _, ...event } of rows.toSorted(
        (a, b) => a.due_at - b.due_at,
      )) {
        const { id, type, data, metadata, tags } = event
        const given = { stream, events: [{ id, type, data, metadata, tags, schemaVersion }] }
        const [appended] = await this.#store.appendWithin(transaction, [given])
        position = Math.max(position, appended?.position ?? 0)
      }
      return position
    })
    if (last > 0) this.#store.announce(last)
  }

  async #setAside(id: string, reason: string): Promise<void> {
    const { database, log } = this.#store
    await database.query(
      `update keelson_scheduled_events set tries = tries + 1, reason = $3,
          due_at = ${nowIn(database)} + least(${retryMs.most}, ${retryMs.first} * power(2, least(tries, 10)))::bigint
        where log = $1 and id = $2`,
      [log, id, reason],
    )
  }

  /** How many could not be appended, and how many are due for longer than `lateMs`. */
  async standing(lateMs: number): Promise<{ readonly parked: number; readonly late: number }> {
    const { database, log } = this.#store
    const { rows } = await database.query<{ parked: number; late: number }>(
      `select count(*) filter (where tries > 0)::int as parked, count(*) filter (where tries = 0)::int as late
        from keelson_scheduled_events where log = $1 and (tries > 0 or due_at < ${nowIn(database)} - $2::bigint)`,
      [log, lateMs],
    )
    return rows[0] ?? { parked: 0, late: 0 }
  }
}

function nowIn({ nowSql }: SqlEventStore['database']): string {
  return `(extract(epoch from ${nowSql}) * 1000)::bigint`
}

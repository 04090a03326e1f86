/** Events that are appended at a time: written down until then, appended once, whoever is running. */
import type { Clock, Queryable } from '@keelson/kernel'
import { isError } from '@keelson/kernel'
import type { NewEvent } from '../store/event.ts'
import { createEventIds } from '../store/event-ids.ts'
import { prepareAppend } from '../store/prepare-append.ts'
import type { SqlEventStore } from '../store/sql-event-store.ts'

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

  /** Appends what is due; true when there may be more. */
  async appendDue(): Promise<boolean> {
    let last = 0
    const count = await this.#store.database.transaction(async (transaction) => {
      const { rows } = await transaction.query<ScheduledRow>(
        `delete from keelson_scheduled_events s using (select log, id from keelson_scheduled_events
            where log = $1 and due_at <= $2 order by due_at limit $3 for update skip locked) due
          where s.log = due.log and s.id = due.id returning s.*`,
        [this.#store.log, this.#clock.now(), mostAtOnce],
      )
      const inOrder = rows.toSorted((a, b) => a.due_at - b.due_at)
      for (const { stream, schema_version: schemaVersion, due_at: _, ...event } of inOrder) {
        try {
          const [appended] = await this.#store.appendWithin(transaction, [
            { stream, events: [{ ...event, schemaVersion }] },
          ])
          last = Math.max(last, appended?.position ?? 0)
        } catch (error) {
          // Its stream has been closed since, or its id taken: it has nowhere to go.
          if (!isError(error, 'EVENTS_STREAM_CLOSED') && !isError(error, 'EVENTS_ID_TAKEN')) throw error
        }
      }
      return rows.length
    })
    if (last > 0) this.#store.announce(last)
    return count === mostAtOnce
  }
}

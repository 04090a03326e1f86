/** Rows of `keelson_events` as they are read, and the events in them. */
import type { EventMetadata, RecordedEvent } from './event.ts'

/** What is selected of a row, from `keelson_events e`. */
export const eventColumns =
  'e.id, e.stream, e.version, e.position, e.type, e.schema_version, e.data, e.metadata, e.tags, e.recorded_at'

export interface EventRow {
  readonly id: string | null
  readonly stream: string
  readonly version: number
  readonly position: number
  readonly type: string
  readonly schema_version: number
  readonly data: unknown
  readonly metadata: EventMetadata
  readonly tags: readonly string[] | null
  readonly recorded_at: Date
}

export interface StreamRow extends EventRow {
  readonly stream_version: number
  readonly shreds: number
  readonly stream_state: 'open' | 'archived' | 'tombstoned'
}

export interface FeedRow extends EventRow {
  readonly head: number
  readonly epoch: number
  readonly last_good: number | null
}

const noTags: readonly string[] = []

/** The left join gives one row of nothing where there is no event. */
export function eventsIn(rows: readonly EventRow[]): RecordedEvent[] {
  const events: RecordedEvent[] = []
  for (const row of rows) {
    if (row.id === null) continue
    const { id, stream, version, position, type, schema_version: schemaVersion, data, metadata } = row
    const { tags, recorded_at: recordedAt } = row
    events.push({
      id,
      stream,
      version,
      position,
      type,
      schemaVersion,
      data,
      metadata,
      tags: tags ?? noTags,
      recordedAt,
    })
  }
  return events
}

/** Appends as parameters of the two functions that append, and what these answer. */
import { eventsErrors } from '../errors.ts'
import type { ExpectedVersion } from './event-store.ts'
import type { PreparedAppend, PreparedPart } from './prepare-append.ts'

export const appendSql = `select * from keelson_append($1, $2::text[], $3::int[], $4::int[], $5::bigint[], $6::int[],
  $7::int[], $8::uuid[], $9::text[], $10::smallint[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16)`

export const appendAloneSql = `select * from keelson_append_alone($1, $2, $3, $4::uuid[], $5::text[], $6::smallint[], $7::text[], $8::text[], $9::text[])`

export interface OutcomeRow {
  readonly outcome: string | null
  readonly version: number
  readonly position: number
}

export function refusalOf(
  { stream, expected }: PreparedPart,
  { outcome, version, position }: OutcomeRow,
  after: number,
): Error {
  if (outcome === 'conflict') return eventsErrors.EVENTS_VERSION_CONFLICT({ stream, expected, found: version })
  if (outcome === 'taken') return eventsErrors.EVENTS_ID_TAKEN({ stream })
  if (outcome === 'condition') return eventsErrors.EVENTS_CONDITION_FAILED({ after, position })
  if (outcome?.startsWith('inline:'))
    return eventsErrors.EVENTS_INLINE_MISSING({ stream, projection: outcome.slice('inline:'.length) })
  return eventsErrors.EVENTS_STREAM_CLOSED({ stream, state: String(outcome) })
}

const versionCodes = { any: -1, exists: -2, none: 0 } as const

export function versionOf(expected: ExpectedVersion): number {
  return typeof expected === 'number' ? expected : versionCodes[expected]
}

/** The arrays of `keelson_append`. */
export function parametersOf(log: number, appends: readonly PreparedAppend[]): readonly unknown[] {
  const streams = new Map<string, number>()
  const part = { append: [] as number[], stream: [] as number[], expected: [] as number[], size: [] as number[] }
  for (const [at, { parts }] of appends.entries()) {
    for (const { stream, expected, events } of parts) {
      const known = streams.get(stream) ?? streams.size + 1
      streams.set(stream, known)
      part.append.push(at)
      part.stream.push(known)
      part.expected.push(versionOf(expected))
      part.size.push(events.length)
    }
  }
  const event = eventArrays(appends.flatMap(({ parts }) => parts))
  const condition = appends[0]?.condition
  return [
    ...[log, [...streams.keys()], part.append, part.stream, part.expected, part.size],
    ...[event.part, event.id, event.type, event.schema, event.data, event.metadata, event.tags],
    ...[condition?.tags ?? null, condition?.types ?? null, condition?.after ?? null],
  ]
}

/** One array per column, in the order of the parts. */
export function eventArrays(parts: readonly PreparedPart[]) {
  const arrays = {
    part: [] as number[],
    id: [] as string[],
    type: [] as string[],
    schema: [] as number[],
    data: [] as string[],
    metadata: [] as string[],
    tags: [] as (string | null)[],
  }
  for (const [at, { events }] of parts.entries()) {
    for (const { id, type, schemaVersion, data, metadata, tags } of events) {
      arrays.part.push(at + 1)
      arrays.id.push(id)
      arrays.type.push(type)
      arrays.schema.push(schemaVersion)
      arrays.data.push(data)
      arrays.metadata.push(metadata)
      arrays.tags.push(tags.length === 0 ? null : arrayLiteral(tags))
    }
  }
  return arrays
}

function arrayLiteral(texts: readonly string[]): string {
  return `{${texts.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`).join(',')}}`
}

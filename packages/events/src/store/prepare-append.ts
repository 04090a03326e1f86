/**
 * What every event store does with an append before it looks at any stream: refuse what no store takes, fill in ids and what the call that
 * appends is known by, and write the JSON, once.
 */
import { type Clock, currentCall } from '@keelson/kernel'
import { traceparentOf } from '@keelson/telemetry'
import { eventsErrors } from '../errors.ts'
import type { EventMetadata, NewEvent } from './event.ts'
import { asEventId, type MakeEventId } from './event-ids.ts'
import type { AppendAllOptions, AppendCondition, ExpectedVersion, StreamAppend } from './event-store.ts'
import { whyNotJson } from './json-values.ts'

export interface PreparedEvent {
  readonly id: string
  readonly type: string
  readonly schemaVersion: number
  /** JSON text: two appends are the same when this is. */
  readonly data: string
  readonly metadata: string
  readonly tags: readonly string[]
}

export interface PreparedPart {
  readonly stream: string
  readonly expected: ExpectedVersion
  readonly events: readonly PreparedEvent[]
}

export interface PreparedAppend {
  readonly parts: readonly PreparedPart[]
  readonly condition: AppendCondition | undefined
  readonly eventCount: number
  readonly bytes: number
}

export interface PrepareOptions {
  readonly clock: Clock
  readonly makeId: MakeEventId
  /** Of data and metadata of one event, in UTF-8. */
  readonly eventBytes: number
}

/** Names come back in errors, logs and command lines: one line, and not without end. */
const plainName = /^[^\p{Cc}\p{Cs}]+$/u
const longestStream = 500
const longestType = 200
const longestTag = 200
const mostTags = 20
const mostEvents = 100_000

/** Throws EVENTS_APPEND_INVALID, EVENTS_PAYLOAD_INVALID or EVENTS_PAYLOAD_TOO_LARGE. */
export function prepareAppend(
  appends: readonly StreamAppend[],
  options: AppendAllOptions,
  given: PrepareOptions,
): PreparedAppend {
  if (!Array.isArray(appends) || appends.length === 0) throw invalid('', 'there is no stream to append to')
  const origin = originOf(options)
  const ids = new Set<string>()
  const streams = new Set<string>()
  let bytes = 0
  const parts = appends.map(({ stream, events, expected = 'any' }): PreparedPart => {
    requireStreamName(stream)
    if (streams.has(stream)) throw invalid(stream, 'it is named twice in one append')
    streams.add(stream)
    requireExpected(stream, expected)
    if (!Array.isArray(events) || events.length === 0) throw invalid(stream, 'there is no event')
    return {
      stream,
      expected,
      events: events.map((event: NewEvent) => {
        const prepared = prepareEvent(stream, event, origin, given)
        if (ids.has(prepared.id)) throw invalid(stream, `the event id ${prepared.id} is given twice`)
        ids.add(prepared.id)
        bytes += prepared.data.length + prepared.metadata.length
        return prepared
      }),
    }
  })
  if (ids.size > mostEvents)
    throw invalid(appends[0]?.stream ?? '', `it has ${ids.size} events, at most ${mostEvents} are taken at once`)
  if (options.condition) requireCondition(parts[0]?.stream ?? '', options.condition)
  return { parts, condition: options.condition, eventCount: ids.size, bytes }
}

/** Throws EVENTS_APPEND_INVALID for what cannot be a name. */
export function requireStreamName(stream: string): void {
  if (typeof stream !== 'string' || stream === '' || stream.length > longestStream || !plainName.test(stream)) {
    throw invalid(
      String(stream).slice(0, 80),
      `a name has 1 to ${longestStream} characters, none of them a control character`,
    )
  }
}

/** The refusal of an erasure that would take away events which the state of a snapshot has yet to see. */
export function lostState(
  stream: string,
  { name, version }: { readonly name: string; readonly version: number },
): Error {
  const reason = `the snapshot "${name}" stands at version ${version}, and its state would lose the events after it`
  return eventsErrors.EVENTS_ERASURE_REFUSED({ stream, attempt: 'truncate', reason })
}

function prepareEvent(stream: string, event: NewEvent, origin: EventMetadata, given: PrepareOptions): PreparedEvent {
  const { type, schemaVersion = 1, tags = [] } = event
  if (typeof type !== 'string' || type.length > longestType || !plainName.test(type))
    throw invalid(stream, `the type of an event has 1 to ${longestType} characters, none of them a control character`)
  if (!Number.isInteger(schemaVersion) || schemaVersion < 1 || schemaVersion > 32_767)
    throw invalid(stream, `the schema version of "${type}" is a whole number from 1`)
  if (tags.length > mostTags || tags.some((tag) => tag.length > longestTag || !plainName.test(tag)))
    throw invalid(stream, `an event has at most ${mostTags} tags of 1 to ${longestTag} characters`)
  const id = event.id === undefined ? given.makeId(given.clock.now()) : asEventId(String(event.id))
  if (id === undefined) throw invalid(stream, `"${String(event.id).slice(0, 80)}" is no UUID`)
  const data = jsonOf(type, event.data ?? null)
  const metadata = event.metadata === undefined ? jsonOf(type, origin) : jsonOf(type, { ...origin, ...event.metadata })
  const bytes = Buffer.byteLength(data) + Buffer.byteLength(metadata)
  if (bytes > given.eventBytes)
    throw eventsErrors.EVENTS_PAYLOAD_TOO_LARGE({ stream, type, bytes, limit: given.eventBytes })
  return { id, type, schemaVersion, data, metadata, tags: [...new Set(tags)] }
}

/** What the events of one append share: whom and what they come from. */
function originOf({ metadata, causedBy }: AppendAllOptions): EventMetadata {
  const call = currentCall()
  const correlationId = call.origin.correlationId || causedBy?.metadata.correlationId
  const { trace, origin } = call
  return {
    ...(correlationId ? { correlationId } : {}),
    ...(causedBy ? { causationId: causedBy.id } : {}),
    ...(origin.identity.subject ? { actor: origin.identity.subject } : {}),
    ...(trace ? { traceparent: traceparentOf(trace) } : {}),
    ...metadata,
  }
}

function requireExpected(stream: string, expected: unknown): void {
  const isKnown = expected === 'any' || expected === 'none' || expected === 'exists'
  if (!isKnown && !(typeof expected === 'number' && Number.isSafeInteger(expected) && expected >= 0))
    throw invalid(stream, 'the expected version is any, none, exists or a whole number from 0')
}

function requireCondition(stream: string, { tags, after }: AppendCondition): void {
  if (!Number.isSafeInteger(after) || after < 0)
    throw invalid(stream, 'a condition names the position it looked as far as')
  if (!Array.isArray(tags) || tags.length === 0) throw invalid(stream, 'a condition names at least one tag')
}

/** JSON that gives back what was given. Throws EVENTS_PAYLOAD_INVALID for a value that has no such, with where it is. */
export function jsonOf(type: string, value: unknown): string {
  const problem = whyNotJson(value)
  if (problem) throw eventsErrors.EVENTS_PAYLOAD_INVALID({ type, problems: [problem] })
  return JSON.stringify(value)
}

function invalid(stream: string, reason: string): Error {
  return eventsErrors.EVENTS_APPEND_INVALID({ stream, reason })
}

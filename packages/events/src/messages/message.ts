/**
 * A message: what a stream of messages carries. Its id says which position of which log it came from, `<epoch>-<position>`, and is the same
 * however often it is published, so that a consumer knows what it has had by comparing one number.
 */
import { eventsErrors } from '../errors.ts'
import type { EventMetadata, RecordedEvent } from '../store/event.ts'
import type { FeedPosition } from '../store/event-store.ts'

export interface NewMessage extends FeedPosition {
  /** 1 to 200 letters, digits and `.`, `_`, `-`, `/`. */
  readonly topic: string
  /** Messages of one key keep their order where order is kept: the stream of an event. */
  readonly key: string
  readonly type: string
  /** When what it tells of happened, in milliseconds since 1970. */
  readonly at: number
  /** JSON. */
  readonly body: unknown
}

export interface Message extends NewMessage {
  /** `<epoch>-<position>` */
  readonly id: string
  /** Why its body cannot be read, when it was written by somebody else; the body is then undefined. */
  readonly unreadable?: string
}

export function messageIdOf({ epoch, position }: FeedPosition): string {
  return `${epoch}-${position}`
}

/** Throws MESSAGES_INVALID for what is no id. */
export function parseMessageId(id: string): FeedPosition {
  const [, epoch, position] = /^(\d{1,16})-(\d{1,16})$/.exec(id) ?? []
  if (epoch === undefined || position === undefined)
    throw eventsErrors.MESSAGES_INVALID({ attempt: 'read the id of a message', reason: `"${id}" is no epoch-position` })
  return { epoch: Number(epoch), position: Number(position) }
}

/** Negative when `a` comes first. */
export function comparePositions(a: FeedPosition, b: FeedPosition): number {
  return a.epoch - b.epoch || a.position - b.position
}

/** What an event is published as: its stream is the key, its position the id. */
export function messageOf(topic: string, epoch: number, event: RecordedEvent): NewMessage {
  const { stream, position, type, recordedAt, id, version, schemaVersion, data, metadata, tags } = event
  const body: EventBody = { id, version, schemaVersion, data, metadata, tags }
  return { topic, epoch, position, key: stream, type, at: recordedAt.getTime(), body }
}

/** The event that a message carries. Throws MESSAGES_UNREADABLE for a message that carries none. */
export function eventIn(message: Message): RecordedEvent {
  const { body, key, position, type, at, topic, id } = message
  if (!isEventBody(body))
    throw eventsErrors.MESSAGES_UNREADABLE({ topic, id, reason: message.unreadable ?? 'its body is no event' })
  return { ...body, stream: key, position, type, recordedAt: new Date(at) }
}

interface EventBody {
  readonly id: string
  readonly version: number
  readonly schemaVersion: number
  readonly data: unknown
  readonly metadata: EventMetadata
  readonly tags: readonly string[]
}

function isEventBody(body: unknown): body is EventBody {
  return (
    typeof body === 'object' &&
    body !== null &&
    'id' in body &&
    'version' in body &&
    typeof body.version === 'number' &&
    'schemaVersion' in body &&
    'data' in body &&
    'metadata' in body &&
    'tags' in body &&
    Array.isArray(body.tags)
  )
}

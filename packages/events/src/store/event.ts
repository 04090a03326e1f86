/** An event before and after it is appended. Data and metadata are JSON; what they mean is known to `defineEvents`, not to the store. */

/** What a caller gives. */
export interface NewEvent<Type extends string = string> {
  /** Past tense: `OrderPlaced`. At most 200 characters. */
  readonly type: Type
  /** JSON; undefined is stored as null. */
  readonly data?: unknown
  /** A UUID. Appending the same id again gives the first result. Made by the store when it is left out. */
  readonly id?: string
  /** Of the type of the event, 1 and up. Default 1. */
  readonly schemaVersion?: number
  /** Added to what the append says of all its events. */
  readonly metadata?: EventMetadata
  /** For appends and reads that ask by tag: `course:5`. At most 20. */
  readonly tags?: readonly string[]
}

/** JSON with a few fields that the platform knows; others are the caller's own. */
export interface EventMetadata {
  /** The same through all that one request causes. */
  readonly correlationId?: string
  /** The id of the event or command that this one follows from. */
  readonly causationId?: string
  /** Who did it. */
  readonly actor?: string
  /** Which keyed command it came from: a hash over key, operation and input. */
  readonly command?: string
  /** W3C Trace Context of the span that appended it. */
  readonly traceparent?: string
  readonly [key: string]: unknown
}

/** An event as it is stored: it never changes again, but for erasure, after which it is not read. */
export interface RecordedEvent {
  readonly id: string
  readonly stream: string
  /** 1, 2, 3 … within its stream, without gaps. */
  readonly version: number
  /** 1, 2, 3 … within the log, without gaps. */
  readonly position: number
  readonly type: string
  readonly schemaVersion: number
  readonly data: unknown
  readonly metadata: EventMetadata
  readonly tags: readonly string[]
  /** Never earlier than that of a lower position. */
  readonly recordedAt: Date
}

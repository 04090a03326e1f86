/**
 * The event store as everything on it sees it: streams of events, and one feed of all of them per log.
 *
 * Promises:
 * - An append is atomic over all its streams and is durable when it resolves. It takes effect only when every stream is as `expected`,
 *   whatever else runs: of N appends that expect the same version, one succeeds and the others reject with EVENTS_VERSION_CONFLICT. Appends
 *   that expect `any` all succeed.
 * - An append whose event ids are all there already, the same events in the same streams, resolves with the first result and changes
 *   nothing, so that an append of unknown outcome is repeated without harm. Ids of other events reject with EVENTS_ID_TAKEN.
 * - Positions of a log are dense (1, 2, 3 …; a rejected append uses none) and are committed in their order: whoever has seen position n will never find a
 *   lower one that is new. Lag is a subtraction. Versions of a stream are dense, and grow with the position.
 * - The feed and streams are safe to read on a replica, and after dump and restore. A log whose end was lost (a failover to a server that
 *   lacked it) begins a new epoch; a position of an earlier epoch that was lost is refused with EVENTS_POSITION_AHEAD.
 * - Events never change. Erasure (`truncate`, `tombstone`) takes their data away and leaves a hole that readers pass over.
 * - Calls may run concurrently; appends of one caller that do not wait for each other may take any order.
 */
import { definePort } from '@keelson/kernel'
import type { EventMetadata, NewEvent, RecordedEvent } from './event.ts'

export interface EventStore {
  /** The log that this store appends to and reads. */
  readonly log: string
  /** One stream's worth of `appendAll`. */
  append(stream: string, events: readonly NewEvent[], options?: AppendOptions): Promise<Appended>
  /** All of it or nothing; the results come in the order given. */
  appendAll(appends: readonly StreamAppend[], options?: AppendAllOptions): Promise<readonly Appended[]>
  /** Events of one stream in their order. A stream that never was has version 0 and no events. */
  readStream(stream: string, options?: ReadStreamOptions): Promise<StreamSlice>
  /** Where the event of this id is, erased ones included; undefined when the log has none. */
  findEvent(id: string): Promise<EventPlace | undefined>
  /** A part of the feed. */
  readFeed(after: FeedPosition, options?: ReadFeedOptions): Promise<FeedPage>
  /** Where the log ends. */
  head(): Promise<FeedPosition>
  /** Resolves when there may be events beyond `position`: soon after an append in any process, and now and then without a reason. */
  waitBeyond(position: number, signal: AbortSignal): Promise<void>
  /** Streams in the order of their names. */
  streams(options?: StreamsOptions): Promise<readonly StreamInfo[]>
  /** No more appends, and out of feeds that do not ask for it; the stream can still be read. Repeating it changes nothing. */
  archive(stream: string): Promise<void>
  /**
   * Erases the events before `version`; snapshots that stand for them stay. Returns how many were erased now. Rejects with
   * EVENTS_ERASURE_REFUSED where a snapshot, or a reader that has said where it is, has yet to see some of them.
   */
  truncate(stream: string, version: number, options?: EraseOptions): Promise<number>
  /** Erases all events of a stream and closes it for ever. Repeating it changes nothing. Rejects with EVENTS_ERASURE_REFUSED as `truncate` does. */
  tombstone(stream: string, options?: EraseOptions): Promise<number>
  /** Says how far a reader has come that keeps its place elsewhere, so that nothing is erased which it has yet to see. */
  noteReader(reader: string, position: number): Promise<void>
  /** The newest snapshot of this shape; those of another shape are dropped. */
  readSnapshot(stream: string, shape: SnapshotShape): Promise<Snapshot | undefined>
  /** Replaces the snapshot of the stream under this name, unless that one is newer. */
  writeSnapshot(stream: string, shape: SnapshotShape, snapshot: Snapshot): Promise<void>
}

export const EventStore = definePort<EventStore>('event-store')

/** How many events the stream must have: any number; none; one at least; or exactly so many. */
export type ExpectedVersion = 'any' | 'none' | 'exists' | number

export interface AppendOptions extends AppendAllOptions {
  /** Default `any`. */
  readonly expected?: ExpectedVersion
}

export interface AppendAllOptions {
  /** Of all events of the append; that of an event wins. Correlation, actor and trace come from the call that appends. */
  readonly metadata?: EventMetadata
  /** The event that these follow from: their causation, and their correlation when the metadata names none. */
  readonly causedBy?: Pick<RecordedEvent, 'id' | 'metadata'>
  /** Append only if nothing that meets it has come since. */
  readonly condition?: AppendCondition
}

/** An append that depends on more than its streams: it fails when an event of these tags and types has come after the position. */
export interface AppendCondition {
  /** All of them. */
  readonly tags: readonly string[]
  /** Any of them; all types when left out. */
  readonly types?: readonly string[]
  /** The end of what was looked at. */
  readonly after: number
}

export interface StreamAppend {
  /** Its name: 1 to 500 characters, without control characters. */
  readonly stream: string
  readonly events: readonly NewEvent[]
  readonly expected?: ExpectedVersion
}

export interface Appended {
  readonly stream: string
  /** Of the stream after the append. */
  readonly version: number
  /** Of the last event of this stream's part. */
  readonly position: number
  /** It was there already. */
  readonly isRepeat: boolean
}

/** A place in the feed: everything up to `position` is before it. The epoch tells logs apart that lost their end in between. */
export interface FeedPosition {
  readonly position: number
  readonly epoch: number
}

export const feedStart: FeedPosition = { position: 0, epoch: 0 }

export interface ReadStreamOptions {
  /** The first version read. Default 1, or the last when backwards. */
  readonly from?: number
  /** Events at most. Default: all. */
  readonly limit?: number
  readonly direction?: 'forwards' | 'backwards'
}

export interface StreamSlice {
  readonly stream: string
  /** Of the stream, not of the slice. */
  readonly version: number
  readonly state: StreamState
  readonly events: readonly RecordedEvent[]
  /** How many persons had been shredded, where the store has personal data: what was made of an earlier reading may hold theirs. */
  readonly shreds?: number
}

export interface EraseOptions {
  /** Though readers have yet to see it: the law may leave no choice. */
  readonly isForced?: boolean
}

export interface EventPlace {
  readonly stream: string
  readonly version: number
  readonly position: number
  /** Undefined when it was erased. */
  readonly event: RecordedEvent | undefined
}

/** `none`: it never had an event. */
export type StreamState = 'none' | 'open' | 'archived' | 'tombstoned'

export interface ReadFeedOptions {
  /** Only these types. */
  readonly types?: readonly string[]
  /** Only events that have all these tags. */
  readonly tags?: readonly string[]
  /** Positions looked at, at most. Default 1,000. */
  readonly limit?: number
  /** Those of archived streams too. */
  readonly includeArchived?: boolean
}

export interface FeedPage {
  readonly events: readonly RecordedEvent[]
  /** Where the next page begins. Beyond the last event when what follows it was filtered out or erased. */
  readonly next: FeedPosition
  /** Where the log ended when the page was read. */
  readonly head: number
}

export interface StreamsOptions {
  /** Only names that begin so. */
  readonly prefix?: string
  /** Only names after this one. */
  readonly after?: string
  /** Default 100. */
  readonly limit?: number
}

export interface StreamInfo {
  readonly stream: string
  readonly version: number
  readonly state: Exclude<StreamState, 'none'>
}

/** What a snapshot is of, and the version of its form: a state of another version cannot be gone on from. */
export interface SnapshotShape {
  readonly name: string
  readonly version: number
}

export interface Snapshot {
  /** Of the stream: the events up to it are in the state. */
  readonly version: number
  /** JSON; what is not is refused with EVENTS_PAYLOAD_INVALID. */
  readonly state: unknown
  /** Of the reading that the state was made of: a state from before a shredding is not kept. */
  readonly shreds?: number | undefined
}

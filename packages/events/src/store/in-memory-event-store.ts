/** The event store in memory: the reference, for tests and for what need not last. Everything is lost with the process. */
import { type Clock, systemClock } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import type { EventMetadata, NewEvent, RecordedEvent } from './event.ts'
import { createEventIds } from './event-ids.ts'
import type {
  AppendAllOptions,
  AppendCondition,
  Appended,
  AppendOptions,
  EraseOptions,
  EventPlace,
  EventStore,
  FeedPage,
  FeedPosition,
  ReadFeedOptions,
  ReadStreamOptions,
  Snapshot,
  SnapshotShape,
  StreamAppend,
  StreamInfo,
  StreamSlice,
  StreamsOptions,
} from './event-store.ts'
import {
  jsonOf,
  lostState,
  type PreparedEvent,
  type PreparedPart,
  prepareAppend,
  requireStreamName,
} from './prepare-append.ts'

export interface InMemoryEventStoreOptions {
  readonly log?: string
  /** Of data and metadata of one event. Default 1 MiB. */
  readonly eventBytes?: number
  /** When events are recorded. */
  readonly clock?: Clock
}

export function createInMemoryEventStore(options: InMemoryEventStoreOptions = {}): EventStore {
  return new InMemoryEventStore(options)
}

interface Stream {
  readonly events: StoredEvent[]
  state: 'open' | 'archived' | 'tombstoned'
}

interface StoredEvent {
  readonly event: PreparedEvent
  readonly stream: string
  readonly version: number
  readonly position: number
  readonly recordedAt: number
  isErased: boolean
}

const epoch = 1

class InMemoryEventStore implements EventStore {
  readonly log: string
  readonly #clock: Clock
  readonly #eventBytes: number
  readonly #makeId = createEventIds()
  readonly #feed: StoredEvent[] = []
  readonly #streams = new Map<string, Stream>()
  readonly #byId = new Map<string, StoredEvent>()
  readonly #snapshots = new Map<string, Snapshot & { readonly shape: number }>()
  readonly #readers = new Map<string, number>()
  readonly #waiting = new Set<() => void>()

  constructor({ log = 'main', clock = systemClock, eventBytes = 1024 * 1024 }: InMemoryEventStoreOptions) {
    requireStreamName(log)
    this.log = log
    this.#clock = clock
    this.#eventBytes = eventBytes
  }

  async append(stream: string, events: readonly NewEvent[], options: AppendOptions = {}): Promise<Appended> {
    const { expected = 'any', ...rest } = options
    const [appended] = await this.appendAll([{ stream, events, expected }], rest)
    if (!appended) throw eventsErrors.EVENTS_CLOSED({})
    return appended
  }

  async appendAll(appends: readonly StreamAppend[], options: AppendAllOptions = {}): Promise<readonly Appended[]> {
    const given = { clock: this.#clock, makeId: this.#makeId, eventBytes: this.#eventBytes }
    const { parts, condition } = prepareAppend(appends, options, given)
    if (parts.some(({ events }) => events.some(({ id }) => this.#byId.has(id))))
      return parts.map((part) => this.#repeat(part))
    this.#requireCondition(condition)
    for (const part of parts) this.#requireExpected(part)
    const appended = parts.map((part) => this.#write(part))
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
    return appended
  }

  async readStream(stream: string, options: ReadStreamOptions = {}): Promise<StreamSlice> {
    requireStreamName(stream)
    const found = this.#streams.get(stream)
    if (!found) return { stream, version: 0, state: 'none', events: [] }
    const { direction = 'forwards', limit = found.events.length } = options
    const { from = direction === 'forwards' ? 1 : found.events.length } = options
    const ordered =
      direction === 'forwards' ? found.events.slice(Math.max(0, from - 1)) : found.events.slice(0, from).reverse()
    const events = ordered.filter(({ isErased }) => !isErased).slice(0, limit)
    return { stream, version: found.events.length, state: found.state, events: events.map(recorded) }
  }

  async findEvent(id: string): Promise<EventPlace | undefined> {
    const found = this.#byId.get(id)
    if (!found) return undefined
    const { stream, version, position, isErased } = found
    return { stream, version, position, event: isErased ? undefined : recorded(found) }
  }

  async readFeed(after: FeedPosition, options: ReadFeedOptions = {}): Promise<FeedPage> {
    const { position } = after
    const { limit = 1_000, types, tags, includeArchived = false } = options
    const head = this.#feed.length
    if (position > head)
      throw eventsErrors.EVENTS_POSITION_AHEAD({ log: this.log, position, epoch: after.epoch, lastGood: head })
    const page = this.#feed.slice(position, position + limit)
    const events = page.filter(
      ({ event, stream, isErased }) =>
        !isErased &&
        (types === undefined || types.includes(event.type)) &&
        (tags === undefined || tags.every((tag) => event.tags.includes(tag))) &&
        (includeArchived || this.#streams.get(stream)?.state !== 'archived'),
    )
    return { events: events.map(recorded), next: { position: position + page.length, epoch }, head }
  }

  async head(): Promise<FeedPosition> {
    return { position: this.#feed.length, epoch }
  }

  async waitBeyond(position: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#feed.length > position) return
    await new Promise<void>((resolve, reject) => {
      const abort = () => {
        this.#waiting.delete(wake)
        reject(signal.reason)
      }
      const wake = () => {
        signal.removeEventListener('abort', abort)
        resolve()
      }
      this.#waiting.add(wake)
      signal.addEventListener('abort', abort, { once: true })
    })
  }

  async streams({ prefix = '', after = '', limit = 100 }: StreamsOptions = {}): Promise<readonly StreamInfo[]> {
    const names = [...this.#streams.keys()].filter((name) => name.startsWith(prefix) && compareBytes(name, after) > 0)
    return names
      .sort(compareBytes)
      .slice(0, limit)
      .map((stream) => {
        const { events, state } = this.#stream(stream, 'list')
        return { stream, version: events.length, state }
      })
  }

  async archive(stream: string): Promise<void> {
    const found = this.#stream(stream, 'archive')
    if (found.state === 'open') found.state = 'archived'
  }

  async truncate(stream: string, version: number, options: EraseOptions = {}): Promise<number> {
    const found = this.#stream(stream, 'truncate')
    this.#requireSeen(stream, 'truncate', version, options)
    for (const [name, snapshot] of this.#snapshotsOf(stream))
      if (snapshot.version < version - 1) throw lostState(stream, { name, version: snapshot.version })
    return this.#erase(found, version)
  }

  async tombstone(stream: string, options: EraseOptions = {}): Promise<number> {
    const found = this.#stream(stream, 'tombstone')
    this.#requireSeen(stream, 'tombstone', Number.POSITIVE_INFINITY, options)
    found.state = 'tombstoned'
    for (const [name] of this.#snapshotsOf(stream)) this.#snapshots.delete(JSON.stringify([stream, name]))
    return this.#erase(found, Number.POSITIVE_INFINITY)
  }

  async readSnapshot(stream: string, shape: SnapshotShape): Promise<Snapshot | undefined> {
    const key = JSON.stringify([stream, shape.name])
    const found = this.#snapshots.get(key)
    if (!found) return undefined
    if (found.shape === shape.version) return { version: found.version, state: structuredClone(found.state) }
    if (found.shape < shape.version) this.#snapshots.delete(key)
    return undefined
  }

  async writeSnapshot(stream: string, shape: SnapshotShape, { version, state }: Snapshot): Promise<void> {
    const key = JSON.stringify([stream, shape.name])
    const found = this.#snapshots.get(key)
    if (found && (found.shape > shape.version || (found.shape === shape.version && found.version >= version))) return
    this.#snapshots.set(key, { version, shape: shape.version, state: JSON.parse(jsonOf(shape.name, state)) })
  }

  async noteReader(reader: string, position: number): Promise<void> {
    this.#readers.set(reader, position)
  }

  #requireSeen(stream: string, attempt: string, version: number, { isForced = false }: EraseOptions): void {
    const due = this.#stream(stream, attempt).events.filter((one) => !one.isErased && one.version < version)
    const last = due.at(-1)?.position ?? 0
    const [behind] = [...this.#readers].find(([, position]) => position < last) ?? []
    if (behind === undefined || isForced) return
    const reason = `the ${behind} has yet to come to position ${last}`
    throw eventsErrors.EVENTS_ERASURE_REFUSED({ stream, attempt, reason })
  }

  #stream(stream: string, attempt: string): Stream {
    requireStreamName(stream)
    const found = this.#streams.get(stream)
    if (!found) throw eventsErrors.EVENTS_STREAM_NOT_FOUND({ stream, attempt })
    return found
  }

  #repeat({ stream, events }: PreparedPart): Appended {
    const stored = events.map(({ id }) => this.#byId.get(id))
    const last = stored.at(-1)
    const isSame = stored.every((found, at) => {
      const event = events[at]
      return (
        found !== undefined &&
        found.stream === stream &&
        found.event.type === event?.type &&
        (found.isErased || found.event.data === event.data)
      )
    })
    if (!isSame || !last) throw eventsErrors.EVENTS_ID_TAKEN({ stream })
    return { stream, version: last.version, position: last.position, isRepeat: true }
  }

  #requireCondition(condition: AppendCondition | undefined): void {
    if (!condition) return
    const { tags, types, after } = condition
    const met = this.#feed
      .slice(after)
      .findLast(({ event }) => tags.every((tag) => event.tags.includes(tag)) && (types?.includes(event.type) ?? true))
    if (met) throw eventsErrors.EVENTS_CONDITION_FAILED({ after, position: met.position })
  }

  #requireExpected({ stream, expected }: PreparedPart): void {
    const found = this.#streams.get(stream)
    if (found && found.state !== 'open') throw eventsErrors.EVENTS_STREAM_CLOSED({ stream, state: found.state })
    const version = found?.events.length ?? 0
    const isMet =
      expected === 'any' ||
      (expected === 'none' && version === 0) ||
      (expected === 'exists' && version > 0) ||
      expected === version
    if (!isMet) throw eventsErrors.EVENTS_VERSION_CONFLICT({ stream, expected, found: version })
  }

  #write({ stream, events }: PreparedPart): Appended {
    const found: Stream = this.#streams.get(stream) ?? { events: [], state: 'open' }
    this.#streams.set(stream, found)
    const recordedAt = Math.max(this.#feed.at(-1)?.recordedAt ?? 0, this.#clock.now())
    for (const event of events) {
      const version = found.events.length + 1
      const position = this.#feed.length + 1
      const stored: StoredEvent = { event, stream, version, position, recordedAt, isErased: false }
      found.events.push(stored)
      this.#feed.push(stored)
      this.#byId.set(event.id, stored)
    }
    return { stream, version: found.events.length, position: this.#feed.length, isRepeat: false }
  }

  #snapshotsOf(stream: string): readonly (readonly [name: string, snapshot: Snapshot])[] {
    return [...this.#snapshots].flatMap(([key, snapshot]) => {
      const [owner, name] = JSON.parse(key)
      return owner === stream ? [[name, snapshot] as const] : []
    })
  }

  #erase({ events }: Stream, version: number): number {
    const erased = events.filter((stored) => !stored.isErased && stored.version < version)
    for (const stored of erased) stored.isErased = true
    return erased.length
  }
}

/** Parsed anew each time, as from a database: nobody can change what is stored. */
function recorded({ event, stream, version, position, recordedAt }: StoredEvent): RecordedEvent {
  const { id, type, schemaVersion, tags } = event
  const data: unknown = JSON.parse(event.data)
  const metadata: EventMetadata = JSON.parse(event.metadata)
  return { id, stream, version, position, type, schemaVersion, data, metadata, tags, recordedAt: new Date(recordedAt) }
}

/** The order of UTF-8, as the database has it. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

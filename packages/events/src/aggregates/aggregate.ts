/**
 * An aggregate is a decider (Chassaing, "Functional Event Sourcing Decider"): what its events make of a state, as a pure function. Loading
 * folds the stream, from a snapshot where there is one. Which stream that is follows from name and id alone, and no two pairs share one.
 */
import { eventsErrors } from '../errors.ts'
import type { EventTypes } from '../event-types.ts'
import type { NewEvent, RecordedEvent } from '../store/event.ts'
import type { EventStore, StreamState } from '../store/event-store.ts'

export interface Aggregate<State, Read extends RecordedEvent, New extends NewEvent> {
  /** Letters, digits, `_` and `-`, beginning with a letter. */
  readonly name: string
  /**
   * How its streams are named. Default: `<name>-<id>`, where a `-` in the name is written `~`, so that the first `-` ends the name whatever the
   * ids contain. Give it to go on with streams that were named otherwise; that no other aggregate has the same is then yours to see to.
   */
  readonly stream?: (id: string) => string
  readonly events: EventTypes<Read, New>
  /** Of a stream without events. */
  readonly initial: State
  /** Pure: returns the next state and changes nothing. */
  readonly evolve: (state: State, event: Read) => State
  readonly snapshot?: SnapshotPolicy | undefined
}

/** The state is JSON then: one that is not is never kept. */
export interface SnapshotPolicy {
  /** A snapshot is written when so many events have come since the last. */
  readonly every: number
  /** Raised when the form of the state changes or `evolve` does: earlier snapshots are dropped. */
  readonly version: number
}

const plainName = /^[A-Za-z][A-Za-z0-9_-]{0,99}$/

/**
 * Declares an aggregate. Throws EVENTS_AGGREGATE_INVALID for a name whose streams could be those of another one.
 *
 * @example defineAggregate({ name: 'order', events: OrderEvents, initial: { total: 0 }, evolve: (state, event) => … })
 */
export function defineAggregate<State, Read extends RecordedEvent, New extends NewEvent>(
  aggregate: Aggregate<State, Read, New>,
): Aggregate<State, Read, New> {
  const { name } = aggregate
  if (!plainName.test(name))
    throw eventsErrors.EVENTS_AGGREGATE_INVALID({
      aggregate: name,
      reason: 'its name has 1 to 100 letters, digits, _ and -, and begins with a letter',
    })
  return aggregate
}

/** An aggregate as it is, or was. */
export interface Loaded<State> {
  readonly stream: string
  readonly version: number
  readonly streamState: StreamState
  readonly state: State
}

/** As it was: after its first `version` events, or after those that had been recorded at a time. Default: as it is. */
export interface LoadOptions {
  readonly version?: number
  readonly at?: Date
}

/**
 * Rejects with EVENTS_UNREADABLE when an event of the stream cannot be read, and with EVENTS_HISTORY_ERASED when events that the asked state
 * follows from have been erased and no snapshot stands for them.
 */
export async function loadAggregate<State, Read extends RecordedEvent, New extends NewEvent>(
  store: EventStore,
  aggregate: Aggregate<State, Read, New>,
  id: string,
  options: LoadOptions = {},
): Promise<Loaded<State>> {
  const { stream, version, streamState, state } = await foldAggregate(store, aggregate, id, options)
  return { stream, version, streamState, state }
}

/** A state, and what is known of the events it was folded from. */
export interface Folded<State> extends Loaded<State> {
  /** Versions of the events that were read, by their ids. */
  readonly versions: ReadonlyMap<string, number>
  /** All events that the stream has had were read. */
  readonly isWhole: boolean
  readonly snapshotVersion: number
  /** Of the first reading. */
  readonly shreds: number | undefined
}

export async function foldAggregate<State, Read extends RecordedEvent, New extends NewEvent>(
  store: EventStore,
  aggregate: Aggregate<State, Read, New>,
  id: string,
  until: LoadOptions = {},
): Promise<Folded<State>> {
  const stream = streamOf(aggregate, id)
  const { snapshot, initial } = aggregate
  // A snapshot says nothing of the time of its events.
  const kept =
    snapshot && until.at === undefined
      ? await store.readSnapshot(stream, { name: aggregate.name, version: snapshot.version })
      : undefined
  const found = kept && kept.version <= (until.version ?? Number.POSITIVE_INFINITY) ? kept : undefined
  const start: Folded<State> = {
    stream,
    version: found?.version ?? 0,
    streamState: 'none',
    // It was written by this aggregate, under this version of its form.
    state: found ? (found.state as State) : initial,
    versions: new Map(),
    isWhole: found === undefined,
    snapshotVersion: found?.version ?? 0,
    shreds: found?.shreds,
  }
  return foldSince(store, aggregate, start, until)
}

/** Folds what has come since, and keeps the state for the next who loads when that was much. */
export async function foldSince<State, Read extends RecordedEvent, New extends NewEvent>(
  store: EventStore,
  aggregate: Aggregate<State, Read, New>,
  from: Folded<State>,
  until: LoadOptions = {},
): Promise<Folded<State>> {
  const isPast = until.version !== undefined || until.at !== undefined
  const limit = until.version === undefined ? {} : { limit: until.version - from.version }
  const slice =
    until.version === from.version && from.version > 0
      ? { events: [], version: from.version, state: from.streamState, shreds: from.shreds }
      : await store.readStream(from.stream, { from: from.version + 1, ...limit })
  const events = slice.events.filter((event) => isUntil(event, until))
  requireHistory(from, slice.events, slice.version, until)
  let state = from.state
  for (const event of events) state = aggregate.evolve(state, aggregate.events.decode(event))
  const version = isPast ? (events.at(-1)?.version ?? from.version) : slice.version
  const shreds = from.shreds ?? slice.shreds
  const isDue = !isPast && (await keepWhenDue(store, aggregate, { ...from, version, state, shreds }))
  return {
    stream: from.stream,
    version,
    streamState: slice.state,
    state,
    versions: new Map([...from.versions, ...events.map((event) => [event.id, event.version] as const)]),
    isWhole: from.isWhole && (version === from.version || events[0]?.version === from.version + 1),
    snapshotVersion: isDue ? version : from.snapshotVersion,
    shreds,
  }
}

/** The stream of one aggregate: told apart from those of all others, whatever names and ids contain. */
export function streamOf(
  { name, stream }: Pick<Aggregate<never, never, never>, 'name' | 'stream'>,
  id: string,
): string {
  return stream ? stream(id) : `${name.replaceAll('-', '~')}-${id}`
}

function isUntil(event: RecordedEvent, { version, at }: LoadOptions): boolean {
  return event.version <= (version ?? Number.POSITIVE_INFINITY) && (at === undefined || event.recordedAt <= at)
}

/** A stream whose beginning was erased may go on with an event that sums it up. Other gaps lose a part of the state. */
function requireHistory(
  from: Folded<unknown>,
  read: readonly RecordedEvent[],
  head: number,
  { version, at }: LoadOptions,
): void {
  const first = read[0]?.version ?? head + 1
  const isGap = first > from.version + 1 && head > from.version
  const isBefore = version !== undefined && version < first && version > from.version
  const isUnknown = at !== undefined && isGap && !read.some((event) => event.recordedAt <= at)
  if (isGap && (from.snapshotVersion > 0 || isBefore || isUnknown))
    throw eventsErrors.EVENTS_HISTORY_ERASED({ stream: from.stream, from: from.version + 1, first })
}

/** It only saves time: what hinders it is met again where it matters, and a state that is no JSON is folded each time. */
async function keepWhenDue<State, Read extends RecordedEvent, New extends NewEvent>(
  store: EventStore,
  { name, snapshot }: Aggregate<State, Read, New>,
  { stream, version, state, snapshotVersion, shreds }: Folded<State>,
): Promise<boolean> {
  if (snapshot === undefined || version - snapshotVersion < snapshot.every) return false
  await store.writeSnapshot(stream, { name, version: snapshot.version }, { version, state, shreds }).catch(() => {})
  return true
}

/**
 * An aggregate is a decider (Chassaing, "Functional Event Sourcing Decider"): what its events make of a state, as a pure function. Loading
 * folds the stream, from a snapshot where there is one; executing decides on the state and appends what was decided, again from the start
 * when somebody else was first.
 */
import { backoffMs, type Clock, currentCall, isError, systemClock } from '@keelson/kernel'
import type { EventTypes } from '../event-types.ts'
import type { EventMetadata, NewEvent, RecordedEvent } from '../store/event.ts'
import { hashedEventId } from '../store/event-ids.ts'
import type { EventStore, StreamState } from '../store/event-store.ts'

export interface Aggregate<State, Read extends RecordedEvent, New extends NewEvent> {
  /** Its streams are named `<name>-<id>`. */
  readonly name: string
  readonly events: EventTypes<Read, New>
  /** Of a stream without events. */
  readonly initial: State
  /** Pure: returns the next state and changes nothing. */
  readonly evolve: (state: State, event: Read) => State
  readonly snapshot?: SnapshotPolicy | undefined
}

/** The state is JSON then. */
export interface SnapshotPolicy {
  /** A snapshot is written when so many events have come since the last. */
  readonly every: number
  /** Raised when the form of the state changes or `evolve` does: earlier snapshots are dropped. */
  readonly version: number
}

/** @example defineAggregate({ name: 'order', events: OrderEvents, initial: { total: 0 }, evolve: (state, event) => … }) */
export function defineAggregate<State, Read extends RecordedEvent, New extends NewEvent>(
  aggregate: Aggregate<State, Read, New>,
): Aggregate<State, Read, New> {
  return aggregate
}

/** An aggregate as it is. */
export interface Loaded<State> {
  readonly stream: string
  readonly version: number
  readonly streamState: StreamState
  readonly state: State
}

/** What `execute` came to. */
export interface Executed<State, New extends NewEvent> {
  readonly stream: string
  /** After the append. */
  readonly version: number
  readonly state: State
  /** What was appended; empty when nothing was decided. */
  readonly events: readonly New[]
  /** Of the last event appended: what a projection is waited for with. 0 when nothing was. */
  readonly position: number
  /** The same command had been executed before; nothing was appended now. */
  readonly isRepeat: boolean
}

export interface ExecuteOptions {
  /** The version the caller saw: another one is EVENTS_VERSION_CONFLICT, and is not tried again. */
  readonly expected?: number
  readonly metadata?: EventMetadata
  /** Executions with the same key on the same aggregate take effect once. Default: that of the call. */
  readonly key?: string
  /** Tries at most when others append at the same time. Default 10. */
  readonly attempts?: number
  readonly clock?: Clock
}

/** The events decided on; what throws decides nothing. */
export type Decide<State, New extends NewEvent> = (state: State) => readonly New[] | Promise<readonly New[]>

/** Rejects with EVENTS_UNREADABLE when an event of the stream cannot be read. */
export async function loadAggregate<State, Read extends RecordedEvent, New extends NewEvent>(
  store: EventStore,
  aggregate: Aggregate<State, Read, New>,
  id: string,
): Promise<Loaded<State>> {
  const { stream, version, streamState, state } = await load(store, aggregate, id)
  return { stream, version, streamState, state }
}

/**
 * Decides on the state of an aggregate and appends the events, so that they hold for the very state they were decided on: when others append
 * in between it decides again. Rejects with EVENTS_VERSION_CONFLICT after too many attempts, or when the caller expected another version.
 */
export async function execute<State, Read extends RecordedEvent, Type extends string, New extends NewEvent<Type>>(
  store: EventStore,
  aggregate: Aggregate<State, Read, New>,
  id: string,
  decide: Decide<State, NoInfer<New>>,
  options: ExecuteOptions = {},
): Promise<Executed<State, New>> {
  const { attempts = 10, clock = systemClock, expected, metadata } = options
  const key = options.key ?? currentCall().idempotencyKey
  for (let attempt = 1; ; attempt++) {
    const loaded = await load(store, aggregate, id)
    const { stream, version } = loaded
    const firstId = key === undefined ? undefined : hashedEventId(store.log, stream, key, 0)
    if (firstId !== undefined && loaded.ids.has(firstId)) return { ...outcome(loaded), isRepeat: true }
    const decided = await decide(loaded.state)
    if (decided.length === 0) return outcome(loaded)
    const events = decided.map((one, at) => ({
      ...aggregate.events.encode(one),
      id: one.id ?? idOf(store.log, stream, key, at),
    }))
    try {
      const appended = await store.append(
        stream,
        events.map(({ id: eventId, ...rest }) => (eventId === undefined ? rest : { ...rest, id: eventId })),
        { expected: expected ?? version, ...(metadata ? { metadata } : {}) },
      )
      const { state } = await catchUp(store, aggregate, loaded)
      return {
        stream,
        version: appended.version,
        state,
        events: decided,
        position: appended.position,
        isRepeat: appended.isRepeat,
      }
    } catch (error) {
      if (!isError(error, 'EVENTS_VERSION_CONFLICT') || expected !== undefined || attempt >= attempts) throw error
      // Back off by a random time, so that the writers do not collide again.
      if (attempt > 1) await clock.sleep(backoffMs({ firstMs: 2, mostMs: 64 }, attempt))
    }
  }
}

interface Folded<State> extends Loaded<State> {
  /** Of the events that were read. */
  readonly ids: ReadonlySet<string>
  readonly snapshotVersion: number
}

async function load<State, Read extends RecordedEvent, New extends NewEvent>(
  store: EventStore,
  aggregate: Aggregate<State, Read, New>,
  id: string,
): Promise<Folded<State>> {
  const stream = `${aggregate.name}-${id}`
  const { snapshot, initial } = aggregate
  const found = snapshot && (await store.readSnapshot(stream, { name: aggregate.name, version: snapshot.version }))
  const start: Folded<State> = {
    stream,
    version: found?.version ?? 0,
    streamState: 'none',
    // It was written by this aggregate, under this version of its form.
    state: found ? (found.state as State) : initial,
    ids: new Set(),
    snapshotVersion: found?.version ?? 0,
  }
  return catchUp(store, aggregate, start)
}

/** Folds what has come since, and keeps the state for the next who loads when that was much. */
async function catchUp<State, Read extends RecordedEvent, New extends NewEvent>(
  store: EventStore,
  aggregate: Aggregate<State, Read, New>,
  from: Folded<State>,
): Promise<Folded<State>> {
  const { events, version, state: streamState } = await store.readStream(from.stream, { from: from.version + 1 })
  let state = from.state
  for (const event of events) state = aggregate.evolve(state, aggregate.events.decode(event))
  const { snapshot } = aggregate
  const isDue = snapshot !== undefined && version - from.snapshotVersion >= snapshot.every
  // It only saves time: what hinders it is met again where it matters.
  if (isDue)
    await store
      .writeSnapshot(from.stream, { name: aggregate.name, version: snapshot.version }, { version, state })
      .catch(() => {})
  const ids = new Set([...from.ids, ...events.map(({ id }) => id)])
  return {
    stream: from.stream,
    version,
    streamState,
    state,
    ids,
    snapshotVersion: isDue ? version : from.snapshotVersion,
  }
}

function outcome<State, New extends NewEvent>({ stream, version, state }: Loaded<State>): Executed<State, New> {
  return { stream, version, state, events: [], position: 0, isRepeat: false }
}

function idOf(log: string, stream: string, key: string | undefined, at: number): string | undefined {
  return key === undefined ? undefined : hashedEventId(log, stream, key, at)
}

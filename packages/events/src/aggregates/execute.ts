/**
 * Executing decides on the state of an aggregate and appends what was decided, again from the start when somebody else was first. A command
 * that comes again under its key is not decided again: it is answered as it was the first time.
 */
import { type Clock, isError, systemClock } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import type { EventMetadata, NewEvent, RecordedEvent } from '../store/event.ts'
import type { EventPlace, EventStore } from '../store/event-store.ts'
import { type Aggregate, type Folded, foldAggregate, foldSince, streamOf } from './aggregate.ts'
import { type CommandDescription, type CommandIdentity, commandIdentity } from './command-identity.ts'

/** What `execute` came to. */
export interface Executed<State, New extends NewEvent> {
  readonly stream: string
  /** After the append. */
  readonly version: number
  /** After the append; after a repeat of a command whose events were erased since, the state of now. */
  readonly state: State
  /** What was appended; empty when nothing was decided. */
  readonly events: readonly New[]
  /** Of the last event appended: what a projection is waited for with. 0 when nothing was. */
  readonly position: number
  /** The same command had been executed before: this is what it came to then, and nothing was appended now. */
  readonly isRepeat: boolean
}

export interface ExecuteOptions {
  /** The version the caller saw: another one is EVENTS_VERSION_CONFLICT, and is not tried again. */
  readonly expected?: number
  readonly metadata?: EventMetadata
  /**
   * Executions with the same key on the same aggregate take effect once, and events have ids that follow from it, whatever ids they were
   * decided with. Default: that of the call, of which each execution on an aggregate is a command of its own, in their order.
   */
  readonly key?: string
  /** What the key stands for. Without it, a repeat is known by the types of the events it decides. */
  readonly command?: CommandDescription
  /** Tries at most when others append at the same time. Default 10. */
  readonly attempts?: number
  readonly clock?: Clock
}

/** The events decided on; what throws decides nothing. It may be called several times. */
export type Decide<State, New extends NewEvent> = (state: State) => readonly New[] | Promise<readonly New[]>

/**
 * Decides on the state of an aggregate and appends the events, so that they hold for the very state they were decided on: when others append
 * in between it decides again. Rejects with EVENTS_VERSION_CONFLICT after too many attempts, or when the caller expected another version,
 * also where nothing is decided; and with EVENTS_KEY_REUSED when another command was executed under the key.
 */
export async function execute<State, Read extends RecordedEvent, Type extends string, New extends NewEvent<Type>>(
  store: EventStore,
  aggregate: Aggregate<State, Read, New>,
  id: string,
  decide: Decide<State, NoInfer<New>>,
  options: ExecuteOptions = {},
): Promise<Executed<State, New>> {
  const identity = commandIdentity(store.log, streamOf(aggregate, id), options.key, options.command)
  return new Execution(store, aggregate, id, decide, options, identity).run()
}

class Execution<State, Read extends RecordedEvent, New extends NewEvent> {
  readonly #store: EventStore
  readonly #aggregate: Aggregate<State, Read, New>
  readonly #id: string
  readonly #decide: Decide<State, New>
  readonly #options: ExecuteOptions
  readonly #identity: CommandIdentity | undefined

  constructor(
    store: EventStore,
    aggregate: Aggregate<State, Read, New>,
    id: string,
    decide: Decide<State, New>,
    options: ExecuteOptions,
    identity: CommandIdentity | undefined,
  ) {
    this.#store = store
    this.#aggregate = aggregate
    this.#id = id
    this.#decide = decide
    this.#options = options
    this.#identity = identity
  }

  async run(): Promise<Executed<State, New>> {
    const { attempts = 10, clock = systemClock, expected } = this.#options
    for (let attempt = 1; ; attempt++) {
      const loaded = await foldAggregate(this.#store, this.#aggregate, this.#id)
      const first = this.#identity && (await this.#find(loaded, this.#identity.idOf(0)))
      if (this.#identity && first) return this.#repeat(this.#identity, first, loaded)
      const { stream, version, state } = loaded
      if (expected !== undefined && expected !== version)
        throw eventsErrors.EVENTS_VERSION_CONFLICT({ stream, expected, found: version })
      const decided = await this.#decide(state)
      if (decided.length === 0) return { stream, version, state, events: [], position: 0, isRepeat: false }
      try {
        return await this.#append(loaded, decided)
      } catch (error) {
        if (!this.#isOthersFirst(error) || attempt >= attempts) throw error
        // Writers that collided pause for different times, so that they do not collide again.
        if (attempt > 1) await clock.sleep(Math.random() * 2 ** Math.min(attempt, 6))
      }
    }
  }

  #isOthersFirst(error: unknown): boolean {
    // The same command is under way beside this one, or another under its key.
    if (isError(error, 'EVENTS_ID_TAKEN')) return this.#identity !== undefined
    return isError(error, 'EVENTS_VERSION_CONFLICT') && this.#options.expected === undefined
  }

  async #append(loaded: Folded<State>, decided: readonly New[]): Promise<Executed<State, New>> {
    const { stream, version } = loaded
    const command = this.#identity?.fingerprint
    const metadata = command === undefined ? this.#options.metadata : { ...this.#options.metadata, command }
    const appended = await this.#store.append(
      stream,
      decided.map((one, at) => this.#identified(one, at)),
      { expected: version, ...(metadata ? { metadata } : {}) },
    )
    const { state } = await foldSince(this.#store, this.#aggregate, loaded)
    const { position, isRepeat } = appended
    return { stream, version: appended.version, state, events: decided, position, isRepeat }
  }

  #identified(event: New, at: number): NewEvent {
    const { id, ...encoded } = this.#aggregate.events.encode(event)
    const own = this.#identity?.idOf(at) ?? id
    return own === undefined ? encoded : { ...encoded, id: own }
  }

  /** Where an event of the stream is. What was read of a whole stream is all there is. */
  async #find({ stream, versions, isWhole }: Folded<State>, id: string): Promise<EventPlace | undefined> {
    const version = versions.get(id)
    if (version === undefined) return isWhole ? undefined : this.#store.findEvent(id)
    const [event] = (await this.#store.readStream(stream, { from: version, limit: 1 })).events
    return event?.id === id ? { stream, version, position: event.position, event } : this.#store.findEvent(id)
  }

  /** The answer of the first time. */
  async #repeat(identity: CommandIdentity, first: EventPlace, loaded: Folded<State>): Promise<Executed<State, New>> {
    const places = [first]
    for (let next: EventPlace | undefined = first; next; ) {
      next = await this.#find(loaded, identity.idOf(places.length))
      if (next) places.push(next)
    }
    const before = await this.#stateAt(first.version - 1)
    await this.#requireSame(identity, places, before)
    const { version, position } = places.at(-1) ?? first
    const state = (await this.#stateAt(version)) ?? { state: loaded.state }
    // They were appended by this aggregate: of its types, with the data that it encoded.
    const events = places.flatMap(({ event }) => (event ? [event as unknown as New] : []))
    return { stream: first.stream, version, state: state.state, events, position, isRepeat: true }
  }

  /** Undefined where events that it follows from were erased. */
  async #stateAt(version: number): Promise<{ readonly state: State } | undefined> {
    if (version === 0) return { state: this.#aggregate.initial }
    try {
      return await foldAggregate(this.#store, this.#aggregate, this.#id, { version })
    } catch (error) {
      if (isError(error, 'EVENTS_HISTORY_ERASED')) return undefined
      throw error
    }
  }

  async #requireSame(
    { key, fingerprint }: CommandIdentity,
    places: readonly EventPlace[],
    before: { readonly state: State } | undefined,
  ): Promise<void> {
    const [first] = places
    // Nothing is left to tell it by.
    if (!first?.event) return
    const noted = first.event.metadata['command']
    const isSame =
      typeof noted === 'string' && fingerprint !== undefined
        ? noted === fingerprint
        : before === undefined || (await this.#decidesLike(places, before.state))
    if (!isSame) throw eventsErrors.EVENTS_KEY_REUSED({ stream: first.stream, key })
  }

  async #decidesLike(places: readonly EventPlace[], before: State): Promise<boolean> {
    try {
      const types = (await this.#decide(before)).map((one) => this.#aggregate.events.encode(one).type)
      return JSON.stringify(types) === JSON.stringify(places.map(({ event }) => event?.type))
    } catch {
      // It depends on more than the state: that tells nothing about the key.
      return true
    }
  }
}

/** Message streams in memory: the reference, for tests and for a system of one process. Everything is lost with the process. */
import { type Clock, systemClock } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import { type FeedPosition, feedStart } from '../store/event-store.ts'
import { requireName, requirePosition, requirePublication } from './check-names.ts'
import { comparePositions, type Message, messageIdOf } from './message.ts'
import type {
  Claimed,
  ClaimOptions,
  DeadLetter,
  DeadLettersOptions,
  Death,
  Delivery,
  GroupState,
  Holder,
  Keep,
  MessageStreams,
  Publication,
  Published,
  TakeOptions,
  Trimmed,
} from './message-streams.ts'

export interface InMemoryMessageStreams extends MessageStreams {
  /** Everything as it is now: calling what it gives back loses all that came since, as a server does that is replaced by a late replica. */
  remember(): () => void
}

export function createInMemoryMessageStreams(options: { readonly clock?: Clock } = {}): InMemoryMessageStreams {
  return new InMemoryStreams(options.clock ?? systemClock)
}

interface Topic {
  readonly source: string | undefined
  last: FeedPosition
  messages: Message[]
  readonly groups: Map<string, Group>
}

interface Group {
  taken: FeedPosition
  /** By receipt. */
  readonly held: Map<string, Held>
  /** Replayed, and not taken yet. */
  again: { readonly receipt: string; readonly message: Message }[]
  dead: DeadLetter[]
}

interface Held {
  readonly message: Message
  readonly isReplayed: boolean
  consumer: string
  deliveries: number
  since: number
}

class InMemoryStreams implements InMemoryMessageStreams {
  readonly #clock: Clock
  #cursors = new Map<string, FeedPosition>()
  #topics = new Map<string, Topic>()
  #numbers = 0
  readonly #waiting = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  remember(): () => void {
    const [cursors, topics] = structuredClone([this.#cursors, this.#topics])
    return () => {
      ;[this.#cursors, this.#topics] = structuredClone([cursors, topics])
    }
  }

  async publish(publication: Publication): Promise<Published> {
    requirePublication(publication)
    const { source, after, next, messages } = publication
    const cursor = this.#cursors.get(source) ?? feedStart
    if (comparePositions(cursor, after) !== 0) return { isPublished: false, cursor }
    for (const { topic } of messages) {
      const owner = this.#topics.get(topic)?.source
      if (owner !== undefined && owner !== source) throw eventsErrors.MESSAGES_TOPIC_TAKEN({ topic, source, owner })
    }
    for (const message of messages) {
      const topic = this.#topicOf(message.topic, source)
      // It is there already when the cursor was lost and the topic was not.
      if (comparePositions(message, topic.last) <= 0) continue
      const { epoch, position, key, type, at, body } = message
      const sent: unknown = JSON.parse(JSON.stringify(body ?? null))
      topic.messages.push({
        topic: message.topic,
        epoch,
        position,
        key,
        type,
        at,
        body: sent,
        id: messageIdOf(message),
      })
      topic.last = { epoch, position }
    }
    this.#cursors.set(source, { epoch: next.epoch, position: next.position })
    this.#wake()
    return { isPublished: true, cursor: next }
  }

  async cursor(source: string): Promise<FeedPosition> {
    requireName('source', source)
    return this.#cursors.get(source) ?? feedStart
  }

  async last(topic: string): Promise<FeedPosition> {
    requireName('topic', topic)
    return this.#topics.get(topic)?.last ?? feedStart
  }

  read(topic: string, after: FeedPosition, options: TakeOptions = {}): Promise<readonly Message[]> {
    requireName('topic', topic)
    requirePosition(`read topic "${topic}"`, after)
    return this.#whenThereAreSome(options, (limit) =>
      (this.#topics.get(topic)?.messages ?? []).filter((one) => comparePositions(one, after) > 0).slice(0, limit),
    )
  }

  async createGroup(topic: string, group: string, after: FeedPosition): Promise<boolean> {
    requireName('topic', topic)
    requireName('group', group)
    requirePosition(`create group "${group}"`, after)
    const { groups } = this.#topicOf(topic, undefined)
    if (groups.has(group)) return false
    groups.set(group, { taken: { ...after }, held: new Map(), again: [], dead: [] })
    return true
  }

  async dropGroup(topic: string, group: string): Promise<boolean> {
    return this.#topics.get(topic)?.groups.delete(group) ?? false
  }

  async groups(topic: string): Promise<readonly GroupState[]> {
    requireName('topic', topic)
    const found = this.#topics.get(topic)
    if (!found) return []
    return [...found.groups].map(([name, group]) => ({
      group: name,
      finished: finishedBy(group),
      taken: group.taken,
      held: group.held.size,
      waiting: found.messages.filter((one) => comparePositions(one, group.taken) > 0).length + group.again.length,
      deadLetters: group.dead.length,
    }))
  }

  async finish(topic: string, group: string, position: FeedPosition): Promise<void> {
    await this.createGroup(topic, group, position)
    const found = this.#group(topic, group)
    if (comparePositions(found.taken, position) < 0) found.taken = { ...position }
  }

  take(topic: string, group: string, consumer: string, options: TakeOptions = {}): Promise<readonly Delivery[]> {
    requireName('consumer', consumer)
    return this.#whenThereAreSome(options, (limit) => {
      const found = this.#group(topic, group)
      const messages = this.#topics.get(topic)?.messages ?? []
      const fresh = messages.filter((one) => comparePositions(one, found.taken) > 0).slice(0, limit)
      const { epoch, position } = fresh.at(-1) ?? found.taken
      found.taken = { epoch, position }
      const taken = [
        ...found.again.splice(0, limit).map((one) => ({ ...one, isReplayed: true })),
        ...fresh.map((message) => ({ message, receipt: message.id, isReplayed: false })),
      ]
      return taken.map(({ message, receipt, isReplayed }) => {
        found.held.set(receipt, { message, isReplayed, consumer, deliveries: 1, since: this.#clock.now() })
        return { message, receipt, deliveries: 1 }
      })
    })
  }

  async claim(topic: string, group: string, consumer: string, options: ClaimOptions): Promise<Claimed> {
    requireName('consumer', consumer)
    const { idleMs, limit = 100 } = options
    const now = this.#clock.now()
    const stuck = [...this.#group(topic, group).held].filter(([, { since }]) => now - since >= idleMs).slice(0, limit)
    const deliveries = stuck.map(([receipt, held]) => {
      held.consumer = consumer
      held.since = now
      held.deliveries += 1
      return { message: held.message, receipt, deliveries: held.deliveries }
    })
    return { deliveries, lost: [] }
  }

  async extend(
    { topic, group, consumer }: Holder,
    receipts: readonly string[],
    options: { readonly isRetry?: boolean } = {},
  ): Promise<readonly string[]> {
    const { held } = this.#group(topic, group)
    return receipts.filter((receipt) => {
      const one = held.get(receipt)
      if (one?.consumer !== consumer) return false
      one.since = this.#clock.now()
      if (options.isRetry) one.deliveries += 1
      return true
    })
  }

  async acknowledge(topic: string, group: string, receipts: readonly string[]): Promise<number> {
    const { held } = this.#group(topic, group)
    return receipts.filter((receipt) => held.delete(receipt)).length
  }

  async bury({ topic, group, consumer }: Holder, receipt: string, death: Death): Promise<boolean> {
    const { held, dead } = this.#group(topic, group)
    const one = held.get(receipt)
    if (one?.consumer !== consumer) return false
    held.delete(receipt)
    const { reason, deliveries } = death
    dead.push({ id: this.#number(), message: one.message, reason, deliveries, at: new Date(this.#clock.now()) })
    return true
  }

  async deadLetters(topic: string, group: string, options: DeadLettersOptions = {}): Promise<readonly DeadLetter[]> {
    const { after = '', limit = 100 } = options
    return this.#group(topic, group)
      .dead.filter(({ id }) => id > after)
      .slice(0, limit)
  }

  async replay(topic: string, group: string, deadLetters: readonly string[]): Promise<number> {
    const found = this.#group(topic, group)
    const replayed = found.dead.filter(({ id }) => deadLetters.includes(id))
    found.dead = found.dead.filter((letter) => !replayed.includes(letter))
    for (const { message } of replayed) found.again.push({ receipt: `again:${this.#number()}`, message })
    this.#wake()
    return replayed.length
  }

  async trim(topic: string, { entries, since }: Keep): Promise<Trimmed> {
    requireName('topic', topic)
    const found = this.#topics.get(topic)
    if (!found) return { removed: 0 }
    const over = entries === undefined ? 0 : found.messages.length - entries
    let removed = 0
    for (const message of found.messages) {
      if (removed >= over && !(since !== undefined && message.at < since)) break
      const holder = [...found.groups].find(([, group]) => comparePositions(finishedBy(group), message) < 0)
      if (holder) {
        found.messages.splice(0, removed)
        return { removed, heldBy: holder[0] }
      }
      removed += 1
    }
    found.messages.splice(0, removed)
    return { removed }
  }

  #topicOf(name: string, source: string | undefined): Topic {
    const known = this.#topics.get(name)
    if (known && (known.source !== undefined || source === undefined)) return known
    const topic = { source, last: known?.last ?? feedStart, messages: [], groups: known?.groups ?? new Map() }
    this.#topics.set(name, topic)
    return topic
  }

  #group(topic: string, group: string): Group {
    requireName('topic', topic)
    requireName('group', group)
    const found = this.#topics.get(topic)?.groups.get(group)
    if (!found) throw eventsErrors.MESSAGES_GROUP_LOST({ topic, group })
    return found
  }

  #number(): string {
    this.#numbers += 1
    return String(this.#numbers).padStart(12, '0')
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  async #whenThereAreSome<T>({ limit = 100, waitMs = 0, signal }: TakeOptions, look: (limit: number) => readonly T[]) {
    const until = this.#clock.monotonic() + waitMs
    for (;;) {
      const found = look(limit)
      const leftMs = until - this.#clock.monotonic()
      if (found.length > 0 || leftMs <= 0 || signal?.aborted) return found
      await this.#change(leftMs, signal)
    }
  }

  /** Resolves with the next change, after `leftMs` or when the signal aborts. */
  async #change(leftMs: number, signal: AbortSignal | undefined): Promise<void> {
    const { promise: woken, resolve: wake } = Promise.withResolvers<void>()
    const ended = new AbortController()
    this.#waiting.add(wake)
    const signals = signal ? [ended.signal, signal] : [ended.signal]
    this.#clock.sleep(leftMs, AbortSignal.any(signals)).then(wake, wake)
    await woken
    this.#waiting.delete(wake)
    ended.abort()
  }
}

function finishedBy({ taken, held }: Group): FeedPosition {
  let first = taken
  let isHeld = false
  for (const { message, isReplayed } of held.values()) {
    if (isReplayed || (isHeld && comparePositions(message, first) >= 0)) continue
    if (comparePositions(message, taken) > 0) continue
    first = message
    isHeld = true
  }
  return isHeld ? { epoch: first.epoch, position: first.position - 1 } : taken
}

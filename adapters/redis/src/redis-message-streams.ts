/**
 * Message streams on Redis Streams (7.0 and later). The id of an entry is the epoch and position of its event, so that Redis itself refuses
 * what it has had; the cursor of the outbox is changed by the same script that adds the entries. One server, with replicas or without: a
 * cluster would put the cursor and the topics on different servers.
 */
import {
  type Claimed,
  type ClaimOptions,
  type DeadLetter,
  type DeadLettersOptions,
  type Death,
  type Delivery,
  eventsErrors,
  type FeedPosition,
  type GroupState,
  type Holder,
  type Keep,
  type Message,
  type MessageStreams,
  messageIdOf,
  type Publication,
  type Published,
  parseMessageId,
  requireName,
  requirePosition,
  requirePublication,
  type TakeOptions,
  type Trimmed,
} from '@keelson/events'
import { deadLetterIn, messageIn, type StreamEntry } from './stream-entries.ts'
import type { StreamsConnection } from './streams-connection.ts'
import {
  acknowledgeScript,
  buryScript,
  claimScript,
  extendScript,
  finishScript,
  publishScript,
  replayScript,
  trimScript,
} from './streams-scripts.ts'

/** Of a receipt: what follows is the id in the stream of replayed messages. */
const again = 'again:'
/** A script of Redis takes no longer lists apart. */
const claimedAtOnce = 1_000
/** Entries that one call of the trimming script looks at. */
const trimmedAtOnce = 1_000

type Answer<T> = readonly (readonly [key: string, entries: T])[] | null

export class RedisMessageStreams implements MessageStreams {
  readonly #redis: StreamsConnection
  readonly #prefix: string

  constructor(redis: StreamsConnection, prefix: string) {
    this.#redis = redis
    this.#prefix = prefix
  }

  async publish(publication: Publication): Promise<Published> {
    requirePublication(publication)
    const { source, after, next, messages } = publication
    const topics = [...new Set(messages.map(({ topic }) => topic))]
    const numbers = new Map(topics.map((topic, at) => [topic, String(at + 1)]))
    const keys = [this.#key(`cursor:${source}`), this.#key('sources'), ...topics.map((topic) => this.#stream(topic))]
    const values = [source, messageIdOf(after), messageIdOf(next), ...topics]
    for (const message of messages) {
      const { topic, key, type, at, body } = message
      values.push(numbers.get(topic) ?? '', messageIdOf(message), key, type, String(at), JSON.stringify(body ?? null))
    }
    const attempt = `publish messages of "${source}"`
    const [outcome, first, owner] = await this.#redis.script<[number, string, string]>(
      attempt,
      publishScript,
      keys,
      values,
    )
    if (outcome === 2) throw eventsErrors.MESSAGES_TOPIC_TAKEN({ topic: first, source, owner })
    return { isPublished: outcome === 1, cursor: parseMessageId(first) }
  }

  async cursor(source: string): Promise<FeedPosition> {
    requireName('source', source)
    const cursor = await this.#redis.call<string | null>(`read the cursor of "${source}"`, 'GET', [
      this.#key(`cursor:${source}`),
    ])
    return parseMessageId(cursor ?? '0-0')
  }

  async last(topic: string): Promise<FeedPosition> {
    requireName('topic', topic)
    try {
      const info = await this.#redis.call<unknown[]>(`look at topic "${topic}"`, 'XINFO', [
        'STREAM',
        this.#stream(topic),
      ])
      return parseMessageId(String(info[info.indexOf('last-generated-id') + 1]))
    } catch (error) {
      if (this.#redis.isReply(error, 'no such key')) return parseMessageId('0-0')
      throw error
    }
  }

  async read(topic: string, after: FeedPosition, options: TakeOptions = {}): Promise<readonly Message[]> {
    requireName('topic', topic)
    requirePosition(`read topic "${topic}"`, after)
    const { limit = 100 } = options
    const attempt = `read topic "${topic}"`
    const stream = ['STREAMS', this.#stream(topic), messageIdOf(after)]
    const answer = await this.#redis.waiting<Answer<StreamEntry[]>>(
      attempt,
      'XREAD',
      ['COUNT', String(limit)],
      stream,
      options,
    )
    return (answer?.[0]?.[1] ?? []).map((entry) => messageIn(topic, entry))
  }

  async createGroup(topic: string, group: string, after: FeedPosition): Promise<boolean> {
    const [stream, replayed] = this.#streamsOf(topic, group)
    requirePosition(`create group "${group}"`, after)
    const attempt = `create group "${group}" of topic "${topic}"`
    const create = (key: string, id: string) =>
      this.#redis.call(attempt, 'XGROUP', ['CREATE', key, group, id, 'MKSTREAM']).then(
        () => true,
        (error: unknown) => {
          if (this.#redis.isReply(error, 'BUSYGROUP')) return false
          throw error
        },
      )
    // That of the topic last: whoever sees it sees both.
    await create(replayed, '0')
    return create(stream, messageIdOf(after))
  }

  async dropGroup(topic: string, group: string): Promise<boolean> {
    const [stream, replayed] = this.#streamsOf(topic, group)
    const attempt = `drop group "${group}" of topic "${topic}"`
    try {
      const dropped = await this.#redis.call<number>(attempt, 'XGROUP', ['DESTROY', stream, group])
      await this.#redis.call(attempt, 'DEL', [replayed, this.#dead(topic, group)])
      return dropped > 0
    } catch (error) {
      if (this.#redis.isReply(error, 'requires the key to exist')) return false
      throw error
    }
  }

  async groups(topic: string): Promise<readonly GroupState[]> {
    requireName('topic', topic)
    const attempt = `look at the groups of topic "${topic}"`
    const stream = this.#stream(topic)
    try {
      const infos = await this.#redis.call<unknown[][]>(attempt, 'XINFO', ['GROUPS', stream])
      return await Promise.all(infos.map((info) => this.#stateOf(topic, fieldsOf(info), attempt)))
    } catch (error) {
      if (this.#redis.isReply(error, 'no such key')) return []
      throw error
    }
  }

  async finish(topic: string, group: string, position: FeedPosition): Promise<void> {
    const keys = this.#streamsOf(topic, group)
    requirePosition(`move group "${group}"`, position)
    const attempt = `move group "${group}" of topic "${topic}"`
    await this.#redis.script(attempt, finishScript, keys, [group, messageIdOf(position)])
  }

  async take(topic: string, group: string, consumer: string, options: TakeOptions = {}): Promise<readonly Delivery[]> {
    requireName('consumer', consumer)
    const [stream, replayed] = this.#streamsOf(topic, group)
    const words = ['GROUP', group, consumer, 'COUNT', String(options.limit ?? 100)]
    const attempt = `take from topic "${topic}" as group "${group}"`
    const streams = ['STREAMS', replayed, stream, '>', '>']
    const answer = await this.#inGroup(topic, group, () =>
      this.#redis.waiting<Answer<StreamEntry[]>>(attempt, 'XREADGROUP', words, streams, options),
    )
    return (answer ?? []).flatMap(([key, entries]) =>
      entries.map((entry) => deliveryOf(topic, entry, 1, key === replayed)),
    )
  }

  async claim(topic: string, group: string, consumer: string, options: ClaimOptions): Promise<Claimed> {
    requireName('consumer', consumer)
    const keys = this.#streamsOf(topic, group)
    const { idleMs, limit = 100 } = options
    const attempt = `claim messages of topic "${topic}" as group "${group}"`
    const answer = await this.#inGroup(topic, group, () =>
      this.#redis.script<[StreamEntry[], number[], string[]][]>(attempt, claimScript, keys, [
        group,
        consumer,
        String(Math.ceil(idleMs)),
        String(Math.min(limit, claimedAtOnce)),
      ]),
    )
    const deliveries = answer.flatMap(([entries, counts], at) =>
      entries.map((entry, index) => deliveryOf(topic, entry, counts[index] ?? 1, at === 1)),
    )
    return { deliveries, lost: answer.flatMap(([, , lost]) => lost) }
  }

  async extend(
    { topic, group, consumer }: Holder,
    receipts: readonly string[],
    options: { readonly isRetry?: boolean } = {},
  ): Promise<readonly string[]> {
    requireName('consumer', consumer)
    const streams = this.#streamsOf(topic, group)
    const attempt = `keep messages of topic "${topic}" as group "${group}"`
    const held: string[] = []
    for (const [at, own] of byStream(receipts).entries()) {
      const key = streams[at]
      if (own.length === 0 || key === undefined) continue
      const ids = await this.#inGroup(topic, group, () =>
        this.#redis.script<string[]>(
          attempt,
          extendScript,
          [key],
          [group, consumer, options.isRetry ? '1' : '0', ...own],
        ),
      )
      held.push(...ids.map((id) => (at === 1 ? `${again}${id}` : id)))
    }
    return held
  }

  async acknowledge(topic: string, group: string, receipts: readonly string[]): Promise<number> {
    const keys = this.#streamsOf(topic, group)
    const [first, second] = byStream(receipts)
    const attempt = `acknowledge messages of topic "${topic}" as group "${group}"`
    return this.#redis.script<number>(attempt, acknowledgeScript, keys, [
      group,
      String(first.length),
      ...first,
      ...second,
    ])
  }

  async bury({ topic, group, consumer }: Holder, receipt: string, death: Death): Promise<boolean> {
    const [stream, replayed] = this.#streamsOf(topic, group)
    const isReplayed = receipt.startsWith(again)
    const attempt = `bury a message of topic "${topic}" as group "${group}"`
    const keys = [isReplayed ? replayed : stream, this.#dead(topic, group), replayed]
    const id = isReplayed ? receipt.slice(again.length) : receipt
    const values = [group, consumer, id, death.reason, String(death.deliveries)]
    return this.#inGroup(
      topic,
      group,
      async () => (await this.#redis.script<number>(attempt, buryScript, keys, values)) === 1,
    )
  }

  async deadLetters(topic: string, group: string, options: DeadLettersOptions = {}): Promise<readonly DeadLetter[]> {
    this.#streamsOf(topic, group)
    const { after, limit = 100 } = options
    const from = after ? `(${after}` : '-'
    const range = [this.#dead(topic, group), from, '+', 'COUNT', String(limit)]
    const attempt = `read dead letters of topic "${topic}"`
    const entries = await this.#redis.call<StreamEntry[]>(attempt, 'XRANGE', range)
    return entries.map((entry) => deadLetterIn(topic, entry))
  }

  async replay(topic: string, group: string, deadLetters: readonly string[]): Promise<number> {
    const [, replayed] = this.#streamsOf(topic, group)
    const attempt = `replay dead letters of topic "${topic}"`
    return this.#redis.script<number>(
      attempt,
      replayScript,
      [this.#dead(topic, group), replayed],
      [group, ...deadLetters],
    )
  }

  async trim(topic: string, { entries, since }: Keep): Promise<Trimmed> {
    requireName('topic', topic)
    const values = [String(entries ?? ''), String(since ?? ''), String(trimmedAtOnce)]
    const attempt = `trim topic "${topic}"`
    for (let removed = 0; ; ) {
      const [now, heldBy, left] = await this.#redis.script<[number, string, number]>(
        attempt,
        trimScript,
        [this.#stream(topic)],
        values,
      )
      removed += now
      if (left < trimmedAtOnce) return heldBy === '' ? { removed } : { removed, heldBy }
    }
  }

  async #stateOf(topic: string, info: ReadonlyMap<string, unknown>, attempt: string): Promise<GroupState> {
    const group = String(info.get('name'))
    const [stream, replayed] = this.#streamsOf(topic, group)
    const taken = parseMessageId(String(info.get('last-delivered-id')))
    const [held, deadLetters, again] = await Promise.all([
      this.#redis.call<[number, string | null]>(attempt, 'XPENDING', [stream, group]),
      this.#redis.call<number>(attempt, 'XLEN', [this.#dead(topic, group)]),
      this.#redis.call<unknown[][]>(attempt, 'XINFO', ['GROUPS', replayed]).catch((error: unknown) => {
        if (this.#redis.isReply(error, 'no such key')) return []
        throw error
      }),
    ])
    const first = held[1] === null ? undefined : parseMessageId(held[1])
    const lag = info.get('lag')
    const replays = fieldsOf(again[0] ?? [])
    return {
      group,
      finished: first ? { epoch: first.epoch, position: first.position - 1 } : taken,
      taken,
      held: held[0] + Number(replays.get('pending') ?? 0),
      waiting: typeof lag === 'number' ? lag + Number(replays.get('lag') ?? 0) : undefined,
      deadLetters,
    }
  }

  async #inGroup<T>(topic: string, group: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      const isGone = ['NOGROUP', 'requires the key to exist', 'no such key', 'UNBLOCKED'].some((words) =>
        this.#redis.isReply(error, words),
      )
      throw isGone ? eventsErrors.MESSAGES_GROUP_LOST({ topic, group }) : error
    }
  }

  #key(name: string): string {
    return `${this.#prefix}messages:${name}`
  }

  #stream(topic: string): string {
    return this.#key(`topic:${topic}`)
  }

  /** That of the topic, and that of what was replayed for the group. */
  #streamsOf(topic: string, group: string): [topic: string, replayed: string] {
    requireName('topic', topic)
    requireName('group', group)
    return [this.#stream(topic), `${this.#stream(topic)}:again:${group}`]
  }

  #dead(topic: string, group: string): string {
    return `${this.#stream(topic)}:dead:${group}`
  }
}

function deliveryOf(topic: string, entry: StreamEntry, deliveries: number, isReplayed: boolean): Delivery {
  const [id] = entry
  return { message: messageIn(topic, entry), receipt: isReplayed ? `${again}${id}` : id, deliveries }
}

/** Ids in the stream of the topic, and in that of replayed messages. */
function byStream(receipts: readonly string[]): [topic: string[], replayed: string[]] {
  const isReplayed = (receipt: string) => receipt.startsWith(again)
  return [
    receipts.filter((receipt) => !isReplayed(receipt)),
    receipts.filter(isReplayed).map((receipt) => receipt.slice(again.length)),
  ]
}

/** Redis gives records as names and values in turn. */
function fieldsOf(values: readonly unknown[]): ReadonlyMap<string, unknown> {
  const fields = new Map<string, unknown>()
  for (let at = 0; at + 1 < values.length; at += 2) fields.set(String(values[at]), values[at + 1])
  return fields
}

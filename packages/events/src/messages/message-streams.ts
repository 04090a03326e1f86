/**
 * Streams of messages between processes, by topic: what the outbox writes and consumers read. Redis Streams is the technology it is made
 * after.
 *
 * Promises:
 * - Messages of a topic ascend in their id, and each id is there once. `publish` takes effect as a whole: messages, of several topics, and
 *   the new cursor of their source together. It takes effect only when the cursor is where the publisher believes it, so that several
 *   publishers of one source, and one that does not know what was lost, leave neither a gap nor a repeat.
 * - A topic has one source: a second is refused with MESSAGES_TOPIC_TAKEN.
 * - A group takes part in a topic from where it was created. Each message goes to one consumer of the group, which holds it until it is
 *   acknowledged or buried, by whomever. What a consumer holds longer than it says is claimed by another, with its deliveries counted: messages are
 *   handled at least once. A group that is not there (never created, or lost) is MESSAGES_GROUP_LOST.
 * - A buried message is a dead letter of its group, with the reason, until it is replayed: it then comes to a consumer of the same group again,
 *   and to no other group.
 * - Trimming removes no message that a group has yet to finish; it names the group that stands in the way.
 * - What the server cannot do now is MESSAGES_UNAVAILABLE or MESSAGES_FULL, both retryable: after them it is unknown whether the call took effect, and
 *   repeating it does no harm. A server that is killed, or replaced by a replica, may lose the newest part of everything here together:
 *   messages, cursors, and what groups have taken and finished.
 */
import { definePort } from '@keelson/kernel'
import type { FeedPosition } from '../store/event-store.ts'
import type { Message, NewMessage } from './message.ts'

export interface MessageStreams {
  publish(publication: Publication): Promise<Published>
  /** Where the source is; `{ position: 0, epoch: 0 }` when nothing is known of it. */
  cursor(source: string): Promise<FeedPosition>
  /** The id of the newest message that ever was in the topic; 0-0 when there was none. */
  last(topic: string): Promise<FeedPosition>
  /** Messages after a position, without a group. Waits for the first up to `waitMs`, and resolves with none then, or when the signal aborts. */
  read(topic: string, after: FeedPosition, options?: TakeOptions): Promise<readonly Message[]>

  /** False when it is there already: it is left where it is. The topic need not exist. */
  createGroup(topic: string, group: string, after: FeedPosition): Promise<boolean>
  /** Its place and its dead letters are forgotten. False when there was none. */
  dropGroup(topic: string, group: string): Promise<boolean>
  groups(topic: string): Promise<readonly GroupState[]>
  /**
   * For a consumer that keeps its position elsewhere: moves the group forward to it, never back, so that `trim` and `groups` know. The group
   * is created when it is not there.
   */
  finish(topic: string, group: string, position: FeedPosition): Promise<void>

  /** Messages that no consumer of the group has had. Waits as `read` does. */
  take(topic: string, group: string, consumer: string, options?: TakeOptions): Promise<readonly Delivery[]>
  /** Takes over what any consumer, this one too, has held for `idleMs` without a word. */
  claim(topic: string, group: string, consumer: string, options: ClaimOptions): Promise<Claimed>
  /** Says that these are still being handled; `isRetry` counts one more delivery of each. Gives back those that this consumer still holds. */
  extend(
    holder: Holder,
    receipts: readonly string[],
    options?: { readonly isRetry?: boolean },
  ): Promise<readonly string[]>
  /** Gives back how many had not been acknowledged before. */
  acknowledge(topic: string, group: string, receipts: readonly string[]): Promise<number>
  /** Makes a dead letter of it. False, and nothing is changed, when this consumer does not hold it any more. */
  bury(holder: Holder, receipt: string, death: Death): Promise<boolean>

  /** In the order of their deaths. */
  deadLetters(topic: string, group: string, options?: DeadLettersOptions): Promise<readonly DeadLetter[]>
  /** Gives back how many there were. */
  replay(topic: string, group: string, deadLetters: readonly string[]): Promise<number>
  /** Removes from the beginning what is over `entries` or happened before `before`, as far as no group has yet to finish it. */
  trim(topic: string, keep: Keep): Promise<Trimmed>
}

export const MessageStreams = definePort<MessageStreams>('message-streams')

export interface Publication {
  /** 1 to 200 letters, digits and `.`, `_`, `-`, `/`. */
  readonly source: string
  /** Where the publisher believes the cursor of the source. */
  readonly after: FeedPosition
  /** Where the cursor will be. Beyond the last message when what follows it is not published. */
  readonly next: FeedPosition
  /** Ascending; all after `after`, none after `next`. */
  readonly messages: readonly NewMessage[]
}

export interface Published {
  /** False when the cursor was elsewhere: nothing was changed. */
  readonly isPublished: boolean
  /** Where the cursor is now. */
  readonly cursor: FeedPosition
}

export interface TakeOptions {
  /** Default 100. */
  readonly limit?: number
  /** Default 0. */
  readonly waitMs?: number
  readonly signal?: AbortSignal
}

export interface ClaimOptions {
  readonly idleMs: number
  /** Default 100. */
  readonly limit?: number
}

export interface Holder {
  readonly topic: string
  readonly group: string
  readonly consumer: string
}

export interface Delivery {
  readonly message: Message
  /** What it is acknowledged by. */
  readonly receipt: string
  /** This one included. */
  readonly deliveries: number
}

export interface Claimed {
  readonly deliveries: readonly Delivery[]
  /** Ids of messages that were removed from the topic, not by `trim`, while a consumer held them: they are gone. */
  readonly lost: readonly string[]
}

export interface Death {
  readonly reason: string
  readonly deliveries: number
}

export interface DeadLetter extends Death {
  /** Of the dead letter. */
  readonly id: string
  readonly message: Message
  /** When it was buried. */
  readonly at: Date
}

export interface DeadLettersOptions {
  /** The id of a dead letter. */
  readonly after?: string
  /** Default 100. */
  readonly limit?: number
}

export interface GroupState {
  readonly group: string
  /** Everything up to here is acknowledged or buried. */
  readonly finished: FeedPosition
  /** Everything up to here has been given to a consumer. */
  readonly taken: FeedPosition
  /** Taken, and neither acknowledged nor buried. */
  readonly held: number
  /** Not taken yet. Undefined when the server cannot tell. */
  readonly waiting: number | undefined
  readonly deadLetters: number
}

export interface Keep {
  /** The newest so many. */
  readonly entries?: number
  /** What happened then or later; milliseconds since 1970. */
  readonly since?: number
}

export interface Trimmed {
  readonly removed: number
  /** A group that has yet to finish what would go next. */
  readonly heldBy?: string
}

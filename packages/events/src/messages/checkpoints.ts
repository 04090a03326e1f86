/**
 * How far a group is in each topic, in the database that its effects are in. A topic belongs to one process at a time: it holds a lease that it
 * renews, and a fencing number, so that one that was thought dead cannot commit any more (Kleppmann, "How to do distributed locking", 2016).
 */
import { type Database, migrate, type Queryable } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import type { FeedPosition } from '../store/event-store.ts'
import { checkpointTables } from './checkpoint-tables.ts'
import { type Message, messageIdOf } from './message.ts'
import type { DeadLetter, Death } from './message-streams.ts'

/** A topic that is this process's own, until `leaseMs` after its last word. */
export interface Lease {
  readonly topic: string
  readonly fence: number
  readonly place: FeedPosition
  /** The owner before did not say goodbye: it may have died of a message. */
  readonly isInherited: boolean
}

export class Checkpoints {
  readonly #database: Database
  readonly #group: string
  readonly #owner: string
  readonly #leaseMs: number

  private constructor(database: Database, group: string, owner: string, leaseMs: number) {
    this.#database = database
    this.#group = group
    this.#owner = owner
    this.#leaseMs = leaseMs
  }

  static async open(database: Database, group: string, owner: string, leaseMs: number): Promise<Checkpoints> {
    await migrate(database, 'messages', checkpointTables)
    return new Checkpoints(database, group, owner, leaseMs)
  }

  /** Undefined while another process has it. `first` is where a group begins that has no checkpoint. */
  async acquire(topic: string, first: FeedPosition): Promise<Lease | undefined> {
    await this.#database.query(
      `insert into keelson_message_checkpoints (group_name, topic, epoch, position) values ($1, $2, $3, $4)
        on conflict (group_name, topic) do nothing`,
      [this.#group, topic, first.epoch, first.position],
    )
    // A row that is locked is in use, whatever its lease says.
    const { rows } = await this.#database.query<LeaseRow>(
      `update keelson_message_checkpoints c
        set owner = $3, fence = c.fence + 1, leased_until = clock_timestamp() + $4 * interval '1 millisecond'
        from (select group_name, topic, owner from keelson_message_checkpoints
          where group_name = $1 and topic = $2 and (owner is null or owner = $3 or leased_until < clock_timestamp())
          for update skip locked) before
        where c.group_name = before.group_name and c.topic = before.topic
        returning c.epoch, c.position, c.fence, coalesce(before.owner <> $3, false) as is_inherited`,
      [this.#group, topic, this.#owner, this.#leaseMs],
    )
    const row = rows[0]
    if (!row) return undefined
    const place = { epoch: row.epoch, position: row.position }
    return { topic, fence: row.fence, place, isInherited: row.is_inherited }
  }

  async hasCheckpoint(topic: string): Promise<boolean> {
    const { rows } = await this.#database.query(
      'select 1 from keelson_message_checkpoints where group_name = $1 and topic = $2',
      [this.#group, topic],
    )
    return rows.length > 0
  }

  /** Rejects with MESSAGES_LEASE_LOST. */
  async renew(lease: Lease): Promise<void> {
    await this.#update(this.#database, lease, '', [])
  }

  async release(lease: Lease): Promise<void> {
    await this.#update(this.#database, lease, ', owner = null', [])
  }

  /** One more try of a message, counted before it is made, so that one that kills the process is known by it. */
  async attempt(lease: Lease, message: Message): Promise<number> {
    const rows = await this.#update<{ attempts: number }>(
      this.#database,
      lease,
      `, attempted = $5, attempts = case when attempted = $5 then attempts + 1 else 1 end`,
      [message.id],
    )
    return rows[0]?.attempts ?? 1
  }

  /** Commits `work` and the new place together. The place comes first, so that nobody can take the topic over while `work` runs. */
  commit(lease: Lease, place: FeedPosition, work: (transaction: Queryable) => Promise<void>): Promise<void> {
    return this.#database.transaction(async (transaction) => {
      const { epoch, position } = place
      await this.#update(transaction, lease, ', epoch = $5, position = $6, attempted = null', [epoch, position])
      await work(transaction)
    })
  }

  /** Goes on beyond a message, which is kept with its reason. */
  bury(lease: Lease, message: Message, { reason, deliveries }: Death): Promise<void> {
    return this.commit(lease, message, async (transaction) => {
      const { epoch, position } = message
      const values = [this.#group, lease.topic, epoch, position, JSON.stringify(message), reason, deliveries]
      await transaction.query(
        `insert into keelson_message_dead_letters (group_name, topic, epoch, position, message, reason, deliveries)
          values ($1, $2, $3, $4, $5::json, $6, $7)`,
        values,
      )
    })
  }

  /** In the order of the topic. */
  async deadLetters(topic: string, after: FeedPosition, limit: number): Promise<readonly DeadLetter[]> {
    const { rows } = await this.#database.query<DeadLetterRow>(
      `select message, reason, deliveries, died_at from keelson_message_dead_letters
        where group_name = $1 and topic = $2 and (epoch, position) > ($3, $4) order by epoch, position limit $5`,
      [this.#group, topic, after.epoch, after.position, limit],
    )
    return rows.map(({ message, reason, deliveries, died_at: at }) => ({
      id: messageIdOf(message),
      message,
      reason,
      deliveries,
      at,
    }))
  }

  /** Commits `work` and the end of the dead letter together. False when it is gone, or somebody else is at it. */
  revive({ message }: DeadLetter, work: (transaction: Queryable) => Promise<void>): Promise<boolean> {
    const { topic, epoch, position } = message
    const key = [this.#group, topic, epoch, position]
    return this.#database.transaction(async (transaction) => {
      const { rows } = await transaction.query(
        `select 1 from keelson_message_dead_letters
          where group_name = $1 and topic = $2 and epoch = $3 and position = $4 for update skip locked`,
        key,
      )
      if (rows.length === 0) return false
      await work(transaction)
      await transaction.query(
        'delete from keelson_message_dead_letters where group_name = $1 and topic = $2 and epoch = $3 and position = $4',
        key,
      )
      return true
    })
  }

  async failedAgain({ message }: DeadLetter, reason: string): Promise<void> {
    const { topic, epoch, position } = message
    await this.#database.query(
      `update keelson_message_dead_letters set reason = $5, deliveries = deliveries + 1, died_at = clock_timestamp()
        where group_name = $1 and topic = $2 and epoch = $3 and position = $4`,
      [this.#group, topic, epoch, position, reason],
    )
  }

  /** Changes the row of a lease and renews it. */
  async #update<Row extends object>(
    on: Queryable,
    { topic, fence }: Lease,
    changes: string,
    values: readonly unknown[],
  ): Promise<readonly Row[]> {
    const { rows } = await on.query<Row>(
      `update keelson_message_checkpoints set leased_until = clock_timestamp() + $4 * interval '1 millisecond'${changes}
        where group_name = $1 and topic = $2 and fence = $3 returning attempts`,
      [this.#group, topic, fence, this.#leaseMs, ...values],
    )
    if (rows.length === 0) throw eventsErrors.MESSAGES_LEASE_LOST({ topic, group: this.#group })
    return rows
  }
}

interface LeaseRow {
  readonly epoch: number
  readonly position: number
  readonly fence: number
  readonly is_inherited: boolean
}

interface DeadLetterRow {
  readonly message: Message
  readonly reason: string
  readonly deliveries: number
  readonly died_at: Date
}

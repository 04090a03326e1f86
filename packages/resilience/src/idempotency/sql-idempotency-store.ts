/**
 * Keys in a table of the database, which processes share. A key that is running is leased by its process, which renews all its leases
 * together; the database's clock decides when one has run out.
 */
import { randomUUID } from 'node:crypto'
import { type Clock, type Database, type Migration, migrate, type Queryable, systemClock } from '@keelson/kernel'
import type { Claimed, IdempotencyStore, KeyClaim, KeyedCommand, KeyedRun } from './idempotency-store.ts'

const migrations: readonly Migration[] = [
  {
    version: 1,
    name: 'idempotency keys',
    statements: [
      `create table keelson_idempotency_keys (
        identity text collate "C" not null, operation text collate "C" not null, key text collate "C" not null,
        fingerprint text not null, outcome text, keep_until timestamptz not null,
        owner text not null, fence bigint not null, leased_until timestamptz not null,
        primary key (identity, operation, key))`,
      'create index keelson_idempotency_keys_running on keelson_idempotency_keys (owner) where outcome is null',
      'create index keelson_idempotency_keys_kept on keelson_idempotency_keys (keep_until)',
    ],
  },
]

const isCommand = 'identity = $1 and operation = $2 and key = $3'
const isOwn = `${isCommand} and owner = $4 and fence = $5 and outcome is null`
const sweepEveryMs = 600_000
const mostSwept = 1_000

export interface SqlIdempotencyStoreOptions {
  /** How long a key stays taken after its process has fallen silent, in milliseconds; 30 seconds unless given. */
  readonly leaseMs?: number
  readonly clock?: Clock
}

/** An open store. `close` ends the renewals; what still runs is then free once its lease has run out. */
export type SqlIdempotencyStore = IdempotencyStore & { close(): Promise<void> }

/** Makes its table where there is none. */
export async function openSqlIdempotencyStore(
  database: Database,
  { leaseMs = 30_000, clock = systemClock }: SqlIdempotencyStoreOptions = {},
): Promise<SqlIdempotencyStore> {
  await migrate(database, 'idempotency', migrations)
  return new OpenStore(database, leaseMs, clock)
}

interface Row {
  readonly fingerprint: string
  readonly outcome: string | null
  readonly leftMs: number
}

class OpenStore implements SqlIdempotencyStore {
  readonly #database: Database
  readonly #leaseMs: number
  readonly #clock: Clock
  /** Another for each start, so that a restarted process knows its own keys from those of its former self. */
  readonly #owner = randomUUID()
  readonly #closed = new AbortController()
  #running = 0
  #renewing: Promise<void> | undefined
  #sweptAt = Number.NEGATIVE_INFINITY

  constructor(database: Database, leaseMs: number, clock: Clock) {
    this.#database = database
    this.#leaseMs = leaseMs
    this.#clock = clock
  }

  async claim(claim: KeyClaim): Promise<Claimed> {
    await this.#sweep()
    // Between the two statements a key may be let go, which makes it free for the next round.
    for (;;) {
      const fence = await this.#take(claim)
      if (fence !== undefined) return { state: 'new', run: this.#runOf(claim, fence) }
      const row = await this.#read(claim)
      if (!row) continue
      if (row.fingerprint !== claim.fingerprint) return { state: 'reused' }
      if (row.outcome !== null) return { state: 'done', outcome: row.outcome }
      if (row.leftMs > 0) return { state: 'running', retryAfterMs: Math.min(1_000, Math.ceil(row.leftMs)) }
    }
  }

  async close(): Promise<void> {
    this.#closed.abort()
    await this.#renewing
  }

  /** Takes a key that is new, that was kept long enough, or whose runner has died of the same input. */
  async #take({ identity, operation, key, fingerprint, keepMs }: KeyClaim): Promise<number | undefined> {
    const { nowSql } = this.#database
    const { rows } = await this.#database.query<{ fence: number }>(
      `insert into keelson_idempotency_keys as kept
          (identity, operation, key, fingerprint, owner, fence, leased_until, keep_until)
        values ($1, $2, $3, $4, $5, 1, ${nowSql} + $6 * interval '1 ms', ${nowSql} + $7 * interval '1 ms')
        on conflict (identity, operation, key) do update set fingerprint = excluded.fingerprint, outcome = null,
          owner = excluded.owner, fence = kept.fence + 1, leased_until = excluded.leased_until,
          keep_until = excluded.keep_until
        where (kept.outcome is null and kept.leased_until <= ${nowSql}
            and (kept.fingerprint = excluded.fingerprint or kept.keep_until <= ${nowSql}))
          or (kept.outcome is not null and kept.keep_until <= ${nowSql})
        returning fence`,
      [identity, operation, key, fingerprint, this.#owner, this.#leaseMs, keepMs],
    )
    return rows[0]?.fence
  }

  async #read({ identity, operation, key }: KeyedCommand): Promise<Row | undefined> {
    const { rows } = await this.#database.query<Row>(
      `select fingerprint, outcome, (extract(epoch from leased_until - ${this.#database.nowSql}) * 1000)::float8 as "leftMs"
        from keelson_idempotency_keys where ${isCommand}`,
      [identity, operation, key],
    )
    return rows[0]
  }

  #runOf({ identity, operation, key }: KeyedCommand, fence: number): KeyedRun {
    const own = [identity, operation, key, this.#owner, fence]
    let isOver = false
    const over = () => {
      if (!isOver) this.#running--
      isOver = true
    }
    this.#running++
    this.#renewing ??= this.#renew()
    return {
      finish: async (outcome: string, transaction?: Queryable) => {
        if (isOver) return
        const target = transaction ?? this.#database
        await target.query(`update keelson_idempotency_keys set outcome = $6 where ${isOwn}`, [...own, outcome])
        // A transaction may still roll back: the key then goes on running.
        if (!transaction) over()
      },
      release: async () => {
        if (isOver) return
        over()
        await this.#database.query(`delete from keelson_idempotency_keys where ${isOwn}`, own)
      },
    }
  }

  /** Renews every lease of this process for as long as there are any. */
  async #renew(): Promise<void> {
    while (this.#running > 0 && !this.#closed.signal.aborted) {
      await this.#clock.sleep(this.#leaseMs / 3, this.#closed.signal).catch(() => {})
      if (this.#closed.signal.aborted) break
      // A database that is away is tried again in time, or the leases run out, which is then right.
      await this.#database
        .query(
          `update keelson_idempotency_keys set leased_until = ${this.#database.nowSql} + $2 * interval '1 ms'
            where owner = $1 and outcome is null`,
          [this.#owner, this.#leaseMs],
        )
        .catch(() => {})
    }
    this.#renewing = undefined
  }

  /** Forgets, now and then, what has been kept long enough. */
  async #sweep(): Promise<void> {
    const now = this.#clock.monotonic()
    if (now - this.#sweptAt < sweepEveryMs) return
    this.#sweptAt = now
    const { nowSql } = this.#database
    await this.#database.query(
      `delete from keelson_idempotency_keys where ctid = any (array(select ctid from keelson_idempotency_keys
        where keep_until <= ${nowSql} and (outcome is not null or leased_until <= ${nowSql}) limit $1))`,
      [mostSwept],
    )
  }
}

/**
 * Leases on rows of a database, for work that one process at a time may do. A lease runs out by itself when its holder is silent for
 * too long, by the database's clock. Since a holder that was paused does not know that, each lease has a fence: a number that grows with
 * each new holder, and that every change which the lease protects must name (Kleppmann, "How to do distributed locking", 2016).
 */
import { kernelErrors } from '../errors.ts'
import { isError, type KeelsonError } from '../keelson-error.ts'
import type { Database, Queryable, Statement } from './database.ts'
import { type Migration, migrate } from './migrate.ts'

/**
 * Rows that are leased: any table that has `owner text`, `fence bigint not null default 0` and `leased_until timestamptz` beside its
 * own columns, so that one statement moves what the lease protects and renews it.
 */
export interface LeaseTable {
  readonly name: string
  /** The columns of its key, in their order, with their SQL types. */
  readonly key: Readonly<Record<string, string>>
}

export interface LeasesOptions {
  /** The holder, another for each process and each start. */
  readonly owner: string
  /** How long a lease lasts after its last renewal. Renew it at least three times as often. */
  readonly leaseMs: number
  /** Default `keelson_leases`, of which each row is a `name`; it is made when the leases are opened, and its rows as they are asked for. */
  readonly table?: LeaseTable
}

export interface Lease {
  /** In the order of the table's key. */
  readonly key: readonly unknown[]
  /** Grows with each holder of the row. */
  readonly fence: number
}

export interface AcquiredLease<Row extends object = object> extends Lease {
  /** True when another holder did not give it back: it may have died of its work, which may be half done. */
  readonly isInherited: boolean
  /** The columns that were asked for. */
  readonly row: Row
}

/** What changes in the leased row at the same time. Parameters are counted from $1. */
export interface LeaseChange {
  /** Assignments: `position = $1, epoch = $2`. */
  readonly set?: string
  readonly parameters?: readonly unknown[]
  /** Columns of the row to give back: `position, epoch`. */
  readonly returning?: string
}

/** Which of the rows that nobody holds to take. `where` and `set` see the table as `leased`. */
export interface LeaseSearch extends LeaseChange {
  readonly where: string
  readonly orderBy?: string
  readonly limit: number
}

const ownTable: LeaseTable = { name: 'keelson_leases', key: { name: 'text' } }

/** PostgreSQL's code for a statement in a batch whose lease is another's by now. */
const lostState = 'KE001'

const leaseMigrations: readonly Migration[] = [
  {
    version: 1,
    name: 'leases',
    statements: [
      `create table keelson_leases (name text collate "C" primary key, owner text, fence bigint not null default 0, leased_until timestamptz)`,
      `create function keelson_require_lease(is_held boolean) returns void language plpgsql as $$
      begin
        if not is_held then raise exception 'another holder has this lease' using errcode = '${lostState}'; end if;
      end $$`,
    ],
  },
]

/** Whether an error says that the lease is another holder's by now, from a call of `Leases` as well as from a batch with one of its statements. */
export function isLeaseLost(error: unknown): error is KeelsonError {
  if (isError(error, 'LEASE_LOST')) return true
  return isError(error, 'DATABASE_QUERY_FAILED') && error.details['sqlState'] === lostState
}

/** The leases of one holder on one table. */
export class Leases {
  readonly #database: Database
  readonly #owner: string
  readonly #leaseMs: number
  readonly #table: LeaseTable
  readonly #columns: readonly string[]

  private constructor(database: Database, { owner, leaseMs, table = ownTable }: LeasesOptions) {
    this.#database = database
    this.#owner = owner
    this.#leaseMs = leaseMs
    this.#table = table
    this.#columns = Object.keys(table.key)
  }

  static async open(database: Database, options: LeasesOptions): Promise<Leases> {
    await migrate(database, 'leases', leaseMigrations)
    return new Leases(database, options)
  }

  /**
   * Takes a row that is free: never held, given back, run out or held under the same name. Undefined while another holds it, and for a
   * row that is missing in a table of the caller's own. A row that another transaction has locked is in use, whatever its lease says.
   */
  async acquire<Row extends object>(
    key: readonly unknown[],
    change: LeaseChange = {},
  ): Promise<AcquiredLease<Row> | undefined> {
    if (this.#table === ownTable) await this.#insert(key)
    const { parameters = [] } = change
    const where = this.#columns.map((column, at) => `leased.${column} = $${parameters.length + at + 1}`).join(' and ')
    const [lease] = await this.acquireSome<Row>({ ...change, parameters: [...parameters, ...key], where, limit: 1 })
    return lease
  }

  /** Takes up to `limit` free rows; those that another takes at the same moment are left out. */
  async acquireSome<Row extends object>(search: LeaseSearch): Promise<readonly AcquiredLease<Row>[]> {
    const { where, orderBy, limit, set, parameters = [], returning } = search
    const { nowSql } = this.#database
    const [owner, leaseMs, most] = [1, 2, 3].map((at) => `$${parameters.length + at}`)
    const columns = this.#columns.map((column) => `leased.${column}`).join(', ')
    const isSame = this.#columns.map((column) => `leased.${column} = free.${column}`).join(' and ')
    const { rows } = await this.#database.query<Row & LeaseRow>(
      `update ${this.#table.name} leased set owner = ${owner}, fence = leased.fence + 1,
          leased_until = ${nowSql} + ${leaseMs} * interval '1 ms'${set ? `, ${set}` : ''}
        from (select ${columns}, leased.owner as lease_before from ${this.#table.name} leased
          where (leased.owner is null or leased.owner = ${owner} or leased.leased_until <= ${nowSql}) and (${where})
          ${orderBy ? `order by ${orderBy}` : ''} limit ${most} for update skip locked) free
        where ${isSame}
        returning json_build_array(${columns}) as lease_key, leased.fence as lease_fence,
          coalesce(free.lease_before <> ${owner}, false) as lease_inherited${returning ? `, ${returning}` : ''}`,
      [...parameters, this.#owner, this.#leaseMs, limit],
    )
    return rows.map(({ lease_key: key, lease_fence: fence, lease_inherited: isInherited, ...row }) => ({
      ...{ key, fence, isInherited },
      // All that is left are the columns that the caller asked for.
      row: row as unknown as Row,
    }))
  }

  /**
   * Renews a lease, and changes its row. Rejects with LEASE_LOST, and changes nothing, when another has it by now; one that has run out
   * and that nobody took is renewed.
   *
   * Within `transaction` it keeps the row locked until the end, so that nobody can take it over before the commit: call it before the
   * work that the lease protects. A holder that is paused in there does not keep the row either: when it is silent for as long as the
   * lease lasts, the server ends its transaction.
   */
  async keep<Row extends object>(lease: Lease, change: LeaseChange = {}, transaction?: Queryable): Promise<Row> {
    const { sql, parameters } = this.#keepStatement(lease, change, transaction !== undefined)
    const { rows } = await (transaction ?? this.#database).query<Row>(sql, parameters)
    const row = rows[0]
    if (!row) throw kernelErrors.LEASE_LOST({ lease: `${this.#table.name} ${lease.key.join(' ')}` })
    return row
  }

  /** As `keep`, for a batch: the whole batch is refused, with an error that `isLeaseLost` knows, when another has the lease by now. */
  keepStatement(lease: Lease, change: Omit<LeaseChange, 'returning'> = {}): Statement {
    const { sql, parameters } = this.#keepStatement(lease, change, false)
    return {
      sql: `with kept as (${sql}) select keelson_require_lease(exists (select from kept))`,
      parameters,
    }
  }

  /** Renews those of `leases` that are still this holder's, and gives them. */
  async keepAll<L extends Lease>(leases: readonly L[]): Promise<readonly L[]> {
    const types = Object.values(this.#table.key)
    const keys = types.map((type, at) => `$${at + 4}::${type}[]`).join(', ')
    const { rows } = await this.#database.query<{ at: number }>(
      `update ${this.#table.name} leased set leased_until = ${this.#database.nowSql} + $2 * interval '1 ms'
        from unnest($3::bigint[], ${keys}) with ordinality as held(fence, ${this.#columns.join(', ')}, at)
        where leased.owner = $1 and leased.fence = held.fence
          and ${this.#columns.map((column) => `leased.${column} = held.${column}`).join(' and ')}
        returning held.at::int as at`,
      [
        ...[this.#owner, this.#leaseMs, leases.map(({ fence }) => fence)],
        ...types.map((_, column) => leases.map(({ key }) => key[column])),
      ],
    )
    const kept = new Set(rows.map(({ at }) => at))
    return leases.filter((_, at) => kept.has(at + 1))
  }

  /** Gives it back, so that another can take it at once. Does nothing when another has it by now. */
  async release(lease: Lease, change: Omit<LeaseChange, 'returning'> = {}): Promise<void> {
    const { set, parameters = [] } = change
    await this.#database.query(
      `update ${this.#table.name} leased set owner = null, leased_until = null${set ? `, ${set}` : ''}
        where ${this.#isHeld(parameters.length)}`,
      [...parameters, lease.fence, ...lease.key],
    )
  }

  #keepStatement(lease: Lease, { set, parameters = [], returning }: LeaseChange, isInTransaction: boolean) {
    const leaseMs = `$${parameters.length + this.#columns.length + 2}`
    const bounded = `set_config('idle_in_transaction_session_timeout', ${leaseMs}::int::text, true)`
    const given = [returning, isInTransaction ? `${bounded} as lease_bound` : undefined].filter(Boolean)
    return {
      sql: `update ${this.#table.name} leased
        set leased_until = ${this.#database.nowSql} + ${leaseMs}::int * interval '1 ms'${set ? `, ${set}` : ''}
        where ${this.#isHeld(parameters.length)} returning ${given.join(', ') || '1 as held'}`,
      parameters: [...parameters, lease.fence, ...lease.key, this.#leaseMs],
    }
  }

  /** A condition whose parameters are the fence and the key. */
  #isHeld(before: number): string {
    const isSame = this.#columns.map((column, at) => `leased.${column} = $${before + at + 2}`)
    return [`leased.fence = $${before + 1}`, 'leased.owner is not null', ...isSame].join(' and ')
  }

  async #insert(key: readonly unknown[]): Promise<void> {
    // Looked for first: an insert would wait for the transaction of a holder that is just renewing the row.
    await this.#database.query(
      `insert into keelson_leases (name) select $1::text where not exists (select from keelson_leases where name = $1)
        on conflict do nothing`,
      key,
    )
  }
}

interface LeaseRow {
  readonly lease_key: readonly unknown[]
  readonly lease_fence: number
  readonly lease_inherited: boolean
}

/**
 * Verification of a log: everything that a reader is given, and whether he is given it, is what was appended and done. The hashes are computed
 * here, from rows; the database, which is under suspicion, only hands them out.
 */
import type { Queryable } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import { type ActRow, actSeal, firstSeal, GrowingSeal, type StoredRow } from './seal-chain.ts'
import { eventsPerSeal } from './seal-tables.ts'
import type { Seal, Seals } from './seals.ts'

export interface VerifyOptions {
  /** A seal that was kept elsewhere: the log must have it. */
  readonly expected?: Seal
  readonly signal?: AbortSignal
}

/** How far it has come; the last one is the result. */
export interface Verification {
  /** Events that have been looked at, erased ones included. */
  readonly verified: number
  readonly total: number
  /** Events whose data is gone, by `truncate` or `tombstone`; their digest is under the seal. */
  readonly erased: number
  /**
   * Up to here a seal that was there before holds. Events after it are in their places, and nothing tells whether they were changed before
   * this verification.
   */
  readonly sealedTo: number
  /** Over everything that was verified. Keep it elsewhere, signed: only who has one from before can tell that all of them were made anew. */
  readonly seal: Seal
}

export interface VerifiedLog {
  readonly id: number
  readonly name: string
  /** Subjects of these events whose key has gone without having been destroyed. */
  lostKeys(rows: readonly StoredRow[]): Promise<readonly string[]>
}

const chunkBytes = 8 * 1024 * 1024

/** Throws EVENTS_LOG_DAMAGED with the first thing that is wrong. */
export async function* verifyLog(
  database: Queryable,
  log: VerifiedLog,
  seals: Seals,
  { expected, signal }: VerifyOptions,
): AsyncGenerator<Verification> {
  const { rows } = await database.query<{ head: number }>('select head from keelson_event_logs where id = $1', [log.id])
  const total = rows[0]?.head ?? 0
  const damaged = (position: number, reason: string) =>
    eventsErrors.EVENTS_LOG_DAMAGED({ log: log.name, position, reason })
  if (expected && expected.position > total)
    throw damaged(total, `the log ends at ${total}, before the expected seal at ${expected.position}`)
  const acts = await Acts.read(database, log.id, expected, damaged)
  const check = new LogCheck(log, acts, expected, damaged)
  let size = eventsPerSeal
  for (let position = 0; position < total; ) {
    signal?.throwIfAborted()
    // Never over the end of a seal.
    const upTo = Math.min(position + size, total, (Math.floor(position / eventsPerSeal) + 1) * eventsPerSeal)
    const chunk = await readRows(database, log.id, position, upTo)
    const stored = await seals.between(position, upTo)
    for (const row of chunk) check.add(row, stored.get(row.position))
    check.requireEnd(upTo)
    const [lost] = await log.lostKeys(chunk)
    if (lost !== undefined) throw damaged(position, `the key of "${lost}" is gone and was never destroyed`)
    const bytes = chunk.reduce((sum, { data, metadata }) => sum + (data?.length ?? 0) + (metadata?.length ?? 0), 1)
    size = Math.max(1, Math.min(eventsPerSeal, Math.floor((chunkBytes * chunk.length) / bytes)))
    position = upTo
    yield { verified: upTo, total, ...check.standing() }
  }
  await check.requireStreams(database)
  await seals.keep(check.proved)
  yield { verified: total, total, ...check.standing() }
}

type Damaged = (position: number, reason: string) => Error

class LogCheck {
  readonly proved = new Map<number, string>()
  readonly #log: VerifiedLog
  readonly #acts: Acts
  readonly #expected: Seal | undefined
  readonly #damaged: Damaged
  readonly #versions = new Map<string, number>()
  #growing: GrowingSeal
  #position = 0
  #recorded = 0n
  #erased = 0
  #sealedTo = 0

  constructor(log: VerifiedLog, acts: Acts, expected: Seal | undefined, damaged: Damaged) {
    this.#log = log
    this.#acts = acts
    this.#expected = expected
    this.#damaged = damaged
    this.#growing = new GrowingSeal(firstSeal(log.name))
  }

  add(row: StoredRow, stored: string | undefined): void {
    const reason = this.#whyWrong(row)
    if (reason) throw this.#damaged(row.position, reason)
    this.#position = row.position
    this.#recorded = BigInt(row.recorded)
    this.#versions.set(row.stream, row.version)
    if (row.state === 'erased') this.#erased += 1
    this.#growing.add(row)
    const expected = this.#expected?.position === row.position ? this.#expected.seal : undefined
    const isFull = row.position % eventsPerSeal === 0
    if (!isFull && expected === undefined) return
    const seal = this.#growing.seal()
    const made = seal.toString('hex')
    if (expected !== undefined && expected !== made)
      throw this.#damaged(row.position, `the seal at ${row.position} is not the one that is expected`)
    if (stored !== undefined && stored !== made)
      throw this.#damaged(row.position, `the seal at ${row.position} does not fit the events under it`)
    if (expected !== undefined || stored !== undefined) this.#sealedTo = row.position
    if (!isFull) return
    if (stored === undefined) this.proved.set(row.position, made)
    this.#growing = new GrowingSeal(seal)
  }

  requireEnd(upTo: number): void {
    if (this.#position !== upTo)
      throw this.#damaged(this.#position, `${upTo - this.#position} events are missing before ${upTo + 1}`)
  }

  standing(): Pick<Verification, 'erased' | 'sealedTo' | 'seal'> {
    const { acts } = this.#acts
    const isFull = this.#position % eventsPerSeal === 0
    const seal = isFull ? this.#growing.before : this.#growing.seal().toString('hex')
    return { erased: this.#erased, sealedTo: this.#sealedTo, seal: { position: this.#position, seal, acts } }
  }

  /** Streams in the order of their names: each as its events and acts say. */
  async requireStreams(database: Queryable): Promise<void> {
    const pageSize = 1_000
    for (let after = ''; ; ) {
      const { rows } = await database.query<{ name: string; version: number; state: string }>(
        'select name, version, state from keelson_event_streams where log = $1 and name > $2 order by name limit $3',
        [this.#log.id, after, pageSize],
      )
      for (const { name, version, state } of rows) {
        const count = this.#versions.get(name) ?? 0
        if (version !== count)
          throw this.#damaged(0, `stream "${name}" is at version ${version} and has ${count} events`)
        const done = this.#acts.stateOf(name)
        if (state !== done) throw this.#damaged(0, `stream "${name}" is ${state}, and was left ${done}`)
        this.#versions.delete(name)
      }
      const last = rows.at(-1)
      if (!last || rows.length < pageSize) break
      after = last.name
    }
    const [lost] = this.#versions
    if (lost) throw this.#damaged(0, `stream "${lost[0]}" has ${lost[1]} events and is not in the list of streams`)
    await this.#acts.requireShredded(database)
  }

  #whyWrong({ position, version, stream, state, data, digest, recorded }: StoredRow): string | undefined {
    if (position !== this.#position + 1) return `${position - this.#position - 1} events are missing before it`
    const before = this.#versions.get(stream) ?? 0
    if (version !== before + 1) return `it is version ${version} of stream "${stream}", after version ${before}`
    if (BigInt(recorded) < this.#recorded) return 'it was recorded before the event before it'
    if (state !== 'erased') {
      if (data === null || digest !== null) return 'it has a digest beside its data, or neither'
      if (state !== 'live' && this.#acts.stateOf(stream) !== 'archived')
        return `it is marked as ${state}, and its stream was never archived`
      return undefined
    }
    if (data !== null || digest === null) return 'it is marked as erased and has its data, or no digest'
    return version < this.#acts.erasedBefore(stream) ? undefined : 'it is marked as erased, and nobody erased it'
  }
}

/** What was done to streams and keys, proved to be an unbroken chain. */
class Acts {
  readonly acts: { readonly count: number; readonly seal: string }
  readonly #log: number
  readonly #damaged: Damaged
  readonly #states = new Map<string, 'archived' | 'tombstoned'>()
  readonly #erasedBefore = new Map<string, number>()
  readonly #shredded: ReadonlySet<string>

  private constructor(log: number, rows: readonly ActRow[], seal: string, damaged: Damaged) {
    this.#log = log
    this.#damaged = damaged
    this.acts = { count: rows.length, seal }
    this.#shredded = new Set(rows.filter(({ kind }) => kind === 'shred').map(({ subject }) => subject))
    for (const { kind, subject, version } of rows) {
      if (kind === 'archive') this.#states.set(subject, 'archived')
      if (kind === 'tombstone') this.#states.set(subject, 'tombstoned')
      const before = kind === 'tombstone' ? Number.POSITIVE_INFINITY : kind === 'truncate' ? version : 0
      this.#erasedBefore.set(subject, Math.max(before, this.erasedBefore(subject)))
    }
  }

  static async read(database: Queryable, log: number, expected: Seal | undefined, damaged: Damaged): Promise<Acts> {
    const { rows } = await database.query<ActRow>(
      `select act, kind, subject, version, (extract(epoch from acted_at) * 1000000)::bigint::text as acted, encode(seal, 'hex') as seal
        from keelson_event_acts where log = $1 order by act`,
      [log],
    )
    let before: Buffer = Buffer.alloc(0)
    for (const [at, row] of rows.entries()) {
      before = actSeal(before, row)
      if (row.act !== at + 1 || row.seal !== before.toString('hex'))
        throw damaged(0, `act ${at + 1}, of what was archived, erased or shredded, is not what was done`)
      if (expected?.acts?.count === row.act && expected.acts.seal !== row.seal)
        throw damaged(0, `the seal over ${row.act} acts is not the one that is expected`)
    }
    if ((expected?.acts?.count ?? 0) > rows.length)
      throw damaged(0, `there are ${rows.length} acts, and the expected seal is over ${expected?.acts?.count}`)
    return new Acts(log, rows, before.toString('hex'), damaged)
  }

  stateOf(stream: string): 'open' | 'archived' | 'tombstoned' {
    return this.#states.get(stream) ?? 'open'
  }

  erasedBefore(stream: string): number {
    return this.#erasedBefore.get(stream) ?? 0
  }

  /** Keys are destroyed by an act, and by nothing else. */
  async requireShredded(database: Queryable): Promise<void> {
    const { rows } = await database.query<{ subject: string }>(
      `select encode(sha256(convert_to(subject, 'UTF8')), 'hex') as subject from keelson_event_keys
        where log = $1 and key is null`,
      [this.#log],
    )
    if (rows.some(({ subject }) => !this.#shredded.has(subject)))
      throw this.#damaged(0, 'the key of a person is gone, and nobody destroyed it')
  }
}

async function readRows(database: Queryable, log: number, after: number, upTo: number): Promise<readonly StoredRow[]> {
  const { rows } = await database.query<StoredRow>(
    `select position, version, (extract(epoch from recorded_at) * 1000000)::bigint::text as recorded, schema_version, id::text as id, stream,
        type, state, encode(digest, 'hex') as digest, data::text as data, metadata::text as metadata, tags
      from keelson_events where log = $1 and position > $2 and position <= $3 order by position`,
    [log, after, upTo],
  )
  return rows
}

/** Verification of a log: positions and versions dense, streams where their events say, and every seal what it was made over. */
import type { Database } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import { eventsPerSeal, type Seal, type Seals } from './seals.ts'

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
  /** The newest seal that was proved. Keep it elsewhere: only who has one from before can tell that all of them were made anew. */
  readonly seal: Seal
}

/** Throws EVENTS_LOG_DAMAGED with the first thing that is wrong. */
export async function* verifyLog(
  database: Database,
  log: number,
  seals: Seals,
  { expected, signal }: VerifyOptions,
): AsyncGenerator<Verification> {
  const { rows } = await database.query<{ name: string; head: number }>(
    'select name, head from keelson_event_logs where id = $1',
    [log],
  )
  const { name = '', head: total = 0 } = rows[0] ?? {}
  const damaged = (position: number, reason: string) => eventsErrors.EVENTS_LOG_DAMAGED({ log: name, position, reason })
  await seals.seal(total)
  let seal: Seal = { position: 0, seal: '' }
  let erased = 0
  let isExpectedMet = expected === undefined || expected.position > total
  for (let position = 0; position < total; position += eventsPerSeal) {
    signal?.throwIfAborted()
    const upTo = Math.min(position + eventsPerSeal, total)
    const [page] = (
      await database.query<PageRow>(
        `select count(*) as events, count(*) filter (where state = 'erased') as erased,
            count(*) filter (where state = 'erased' and (digest is null or data is not null)) as false_erased,
            encode(keelson_event_seal($1, $2, $3, decode($4, 'hex')), 'hex') as made,
            (select encode(s.seal, 'hex') from keelson_event_seals s where s.log = $1 and s.position = $3) as kept
          from keelson_events where log = $1 and position > $2 and position <= $3`,
        [log, position, upTo, seal.seal],
      )
    ).rows
    if (!page || page.events !== upTo - position)
      throw damaged(position, `${upTo - position - (page?.events ?? 0)} events are missing before ${upTo + 1}`)
    if (page.false_erased > 0) throw damaged(position, 'an event is marked as erased and has its data, or no digest')
    if (page.kept !== null && page.kept !== page.made)
      throw damaged(position, `the seal at ${upTo} does not fit the events under it`)
    if (page.kept !== null) seal = { position: upTo, seal: page.made }
    if (expected?.position === upTo) {
      isExpectedMet = true
      if (expected.seal !== page.made) throw damaged(position, `the seal at ${upTo} is not the one that is expected`)
    }
    erased += page.erased
    yield { verified: upTo, total, erased, seal }
  }
  if (!isExpectedMet)
    throw damaged(expected?.position ?? 0, 'the expected seal stands at a position that is never sealed')
  if (expected && expected.position > total)
    throw damaged(total, `the log ends at ${total}, before the expected seal at ${expected.position}`)
  await requireDenseStreams(database, log, damaged)
  yield { verified: total, total, erased, seal }
}

interface PageRow {
  readonly events: number
  readonly erased: number
  readonly false_erased: number
  readonly made: string
  readonly kept: string | null
}

async function requireDenseStreams(
  database: Database,
  log: number,
  damaged: (position: number, reason: string) => Error,
): Promise<void> {
  const { rows } = await database.query<{ name: string; version: number; count: number; first: number }>(
    `select coalesce(s.name, e.stream) as name, coalesce(s.version, 0) as version, coalesce(e.count, 0) as count, coalesce(e.first, 0) as first
      from (select name, version from keelson_event_streams where log = $1) s full join (
        select stream, count(*) as count, max(version) as last, min(position) as first,
          bool_and(position > coalesce(before, 0)) as ordered
        from (select stream, version, position, lag(position) over (partition by stream order by version) as before
          from keelson_events where log = $1) v group by stream) e on e.stream = s.name
      where s.version is distinct from e.count or e.last is distinct from e.count or not e.ordered limit 1`,
    [log],
  )
  const wrong = rows[0]
  if (!wrong) return
  throw damaged(
    wrong.first,
    `stream "${wrong.name}" is at version ${wrong.version} and has ${wrong.count} events, or they are out of order`,
  )
}

/**
 * Brings the rows of a table that an application already has into the log as events: first as a dry run, then for good, and from where it
 * stopped when it was interrupted. The id of an event follows from the import and the key of its row, so that no row comes twice, and at
 * the end rows and events are counted against each other.
 */
import { type Migration, migrate, reasonOf } from '@keelson/kernel'
import { eventsErrors } from '../errors.ts'
import type { NewEvent } from '../store/event.ts'
import { hashedEventId } from '../store/event-ids.ts'
import type { SqlEventStore } from '../store/sql-event-store.ts'

export interface RowImport {
  /** What tells this import from others: its ids and its checkpoint belong to it. */
  readonly name: string
  /** `customers`, or `sales.customers`. */
  readonly table: string
  /** A column whose values differ and can be ordered, such as the primary key. */
  readonly key: string
  /** What a row becomes; undefined for one that is left out, which is counted. A number that JavaScript would round is given as text. */
  readonly toEvents: (row: Readonly<Record<string, unknown>>) => ImportedStream | undefined
  /** Rows read at once. Default 500. */
  readonly pageSize?: number
}

export interface ImportedStream {
  readonly stream: string
  readonly events: readonly Omit<NewEvent, 'id'>[]
}

export interface ImportOptions {
  /** Reads and maps every row and appends nothing. */
  readonly isDryRun?: boolean
  /** From the first row, whatever was imported before: what is there is recognised. */
  readonly isFromStart?: boolean
  readonly signal?: AbortSignal
}

export interface ImportProgress {
  /** Rows of the table when the import began. */
  readonly total: number
  /** Rows that have been read, those of earlier runs included. */
  readonly read: number
  readonly skipped: number
  /** Events appended, or found to be there already. */
  readonly events: number
  readonly isDryRun: boolean
}

const importTables: readonly Migration[] = [
  {
    version: 1,
    name: 'where imports stand',
    statements: [
      `create table keelson_event_imports (
        log text collate "C" not null, name text collate "C" not null, last_key text, read bigint not null, skipped bigint not null,
        events bigint not null, updated_at timestamptz not null default now(), primary key (log, name))`,
    ],
  },
]

interface Place {
  readonly last_key: string | null
  readonly read: number
  readonly skipped: number
  readonly events: number
}

const nowhere: Place = { last_key: null, read: 0, skipped: 0, events: 0 }

/**
 * Yields after each page; the last is the result. Throws EVENTS_IMPORT_INVALID for a table or column that is not there or a row that cannot
 * be mapped, and EVENTS_IMPORT_INCOMPLETE when rows were written meanwhile that it did not see; run it again then, from the start.
 */
export async function* importRows(
  store: SqlEventStore,
  rowImport: RowImport,
  { isDryRun = false, isFromStart = false, signal }: ImportOptions = {},
): AsyncGenerator<ImportProgress> {
  const { database } = store
  await migrate(database, 'imports', importTables)
  const source = await sourceOf(store, rowImport)
  let place = isDryRun || isFromStart ? nowhere : await placeOf(store, rowImport.name)
  const total = await source.count()
  const progress = (): ImportProgress => ({
    total,
    read: place.read,
    skipped: place.skipped,
    events: place.events,
    isDryRun,
  })
  for (;;) {
    signal?.throwIfAborted()
    const rows = await source.readAfter(place.last_key)
    if (rows.length === 0) break
    const mapped = rows.map((row) => mapRow(store.log, rowImport, row))
    if (!isDryRun) await append(store, mapped)
    place = {
      last_key: rows.at(-1)?.key ?? null,
      read: place.read + rows.length,
      skipped: place.skipped + mapped.filter(({ events }) => events.length === 0).length,
      events: place.events + mapped.reduce((sum, { events }) => sum + events.length, 0),
    }
    if (!isDryRun) await note(store, rowImport.name, place)
    yield progress()
  }
  const now = await source.count()
  if (now !== place.read)
    throw eventsErrors.EVENTS_IMPORT_INCOMPLETE({ import: rowImport.name, rows: now, read: place.read })
  yield progress()
}

interface SourceRow {
  readonly key: string
  readonly row: Readonly<Record<string, unknown>>
}

interface Source {
  count(): Promise<number>
  /** In the order of the keys. */
  readAfter(key: string | null): Promise<readonly SourceRow[]>
}

async function sourceOf({ database }: SqlEventStore, { name, table, key, pageSize = 500 }: RowImport): Promise<Source> {
  const { rows } = await database.query<{ source: string; key: string; type: string }>(
    `select c.oid::regclass::text as source, quote_ident(a.attname) as key, format_type(a.atttypid, a.atttypmod) as type
      from pg_class c join pg_attribute a on a.attrelid = c.oid
      where c.oid = to_regclass($1) and a.attname = $2 and a.attnum > 0 and not a.attisdropped`,
    [table, key],
  )
  const found = rows[0]
  if (!found)
    throw eventsErrors.EVENTS_IMPORT_INVALID({
      import: name,
      reason: `there is no table "${table}" with a column "${key}"`,
    })
  const read = `select ${found.key}::text as key, to_json(t)::text as row from ${found.source} t`
  return {
    count: async () =>
      (await database.query<{ count: number }>(`select count(*) as count from ${found.source}`)).rows[0]?.count ?? 0,
    readAfter: async (after) => {
      const where = after === null ? '' : `where ${found.key} > $2::${found.type}`
      const parameters = after === null ? [pageSize] : [pageSize, after]
      const page = await database.query<{ key: string; row: string }>(
        `${read} ${where} order by ${found.key} limit $1`,
        parameters,
      )
      const nameless = page.rows.some((row) => row.key === null)
      if (nameless) throw eventsErrors.EVENTS_IMPORT_INVALID({ import: name, reason: `a row has no value in "${key}"` })
      return page.rows.map((one) => ({ key: one.key, row: rowOf(one.row) }))
    },
  }
}

/** Numbers that JavaScript would round come as text, with every digit. */
function rowOf(json: string): SourceRow['row'] {
  return JSON.parse(json, (_, value: unknown, { source = '' }: { readonly source?: string } = {}) =>
    typeof value === 'number' && String(value) !== source.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '')
      ? source
      : value,
  )
}

function mapRow(
  log: string,
  { name, toEvents }: RowImport,
  { key, row }: SourceRow,
): { readonly stream: string; readonly events: readonly NewEvent[] } {
  try {
    const { stream, events } = toEvents(row) ?? { stream: '', events: [] }
    return {
      stream,
      events: events.map((event, at) => ({ ...event, id: hashedEventId(log, 'import', name, key, at) })),
    }
  } catch (cause) {
    const reason = `the row with the key ${key}: ${reasonOf(cause)}`
    throw eventsErrors.EVENTS_IMPORT_INVALID({ import: name, reason }, { cause })
  }
}

/** Rows of one stream one after the other, in their order; those of others beside them. */
async function append(
  store: SqlEventStore,
  mapped: readonly { readonly stream: string; readonly events: readonly NewEvent[] }[],
): Promise<void> {
  const streams = Map.groupBy(
    mapped.filter(({ events }) => events.length > 0),
    ({ stream }) => stream,
  )
  await Promise.all(
    Array.from(streams, async ([stream, parts]) => {
      for (const { events } of parts) await store.append(stream, events)
    }),
  )
}

async function placeOf({ database, log }: SqlEventStore, name: string): Promise<Place> {
  const { rows } = await database.query<Place>(
    'select last_key, read, skipped, events from keelson_event_imports where log = $1 and name = $2',
    [log, name],
  )
  return rows[0] ?? nowhere
}

async function note(
  { database, log }: SqlEventStore,
  name: string,
  { last_key, read, skipped, events }: Place,
): Promise<void> {
  await database.query(
    `insert into keelson_event_imports (log, name, last_key, read, skipped, events) values ($1, $2, $3, $4, $5, $6)
      on conflict (log, name) do update set last_key = excluded.last_key, read = excluded.read, skipped = excluded.skipped,
        events = excluded.events, updated_at = now()`,
    [log, name, last_key, read, skipped, events],
  )
}

/** `customer-{id}` filled in from a row. Throws when a column is not there or is null. */
export function filledIn(template: string, row: Readonly<Record<string, unknown>>): string {
  return template.replace(/\{([^{}]+)\}/g, (_, column: string) => {
    const value = row[column]
    if (value === null || value === undefined) throw new Error(`it has no value in "${column}"`)
    return typeof value === 'object' ? JSON.stringify(value) : String(value)
  })
}

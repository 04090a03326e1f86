/**
 * Documents and their passages in the database. Every change of a document that a reader could see takes the next value of one counter
 * in the same statement, so that "what changed after N" is a query and an index can follow the database without a second log.
 */
import { type Database, isError, migrate, type Statement } from '@keelson/kernel'
import type { Document } from '../contract.ts'
import { documentsErrors } from '../errors.ts'
import { chunkId, type DocumentContent, type DocumentDraft, parseChunkId } from './document-draft.ts'
import { documentsMigrations } from './documents-migrations.ts'
import type { DocumentType } from './formats/formats.ts'

/** What is known of a file without its text. */
export interface KnownFile {
  readonly id: string
  readonly path: string
  readonly hash: string
  readonly stamp: string
  readonly modifiedAt: number
  /** `deleted` by a user: returns only with another hash. `gone`: its file or folder is no longer there. */
  readonly state: 'live' | 'deleted' | 'gone'
}

/** One document after a change, with all its passages when it is live. */
export interface ChangedDocument {
  readonly id: string
  readonly change: number
  readonly title: string
  readonly path: string
  readonly type: string
  /** ISO 8601, in UTC with milliseconds. */
  readonly modifiedAt: string
  readonly passages: readonly { readonly text: string; readonly headings: readonly string[] }[]
  /** Passages that earlier versions may have had at most. */
  readonly mostChunks: number
}

/** What passages of a document are filtered by and counted under. */
export function attributesOf({ path, type, modifiedAt }: ChangedDocument): Record<string, string> {
  const slash = path.indexOf('/')
  return { path, type, place: slash < 0 ? '' : path.slice(0, slash), modifiedAt }
}

/** A passage with what a hit shows of its document. */
export interface StoredPassage {
  readonly chunkId: string
  readonly documentId: string
  readonly position: number
  /** [start, end) in UTF-16 units of the document's text. */
  readonly start: number
  readonly end: number
  readonly folder: string
  readonly path: string
  readonly title: string
  readonly type: DocumentType
  readonly modifiedAt: string
  readonly headings: string[]
  readonly page: number | null
  readonly lines: [number, number] | null
  readonly text: string
}

export type DocumentWithText = Document & {
  readonly text: string
  readonly passages: DocumentPassage[]
}

interface DocumentPassage {
  readonly chunkId: string
  /** [start, end) in UTF-16 units of the text. */
  readonly start: number
  readonly end: number
  readonly headings: string[]
  readonly page: number | null
  readonly lines: [number, number] | null
}

export interface DocumentsStore {
  /** Tells this database from any other. */
  readonly epoch: string
  lastChange(): Promise<number>
  /** The documents changed after `change`, in that order: about `maxBytes` of text at most, but at least one while there are any. */
  changesAfter(change: number, maxBytes: number): Promise<readonly ChangedDocument[]>
  /** What is known of the files of a folder, by path. */
  knownFiles(folder: string): Promise<ReadonlyMap<string, KnownFile>>
  /** Stores documents whole, all or none. A file that a user deleted stays deleted while its hash is the same; an upload replaces. */
  write(drafts: readonly DocumentDraft[], indexedAt: number): Promise<void>
  /** Notes how unchanged files look now. */
  confirm(files: readonly { readonly id: string; readonly stamp: string; readonly modifiedAt: number }[]): Promise<void>
  /** Marks live documents as gone; tells how many there were. */
  drop(ids: readonly string[]): Promise<number>
  /** Deletes a document for a user. Rejects with DOCUMENTS_NOT_FOUND. */
  remove(id: string): Promise<void>
  /** How many documents and passages are live. */
  count(): Promise<{ documents: number; chunks: number }>
  list(page: { readonly limit: number; readonly offset: number }): Promise<{ documents: Document[]; total: number }>
  /** Rejects with DOCUMENTS_NOT_FOUND. */
  get(id: string): Promise<DocumentWithText>
  /** What was read out of the file of a live document; undefined when there is none. */
  content(id: string): Promise<DocumentContent | undefined>
  /** The passages of these ids in the same order; one that is no longer there is left out. */
  passages(chunkIds: readonly string[]): Promise<StoredPassage[]>
}

/** Opens the store, making or migrating its tables. */
export async function openDocumentsStore(database: Database): Promise<DocumentsStore> {
  await migrate(database, 'documents', documentsMigrations)
  const { rows } = await database.query<{ epoch: string }>('select epoch::text as epoch from documents_changes')
  const epoch = rows[0]?.epoch ?? ''
  return {
    epoch,
    lastChange: () => lastChange(database),
    changesAfter: (change, maxBytes) => changesAfter(database, change, maxBytes),
    knownFiles: (folder) => knownFiles(database, folder),
    write: async (drafts, indexedAt) => void (await database.batch(writeStatements(drafts, indexedAt))),
    confirm: (files) => confirm(database, files),
    drop: (ids) => drop(database, ids),
    remove: (id) => remove(database, id),
    count: () => count(database),
    list: (page) => list(database, page),
    get: (id) => get(database, id),
    async content(id) {
      try {
        const { title, text, passages } = await get(database, id)
        return { title, text, passages }
      } catch (error) {
        if (isError(error, 'DOCUMENTS_NOT_FOUND')) return undefined
        throw error
      }
    },
    passages: (chunkIds) => passages(database, chunkIds),
  }
}

async function lastChange(database: Database): Promise<number> {
  const { rows } = await database.query<{ value: number }>('select value from documents_changes')
  return rows[0]?.value ?? 0
}

async function changesAfter(database: Database, change: number, maxBytes: number): Promise<ChangedDocument[]> {
  // One statement, so that documents and passages are of one moment.
  const { rows } = await database.query<Omit<ChangedDocument, 'modifiedAt'> & { readonly modifiedAt: Date }>(
    `with next as (
      select id, change, title, path, type, state, modified_at, most_chunks, octet_length(text) as size
      from documents where change > $1 order by change limit 200
    ), page as (select *, sum(size) over (order by change) - size as before from next)
    select id, change, title, path, type, modified_at as "modifiedAt", most_chunks as "mostChunks", coalesce(
      (select jsonb_agg(jsonb_build_object('text', text, 'headings', headings) order by position)
        from documents_chunks where document_id = id and state = 'live'), '[]') as passages
    from page where before < $2 order by change`,
    [change, maxBytes],
  )
  return rows.map((row) => ({ ...row, modifiedAt: row.modifiedAt.toISOString() }))
}

async function knownFiles(database: Database, folder: string): Promise<Map<string, KnownFile>> {
  const { rows } = await database.query<Omit<KnownFile, 'modifiedAt'> & { modifiedAt: Date }>(
    `select id, path, hash, stamp, state, modified_at as "modifiedAt" from documents where folder = $1`,
    [folder],
  )
  return new Map(rows.map((row) => [row.path, { ...row, modifiedAt: row.modifiedAt.getTime() }]))
}

// Ids are given as one array wherever rows are found by them: a subquery may be joined by reading the whole table.
function writeStatements(drafts: readonly DocumentDraft[], indexedAt: number): Statement[] {
  const documents = drafts.map(({ passages, ...draft }, index) => ({
    ...draft,
    number: index + 1,
    modifiedAt: new Date(draft.modifiedAt).toISOString(),
    chunks: passages.length,
  }))
  const chunks = drafts.flatMap(({ id, hash, text, passages }) =>
    passages.map(({ lines, ...passage }, position) => ({
      ...passage,
      id,
      hash,
      position,
      first: lines?.[0],
      last: lines?.[1],
      text: text.slice(passage.start, passage.end),
    })),
  )
  return [
    {
      sql: `with given as (
        select * from jsonb_to_recordset($1::jsonb) as given(number int, id text, folder text, path text, title text, type text, bytes int,
          "modifiedAt" timestamptz, hash text, stamp text, text text, chunks int)
      ), counter as (update documents_changes set value = value + $2::int returning value)
      insert into documents (id, folder, path, title, type, bytes, modified_at, indexed_at, hash, stamp, text, chunks, most_chunks, state, change)
      select id, folder, path, title, type, bytes, "modifiedAt", $3::timestamptz, hash, stamp, text, chunks, chunks, 'live',
        counter.value - $2::int + number from given, counter
      on conflict (id) do update set title = excluded.title, type = excluded.type, bytes = excluded.bytes, modified_at = excluded.modified_at,
        indexed_at = excluded.indexed_at, hash = excluded.hash, stamp = excluded.stamp, text = excluded.text, chunks = excluded.chunks,
        most_chunks = greatest(documents.most_chunks, excluded.chunks), state = 'live', change = excluded.change
      where documents.state <> 'deleted' or documents.hash <> excluded.hash or documents.folder = ''`,
      parameters: [documents, drafts.length, new Date(indexedAt)],
    },
    {
      sql: `delete from documents_chunks where document_id = any(array(select jsonb_array_elements_text($1::jsonb)))`,
      parameters: [drafts.map((draft) => draft.id)],
    },
    {
      sql: `insert into documents_chunks (document_id, position, start_at, end_at, text, headings, page, first_line, last_line)
        select given.id, position, start, "end", given.text, headings, page, first, last
        from jsonb_to_recordset($1::jsonb) as given(id text, hash text, position int, start int, "end" int, text text, headings jsonb, page int,
          first int, last int)
        join documents on documents.id = given.id and documents.hash = given.hash and documents.state = 'live'`,
      parameters: [chunks],
    },
  ]
}

async function confirm(database: Database, files: Parameters<DocumentsStore['confirm']>[0]): Promise<void> {
  if (files.length === 0) return
  const given = files.map((file, index) => ({
    ...file,
    number: index + 1,
    modifiedAt: new Date(file.modifiedAt).toISOString(),
  }))
  await database.query(
    `with given as (
      select * from jsonb_to_recordset($1::jsonb) as given(number int, id text, stamp text, "modifiedAt" timestamptz)
    ), counter as (update documents_changes set value = value + $2::int returning value)
    update documents set stamp = given.stamp, modified_at = given."modifiedAt",
      change = case when modified_at = given."modifiedAt" then change else counter.value - $2::int + number end
    from given, counter where documents.id = given.id`,
    [given, files.length],
  )
}

async function drop(database: Database, ids: readonly string[]): Promise<number> {
  if (ids.length === 0) return 0
  const [dropped] = await database.batch(
    dropStatements(`id = any(array(select jsonb_array_elements_text($1::jsonb)))`, [ids]),
  )
  return dropped?.affected ?? 0
}

/** Marks as gone the live documents for which `condition` holds. */
export function dropStatements(condition: string, parameters: readonly unknown[]): Statement[] {
  return [
    {
      sql: `with lost as (select id, row_number() over (order by id) as number from documents where state = 'live' and ${condition}),
        counter as (update documents_changes set value = value + (select count(*) from lost) returning value)
        update documents set state = 'gone', text = '', chunks = 0, change = counter.value - (select count(*) from lost) + number
        from lost, counter where documents.id = lost.id and state = 'live'`,
      parameters,
    },
    {
      sql: `delete from documents_chunks where document_id in (select id from documents where state <> 'live' and ${condition})`,
      parameters,
    },
  ]
}

async function remove(database: Database, id: string): Promise<void> {
  const [removed] = await database.batch([
    {
      sql: `with counter as (
        update documents_changes set value = value + 1 where exists (select from documents where id = $1 and state = 'live') returning value
      ) update documents set state = 'deleted', text = '', chunks = 0, change = counter.value from counter where id = $1 and state = 'live'`,
      parameters: [id],
    },
    {
      sql: `delete from documents_chunks where document_id in (select id from documents where id = $1 and state <> 'live')`,
      parameters: [id],
    },
  ])
  if (removed?.affected !== 1) throw documentsErrors.DOCUMENTS_NOT_FOUND({ id })
}

async function count(database: Database): Promise<{ documents: number; chunks: number }> {
  const { rows } = await database.query<{ documents: number; chunks: number }>(
    `select count(*)::int as documents, coalesce(sum(chunks), 0)::int as chunks from documents where state = 'live'`,
  )
  return rows[0] ?? { documents: 0, chunks: 0 }
}

const documentColumns = `id, folder, path, title, type, bytes, chunks, modified_at as "modifiedAt", indexed_at as "indexedAt"`

type DocumentRow = Omit<Document, 'modifiedAt' | 'indexedAt'> & { readonly modifiedAt: Date; readonly indexedAt: Date }

async function list(
  database: Database,
  page: { limit: number; offset: number },
): Promise<{ documents: Document[]; total: number }> {
  const [documents, count] = await Promise.all([
    database.query<DocumentRow>(
      `select ${documentColumns} from documents where state = 'live' order by folder collate "C", path collate "C" limit $1 offset $2`,
      [page.limit, page.offset],
    ),
    database.query<{ total: number }>(`select count(*)::int as total from documents where state = 'live'`),
  ])
  return { documents: documents.rows.map(documentOf), total: count.rows[0]?.total ?? 0 }
}

/** First and last line as an array, or null. */
const linesColumn = `case when first_line is null then null else jsonb_build_array(first_line, last_line) end`

async function get(database: Database, id: string): Promise<DocumentWithText> {
  const { rows } = await database.query<DocumentRow & { text: string; passages: Omit<DocumentPassage, 'chunkId'>[] }>(
    `select ${documentColumns}, text, coalesce((select jsonb_agg(jsonb_build_object('start', start_at, 'end', end_at, 'headings', headings,
        'page', page, 'lines', ${linesColumn}) order by position) from documents_chunks where document_id = id), '[]') as passages
    from documents where id = $1 and state = 'live'`,
    [id],
  )
  const [row] = rows
  if (!row) throw documentsErrors.DOCUMENTS_NOT_FOUND({ id })
  const passages = row.passages.map((passage, position) => ({ chunkId: chunkId(id, position), ...passage }))
  return { ...documentOf(row), text: row.text, passages }
}

async function passages(database: Database, chunkIds: readonly string[]): Promise<StoredPassage[]> {
  if (chunkIds.length === 0) return []
  const { rows } = await database.query<Omit<StoredPassage, 'chunkId' | 'modifiedAt'> & { readonly modifiedAt: Date }>(
    `select chunk.document_id as "documentId", chunk.position, start_at as start, end_at as "end", folder, path, title, type,
      modified_at as "modifiedAt", headings, page, ${linesColumn} as lines, chunk.text
    from jsonb_to_recordset($1::jsonb) as given("documentId" text, position int)
    -- One look-up for each, whatever the planner thinks of tables that nobody has analysed.
    cross join lateral (
      select * from documents_chunks where document_id = given."documentId" and position = given.position limit 1
    ) as chunk
    cross join lateral (select * from documents where id = chunk.document_id and state = 'live' limit 1) as document`,
    [chunkIds.map(parseChunkId)],
  )
  const byId = new Map(rows.map((row) => [chunkId(row.documentId, row.position), row]))
  return chunkIds.flatMap((id) => {
    const row = byId.get(id)
    return row ? [{ chunkId: id, ...row, modifiedAt: row.modifiedAt.toISOString() }] : []
  })
}

function documentOf(row: DocumentRow): Document {
  const { id, folder, path, title, type, bytes, chunks, modifiedAt, indexedAt } = row
  return {
    id,
    folder,
    path,
    title,
    type,
    bytes,
    chunks,
    modifiedAt: modifiedAt.toISOString(),
    indexedAt: indexedAt.toISOString(),
  }
}

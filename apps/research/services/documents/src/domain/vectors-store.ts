/** The vectors of passages in the database, by the model and version that made them, so that nothing is embedded twice. */
import { createHash } from 'node:crypto'
import type { Database } from '@keelson/kernel'
import type { ModelRef } from '../../../models/src/contract.ts'
import { titleWithHeadings } from './passages.ts'

export interface DocumentVectors {
  readonly documentId: string
  /** `contentOf` the texts that were embedded. */
  readonly content: string
  /** One for each passage; all zeros where the model knows nothing of it. */
  readonly vectors: readonly Float32Array[]
}

export interface VectorsStore {
  /** Those that are there, by document. */
  read(
    model: ModelRef,
    dimension: number,
    documentIds: readonly string[],
  ): Promise<ReadonlyMap<string, DocumentVectors>>
  write(model: ModelRef, documents: readonly DocumentVectors[]): Promise<void>
  /** Drops the vectors of all models but one. */
  keepOnly(model: ModelRef): Promise<void>
  /** The texts of all live passages as they are embedded, some hundreds at a time. */
  corpus(): AsyncGenerator<readonly string[], void>
  /** Up to `limit` texts of passages whose documents changed after `change`, and how many such passages there are. */
  changedAfter(change: number, limit: number): Promise<{ readonly count: number; readonly texts: readonly string[] }>
}

const corpusPage = 500

export function createVectorsStore(database: Database): VectorsStore {
  return {
    async read({ model, version }, dimension, documentIds) {
      const { rows } = await database.query<{ id: string; content: string; vectors: Uint8Array }>(
        `select document_id as id, content, vectors from documents_vectors
        where model = $1 and version = $2 and document_id = any(array(select jsonb_array_elements_text($3::jsonb)))`,
        [model, version, documentIds],
      )
      return new Map(
        rows.map(({ id, content, vectors }) => [
          id,
          { documentId: id, content, vectors: fromBytes(vectors, dimension) },
        ]),
      )
    },
    async write({ model, version }, documents) {
      if (documents.length === 0) return
      await database.batch(
        documents.map(({ documentId, content, vectors }) => ({
          // A document that is gone by now needs none.
          sql: `insert into documents_vectors (model, version, document_id, content, vectors)
            select $1, $2, id, $4, $5::bytea from documents where id = $3
            on conflict (model, version, document_id) do update set content = excluded.content, vectors = excluded.vectors`,
          parameters: [model, version, documentId, content, toBytes(vectors)],
        })),
      )
    },
    async keepOnly({ model, version }) {
      await database.query('delete from documents_vectors where not (model = $1 and version = $2)', [model, version])
    },
    async *corpus() {
      let after = { id: '', position: -1 }
      for (;;) {
        const { rows } = await database.query<{ id: string; position: number; text: string }>(
          `select documents.id, position, ${embeddedText} as text
          from documents_chunks chunk join documents on documents.id = chunk.document_id and state = 'live'
          where (chunk.document_id, position) > ($1, $2) order by chunk.document_id, position limit $3`,
          [after.id, after.position, corpusPage],
        )
        const last = rows.at(-1)
        if (!last) return
        yield rows.map(({ text }) => text)
        after = last
      }
    },
    async changedAfter(change, limit) {
      const { rows } = await database.query<{ count: number; texts: string[] }>(
        `with changed as (
          select id, title, chunks, change from documents where state = 'live' and change > $1
        ) select (select coalesce(sum(chunks), 0)::int from changed) as count, coalesce((select jsonb_agg(text) from (
          select ${embeddedText.replaceAll('documents.', 'changed.')} as text
          from changed join documents_chunks chunk on chunk.document_id = changed.id order by changed.change desc limit $2
        ) as newest), '[]') as texts`,
        [change, limit],
      )
      return rows[0] ?? { count: 0, texts: [] }
    },
  }
}

/** A passage as it is embedded, in SQL; `embeddedTextOf` is the same here. */
const embeddedText = `documents.title || coalesce((select string_agg(' › ' || heading, '' order by number)
  from jsonb_array_elements_text(chunk.headings) with ordinality as list (heading, number)), '') || E'\\n' || chunk.text`

export function embeddedTextOf(title: string, passage: { text: string; headings: readonly string[] }): string {
  return `${titleWithHeadings(title, passage.headings)}\n${passage.text}`
}

export function contentOf(texts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const text of texts) hash.update(`${text.length}\n${text}`)
  return hash.digest('base64url')
}

function toBytes(vectors: readonly Float32Array[]): Uint8Array {
  const bytes = new Uint8Array(vectors.reduce((sum, vector) => sum + vector.byteLength, 0))
  let at = 0
  for (const vector of vectors) {
    bytes.set(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength), at)
    at += vector.byteLength
  }
  return bytes
}

function fromBytes(bytes: Uint8Array, dimension: number): Float32Array[] {
  // The bytes may begin where no float may.
  const floats = new Float32Array(bytes.slice().buffer)
  const vectors: Float32Array[] = []
  for (let at = 0; at + dimension <= floats.length; at += dimension) vectors.push(floats.subarray(at, at + dimension))
  return vectors
}

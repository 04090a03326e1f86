/**
 * Vectors in PostgreSQL by the pgvector extension, on the kernel's `Database` port: a table for each collection with a graph (HNSW) by
 * cosine. Texts and vectors can then be in one database, under one log and one backup.
 */
import {
  infrastructureErrors,
  readFiltered,
  requireCollection,
  requireEntries,
  requireQuery,
  type SearchFilter,
  type StoredHit,
  type StoreOptions,
  type VectorStore,
} from '@keelson/infrastructure'
import { type Database, migrate } from '@keelson/kernel'

const migrations = [
  {
    version: 1,
    name: 'collections of vectors',
    statements: [
      'create extension if not exists vector',
      'create table keelson_vector_collections (name text primary key, dimension integer not null)',
    ],
  },
]

/** Two that create or drop the same collection take turns. */
const takeTurns = { sql: `select pg_advisory_xact_lock(hashtext('keelson_vector_collections'))` }
/** What the graph looks at when it is not told: it gives no more hits than that. */
const graphDepth = 40

/**
 * The store in this database, in which the extension can be created (its package is installed, and the role may).
 *
 * Searches without filters go through pgvector's graph; those with filters look at every entry, `equals` filtered by PostgreSQL, `glob` and
 * `atLeast` here. Rejects with DATABASE_QUERY_FAILED when there is no extension.
 */
export async function createPgvectorStore(database: Database): Promise<VectorStore> {
  await migrate(database, 'pgvector', migrations)

  const dimensionOf = async (collection: string, { signal }: StoreOptions = {}): Promise<number> => {
    signal?.throwIfAborted()
    const { rows } = await database.query<{ dimension: number }>(
      'select dimension from keelson_vector_collections where name = $1',
      [collection],
    )
    signal?.throwIfAborted()
    const [row] = rows
    if (!row) throw infrastructureErrors.VECTOR_COLLECTION_UNKNOWN({ collection })
    return row.dimension
  }

  return {
    async create(collection, { signal } = {}) {
      signal?.throwIfAborted()
      requireCollection(collection)
      const { name, dimension } = collection
      const table = tableOf(name)
      await database.batch([
        takeTurns,
        {
          sql: 'insert into keelson_vector_collections (name, dimension) values ($1, $2) on conflict (name) do nothing',
          parameters: [name, dimension],
        },
        {
          sql: `create table if not exists ${table} (id text primary key, attributes jsonb not null, vector vector(${dimension}) not null)`,
        },
        {
          sql: `create index if not exists ${indexOf(name)} on ${table} using hnsw (vector vector_cosine_ops)`,
        },
      ])
      const found = await dimensionOf(name)
      if (found !== dimension)
        throw infrastructureErrors.VECTOR_COLLECTION_CONFLICT({ collection: name, found, dimension })
    },
    async drop(name, { signal } = {}) {
      signal?.throwIfAborted()
      await database.batch([
        takeTurns,
        { sql: `drop table if exists ${tableOf(name)}` },
        { sql: 'delete from keelson_vector_collections where name = $1', parameters: [name] },
      ])
    },
    async upsert(name, entries, options) {
      // In the order of ids, so that two calls over the same entries wait for each other and never in a circle.
      const distinct = requireEntries(entries, await dimensionOf(name, options)).toSorted((a, b) =>
        a.id < b.id ? -1 : 1,
      )
      if (distinct.length === 0) return
      const given = distinct.map(({ id, vector, attributes }) => ({ id, attributes, vector: textOf(vector) }))
      await database.query(
        `insert into ${tableOf(name)} (id, attributes, vector)
        select id, attributes, vector::vector from jsonb_to_recordset($1::jsonb) as given(id text, attributes jsonb, vector text)
        on conflict (id) do update set attributes = excluded.attributes, vector = excluded.vector`,
        [given],
      )
    },
    async remove(name, ids, options) {
      await dimensionOf(name, options)
      await database.query(
        `delete from ${tableOf(name)} where id = any(array(select jsonb_array_elements_text($1::jsonb)))`,
        [ids],
      )
    },
    async search(name, query, options) {
      requireQuery(query, await dimensionOf(name, options))
      const { equals, others } = split(query.filters ?? [])
      return readFiltered(query, others, async (offset, size) => {
        options?.signal?.throwIfAborted()
        const isInGraph = equals.length === 0 && offset === 0 && size <= graphDepth
        const [, result] = await database.batch([
          { sql: `set local enable_indexscan = ${isInGraph ? 'on' : 'off'}` },
          {
            sql: `select id, attributes, 1 - (vector <=> $1::vector) as score from ${tableOf(name)}
              where attributes @> $2::jsonb order by vector <=> $1::vector limit $3 offset $4`,
            parameters: [textOf(query.vector), Object.fromEntries(equals), size, offset],
          },
        ])
        // The columns that were selected.
        return (result?.rows ?? []) as unknown as readonly StoredHit[]
      })
    },
    async count(name, options) {
      await dimensionOf(name, options)
      const { rows } = await database.query<{ count: number }>(`select count(*)::int as count from ${tableOf(name)}`)
      return rows[0]?.count ?? 0
    },
  }
}

/** What PostgreSQL looks for in the attributes, and what is looked at here. */
function split(filters: readonly SearchFilter[]): { equals: [string, string][]; others: SearchFilter[] } {
  const equals = new Map<string, string>()
  const others: SearchFilter[] = []
  for (const filter of filters) {
    if ('equals' in filter && !equals.has(filter.attribute)) equals.set(filter.attribute, filter.equals)
    else others.push(filter)
  }
  return { equals: [...equals], others }
}

/** A name that holds anything else is of no collection, and nothing comes of asking for it. */
function tableOf(name: string): string {
  return `"keelson_vectors_${name.replaceAll(/[^\w-]/g, '')}"`
}

function indexOf(name: string): string {
  return `"keelson_near_${name}"`
}

/** As pgvector reads them; the shortest digits that give the same 32-bit number. */
function textOf(vector: Float32Array): string {
  return `[${vector.join(',')}]`
}

/**
 * Vectors on a Qdrant server, over its REST interface with `fetch` and no client. A Qdrant id is a number or UUID: ours become UUIDs made
 * from their SHA-256, and stand in the payload as they are. Source: the OpenAPI document of Qdrant 1.19; what is used of it has been there
 * since 1.10.
 */
import { createHash } from 'node:crypto'
import {
  infrastructureErrors,
  readFiltered,
  requireCollection,
  requireEntries,
  requireQuery,
  type SearchFilter,
  type StoredHit,
  type StoreOptions,
  type VectorEntry,
  type VectorStore,
} from '@keelson/infrastructure'
import { isError } from '@keelson/kernel'
import { QdrantServer, type QdrantServerOptions } from './qdrant-server.ts'

export interface QdrantOptions extends QdrantServerOptions {}

/** Points that travel in one request. */
const pointsPerRequest = 500

/**
 * The store on a server. Nothing is asked of it before the first call. `equals` is filtered by Qdrant, `glob` and `atLeast` here, reading
 * on behind them. A call that finds the server away or overloaded is repeated, after `retry-after` where it says so; then it rejects with
 * VECTOR_STORE_UNAVAILABLE, and with VECTOR_STORE_REFUSED for what the server does not take.
 */
export function createQdrantStore(options: QdrantOptions): VectorStore {
  const server = new QdrantServer(options)
  const dimensions = new Map<string, number>()

  /** Undefined when there is no such collection. */
  const askDimension = async (collection: string, { signal }: StoreOptions = {}): Promise<number | undefined> => {
    const answer = await server.ask('GET', pathOf(collection), undefined, signal).catch((error: unknown) => {
      if (isError(error, 'VECTOR_COLLECTION_UNKNOWN')) return undefined
      throw error
    })
    if (answer === undefined) return undefined
    const size = read(answer, 'config', 'params', 'vectors', 'size')
    if (typeof size !== 'number') throw server.garbled('a collection without a size of its vectors')
    dimensions.set(collection, size)
    return size
  }
  const dimensionOf = async (collection: string, options: StoreOptions = {}): Promise<number> => {
    options.signal?.throwIfAborted()
    const dimension = dimensions.get(collection) ?? (await askDimension(collection, options))
    if (dimension === undefined) throw infrastructureErrors.VECTOR_COLLECTION_UNKNOWN({ collection })
    return dimension
  }

  return {
    async create(collection, options = {}) {
      options.signal?.throwIfAborted()
      requireCollection(collection)
      const { name, dimension } = collection
      let found = await askDimension(name, options)
      if (found === undefined) {
        const body = { vectors: { size: dimension, distance: 'Cosine' } }
        // Another process may have made it in between: what is there then is looked at.
        await server.ask('PUT', pathOf(name), body, options.signal).catch(async (error: unknown) => {
          if (!isError(error, 'VECTOR_STORE_REFUSED')) throw error
        })
        found = await askDimension(name, options)
      }
      if (found === undefined) throw server.garbled('that a collection just made is not there')
      if (found !== dimension)
        throw infrastructureErrors.VECTOR_COLLECTION_CONFLICT({ collection: name, found, dimension })
    },
    async drop(name, { signal } = {}) {
      signal?.throwIfAborted()
      dimensions.delete(name)
      await server.ask('DELETE', pathOf(name), undefined, signal).catch((error: unknown) => {
        if (!isError(error, 'VECTOR_COLLECTION_UNKNOWN')) throw error
      })
    },
    async upsert(name, entries, options) {
      const points = requireEntries(entries, await dimensionOf(name, options)).map(pointOf)
      for (let from = 0; from < points.length; from += pointsPerRequest) {
        const body = { points: points.slice(from, from + pointsPerRequest) }
        await server.ask('PUT', `${pathOf(name)}/points?wait=true`, body, options?.signal)
      }
    },
    async remove(name, ids, options) {
      await dimensionOf(name, options)
      if (ids.length === 0) return
      const body = { points: ids.map(pointId) }
      await server.ask('POST', `${pathOf(name)}/points/delete?wait=true`, body, options?.signal)
    },
    async search(name, query, options) {
      requireQuery(query, await dimensionOf(name, options))
      const { must, others } = split(query.filters ?? [])
      if (query.limit === 0) return { hits: [] }
      return readFiltered(query, others, async (offset, limit) => {
        const body = {
          query: [...query.vector],
          limit,
          offset,
          with_payload: true,
          ...(must.length > 0 && { filter: { must } }),
        }
        const answer = await server.ask('POST', `${pathOf(name)}/points/query`, body, options?.signal)
        const points = read(answer, 'points')
        if (!Array.isArray(points)) throw server.garbled('a search without a list of points')
        return points.map((point: unknown) => hitOf(point, server))
      })
    },
    async count(name, options) {
      await dimensionOf(name, options)
      const answer = await server.ask('POST', `${pathOf(name)}/points/count`, { exact: true }, options?.signal)
      const count = read(answer, 'count')
      if (typeof count !== 'number') throw server.garbled('a count that is no number')
      return count
    },
  }
}

function pathOf(collection: string): string {
  return `/collections/${encodeURIComponent(collection)}`
}

function pointOf({ id, vector, attributes }: VectorEntry) {
  return { id: pointId(id), vector: [...vector], payload: { id, attributes } }
}

/** A UUID of version 8: 122 bits of the id's SHA-256. */
function pointId(id: string): string {
  const digits = createHash('sha256').update(id).digest('hex')
  const variant = ((Number.parseInt(digits[16] ?? '0', 16) & 0x3) | 0x8).toString(16)
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `8${digits.slice(13, 16)}`,
    `${variant}${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ].join('-')
}

/** What Qdrant filters by, and what is looked at here. */
function split(filters: readonly SearchFilter[]) {
  const must: { key: string; match: { value: string } }[] = []
  const others: SearchFilter[] = []
  for (const filter of filters) {
    // A key is a path: a name that reads like one is not left to Qdrant.
    if ('equals' in filter && /^\w+$/.test(filter.attribute))
      must.push({ key: `attributes.${filter.attribute}`, match: { value: filter.equals } })
    else others.push(filter)
  }
  return { must, others }
}

function hitOf(point: unknown, server: QdrantServer): StoredHit {
  const id = read(point, 'payload', 'id')
  const score = read(point, 'score')
  const attributes = read(point, 'payload', 'attributes')
  if (typeof id !== 'string' || typeof score !== 'number' || typeof attributes !== 'object' || attributes === null)
    throw server.garbled('a point without what was stored with it')
  const texts = Object.entries(attributes).filter((one): one is [string, string] => typeof one[1] === 'string')
  return { id, score, attributes: Object.fromEntries(texts) }
}

/** A value inside an answer, whatever that is; undefined when it is not there. */
function read(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  )
}

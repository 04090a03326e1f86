/**
 * A server on loopback that keeps points as Qdrant does, behind the part of its REST interface that the adapter uses. Fields it does not know
 * are refused, as are ids that are none; bodies have the types that Qdrant's own client was generated with from its OpenAPI document.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import type { QdrantClient } from '@qdrant/js-client-rest'

type Upsert = Extract<Parameters<QdrantClient['upsert']>[1], { points: unknown }>
type Point = Upsert['points'][number]
type Query = Parameters<QdrantClient['query']>[1]
type Condition = { readonly key: string; readonly match: { readonly value: string } }

interface Collection {
  readonly size: number
  readonly points: Map<string, { readonly vector: readonly number[]; readonly payload: Record<string, unknown> }>
}

export interface QdrantDouble extends AsyncDisposable {
  readonly url: string
  readonly requests: { readonly method: string; readonly path: string; readonly apiKey: string | undefined }[]
  /** What the next requests get instead, one each. */
  misbehave(...replies: ((response: ServerResponse) => void)[]): void
}

class Refusal extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export async function startQdrantDouble(): Promise<QdrantDouble> {
  const collections = new Map<string, Collection>()
  const requests: QdrantDouble['requests'] = []
  const misbehaviour: ((response: ServerResponse) => void)[] = []
  const server = createServer((request, response) => {
    const key = request.headers['api-key']
    requests.push({
      method: request.method ?? '',
      path: request.url ?? '',
      apiKey: typeof key === 'string' ? key : undefined,
    })
    const odd = misbehaviour.shift()
    if (odd) {
      request.resume()
      odd(response)
      return
    }
    void serve(request, collections).then(
      (result) => answer(response, 200, { result, status: 'ok', time: 0.001 }),
      (error: unknown) => {
        const status = error instanceof Refusal ? error.status : 500
        const message = error instanceof Error ? error.message : String(error)
        answer(response, status, { status: { error: message }, time: 0.001 })
      },
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    // A server that listens on TCP has an address of this form.
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    misbehave: (...replies) => void misbehaviour.push(...replies),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

async function serve(request: IncomingMessage, collections: Map<string, Collection>): Promise<unknown> {
  const { pathname } = new URL(request.url ?? '/', 'http://x')
  const [, name = '', rest = ''] = /^\/collections\/([^/]+)(.*)$/.exec(pathname) ?? []
  const route = `${request.method} ${rest}`
  const body = request.method === 'GET' || request.method === 'DELETE' ? undefined : await json(request)
  if (route === 'PUT ') return create(collections, name, fieldsOf(body, ['vectors']))
  const collection = collections.get(name)
  if (!collection) throw new Refusal(404, `Not found: Collection \`${name}\` doesn't exist!`)
  if (route === 'DELETE ') return collections.delete(name)
  if (route === 'GET ')
    return {
      status: 'green',
      optimizer_status: 'ok',
      config: configOf(collection),
      points_count: collection.points.size,
      segments_count: 1,
      payload_schema: {},
    }
  if (route === 'PUT /points') return upsert(collection, fieldsOf<Upsert>(body, ['points']))
  if (route === 'POST /points/delete') return remove(collection, fieldsOf(body, ['points']))
  if (route === 'POST /points/count') return count(collection, fieldsOf(body, ['exact']))
  if (route === 'POST /points/query') {
    const known = ['query', 'limit', 'offset', 'filter', 'with_payload', 'with_vector', 'score_threshold', 'params']
    return { points: search(collection, fieldsOf<Query>(body, known)) }
  }
  throw new Refusal(404, `no route ${route}`)
}

function configOf({ size }: Collection): object {
  return {
    params: { vectors: { size, distance: 'Cosine' } },
    hnsw_config: { m: 16, ef_construct: 100, full_scan_threshold: 10_000 },
    optimizer_config: { default_segment_number: 0, flush_interval_sec: 5 },
  }
}

/** The body, when it has no field that is not known. The types say what each is. */
function fieldsOf<Body extends object>(body: unknown, known: readonly string[]): Body {
  if (typeof body !== 'object' || body === null) throw new Refusal(400, 'the body is no object')
  const odd = Object.keys(body).find((key) => !known.includes(key))
  if (odd) throw new Refusal(400, `unknown field \`${odd}\``)
  return body as Body // Its fields are checked where they are used.
}

function create(collections: Map<string, Collection>, name: string, { vectors }: { vectors?: unknown }): boolean {
  const { size, distance } = fieldsOf<{ size?: unknown; distance?: unknown }>(vectors, ['size', 'distance'])
  if (typeof size !== 'number' || distance !== 'Cosine') throw new Refusal(400, 'a size and a distance are needed')
  if (collections.has(name)) throw new Refusal(409, `Wrong input: Collection \`${name}\` already exists!`)
  collections.set(name, { size, points: new Map() })
  return true
}

function upsert({ points, size }: Collection, { points: given }: Upsert): object {
  for (const { id, vector, payload } of given) {
    if (!Array.isArray(vector) || vector.length !== size)
      throw new Refusal(400, `Wrong input: Vector dimension error: expected dim: ${size}`)
    const numbers = vector.filter((value: unknown): value is number => typeof value === 'number')
    points.set(idOf(id), { vector: normalised(numbers), payload: payload ?? {} })
  }
  return { operation_id: 1, status: 'completed' }
}

function idOf(id: Point['id']): string {
  const isOne =
    typeof id === 'number' ? Number.isSafeInteger(id) : /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)
  if (!isOne)
    throw new Refusal(400, `value ${id} is not a valid point ID, valid values are either an unsigned integer or a UUID`)
  return String(id)
}

function remove({ points }: Collection, { points: ids }: { points?: Point['id'][] }): object {
  for (const id of ids ?? []) points.delete(idOf(id))
  return { operation_id: 2, status: 'completed' }
}

function count({ points }: Collection, { exact }: { exact?: unknown }): object {
  if (exact !== true) throw new Refusal(400, 'only exact counts here')
  return { count: points.size }
}

function search(
  collection: Collection,
  { query: vector, limit: atMost, offset, filter, with_payload }: Query,
): object[] {
  const limit = atMost ?? 10
  if (!Array.isArray(vector) || vector.length !== collection.size) throw new Refusal(400, 'Vector dimension error')
  if (limit < 1) throw new Refusal(422, 'Validation error: limit must be 1.0 or larger')
  const asked = normalised(vector.filter((value: unknown): value is number => typeof value === 'number'))
  const { must = [] } = fieldsOf<{ must?: Condition[] }>(filter ?? {}, ['must'])
  return [...collection.points]
    .filter(([, { payload }]) => must.every(({ key, match }) => valueAt(payload, key) === match.value))
    .map(([id, { vector: own, payload }]) => ({
      id,
      version: 1,
      score: own.reduce((sum, value, at) => sum + value * (asked[at] ?? 0), 0),
      ...(with_payload === true && { payload }),
    }))
    .toSorted((a, b) => b.score - a.score)
    .slice(offset ?? 0, (offset ?? 0) + limit)
}

function valueAt(payload: unknown, key: string): unknown {
  return key
    .split('.')
    .reduce<unknown>(
      (value, part) => (typeof value === 'object' && value !== null ? Reflect.get(value, part) : undefined),
      payload,
    )
}

function normalised(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector)
  return vector.map((value) => value / length)
}

import { VectorStore } from '@keelson/infrastructure'
import { vectorStoreConformance } from '@keelson/infrastructure/testing'
import { defineContract, query, Secret } from '@keelson/kernel'
import { createFakeClock } from '@keelson/kernel/testing'
import { defineService } from '@keelson/services'
import { startForTest } from '@keelson/services/testing'
import { QdrantClient } from '@qdrant/js-client-rest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { qdrant } from '../src/qdrant-adapter.ts'
import { createQdrantStore } from '../src/qdrant-store.ts'
import { type QdrantDouble, startQdrantDouble } from './qdrant-double.ts'

let double: QdrantDouble
beforeAll(async () => {
  double = await startQdrantDouble()
})
afterAll(() => double?.[Symbol.asyncDispose]())

const east = Float32Array.from([1, 0])
const point = { id: 'a', vector: east, attributes: { type: 'md' } }

describe('createQdrantStore() as a VectorStore', () => {
  for (const { name, run } of vectorStoreConformance) test(name, () => run(createQdrantStore({ url: double.url })))
})

describe('the double', () => {
  test("answers Qdrant's own client, which finds what the store wrote", async () => {
    const store = createQdrantStore({ url: double.url })
    await store.create({ name: 'shared', dimension: 2 })
    await store.upsert('shared', [point, { ...point, id: 'b', vector: Float32Array.from([0, 1]) }])
    const client = new QdrantClient({ url: double.url, checkCompatibility: false })
    expect((await client.count('shared', { exact: true })).count).toBe(2)
    const { points } = await client.query('shared', { query: [1, 0], limit: 1, with_payload: true })
    expect(points[0]?.payload).toEqual({ id: 'a', attributes: { type: 'md' } })
    const written = { id: '0b5a3e1c-0000-8000-8000-000000000001', vector: [1, 1], payload: { id: 'c', attributes: {} } }
    await client.upsert('shared', { wait: true, points: [written] })
    expect((await store.search('shared', { vector: Float32Array.from([1, 1]), limit: 1 })).hits).toMatchObject([
      { id: 'c' },
    ])
  })
})

describe('a server that misbehaves', () => {
  test('is asked again after as long as it says, and then no more', async () => {
    const clock = createFakeClock()
    const store = createQdrantStore({ url: double.url, retries: 2, timeoutMs: 1e9, clock })
    await createQdrantStore({ url: double.url }).create({ name: 'busy', dimension: 2 })
    const busy: Parameters<QdrantDouble['misbehave']>[0] = (response) =>
      response.writeHead(429, { 'retry-after': '3' }).end('{"status":{"error":"slow down"}}')
    double.misbehave(busy, busy)
    expect(await passing(store.count('busy'), clock)).toBe(0)
    const asked = double.requests.length
    double.misbehave(busy, busy, busy)
    await expect(passing(store.count('busy'), clock)).rejects.toMatchObject({
      code: 'VECTOR_STORE_UNAVAILABLE',
      retryable: true,
      details: { reason: 'it answers with status 429: slow down', retryAfterMs: 3_000 },
    })
    expect(double.requests.length).toBe(asked + 3)
  })

  test('is named: garbage, silence, refusals, and nobody there', async () => {
    const store = createQdrantStore({ url: double.url, retries: 0 })
    await store.create({ name: 'odd', dimension: 2 })
    for (const body of ['', 'no JSON', '{}', '{"result":{"count":"many"}}', '{"result":[]}']) {
      double.misbehave((response) => response.end(body))
      await expect(store.count('odd')).rejects.toMatchObject({ code: 'VECTOR_STORE_UNAVAILABLE' })
    }
    double.misbehave((response) => response.end('{"result":{"points":[{"id":1,"score":"high"}]}}'))
    await expect(store.search('odd', { vector: east, limit: 1 })).rejects.toMatchObject({
      code: 'VECTOR_STORE_UNAVAILABLE',
    })
    double.misbehave((response) => response.writeHead(403).end('{"status":{"error":"forbidden"}}'))
    await expect(store.upsert('odd', [point])).rejects.toMatchObject({
      code: 'VECTOR_STORE_REFUSED',
      details: { status: 403, reason: 'forbidden' },
    })
    double.misbehave((response) => response.destroy())
    await expect(store.count('odd')).rejects.toMatchObject({ code: 'VECTOR_STORE_UNAVAILABLE' })
    const clock = createFakeClock()
    double.misbehave(() => {})
    const silent = createQdrantStore({ url: double.url, retries: 0, timeoutMs: 5_000, clock })
    await expect(passing(silent.count('odd'), clock)).rejects.toMatchObject({
      details: { reason: 'it did not answer within 5000 ms' },
    })
    const nobody = createQdrantStore({ url: 'http://127.0.0.1:9', retries: 0 })
    await expect(nobody.count('odd')).rejects.toMatchObject({ details: { reason: 'it cannot be reached' } })
  })
})

test('qdrant() gives a system its store, with the key where it belongs and nowhere else', async () => {
  const Near = defineContract('near', '1.0.0', { count: query({ output: z.object({ count: z.int() }) }) })
  const near = defineService(Near, {
    uses: { vectors: VectorStore },
    async start({ vectors }) {
      await vectors.create({ name: 'kept', dimension: 2 })
      return { count: async () => ({ count: await vectors.count('kept') }) }
    },
  })
  const config = { qdrant: { url: double.url, apiKey: 'very-secret', retries: 0 } }
  await using system = await startForTest({ services: [near], adapters: [qdrant()], config })
  expect(await system.get(Near).count()).toEqual({ count: 0 })
  expect(double.requests.at(-1)).toMatchObject({ apiKey: 'very-secret' })
  double.misbehave((response) => response.writeHead(401).end('{"status":{"error":"Invalid API key"}}'))
  const error = await createQdrantStore({ url: double.url, apiKey: Secret.of('very-secret') })
    .count('kept')
    .catch((reason: unknown) => reason)
  expect(JSON.stringify(error)).not.toContain('very-secret')
})

/** Requests are real; only the time between and during them is not. */
async function passing<T>(work: Promise<T>, clock: ReturnType<typeof createFakeClock>): Promise<T> {
  let isOver = false
  const over = () => {
    isOver = true
  }
  work.then(over, over)
  while (!isOver) await clock.advance(1_000)
  return work
}

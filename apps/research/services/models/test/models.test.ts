/** The models service as a system runs it: registry and aliases, and the two foreign protocols, OpenAI's through its official client. */
import { ChatModel, createHashEmbedding, createScriptedChat, EmbeddingModel, fitLsa } from '@keelson/infrastructure'
import { Database, defineAdapter } from '@keelson/kernel'
import { delegatingDatabase } from '@keelson/kernel/testing'
import { openPgliteDatabase } from '@keelson/pglite'
import type { RunningSystem } from '@keelson/services'
import { startForTest } from '@keelson/services/testing'
import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Models } from '../src/contract.ts'
import { models } from '../src/service.ts'

const texts = Array.from(
  { length: 40 },
  (_, at) => `ship ${at} has a keel, a mast and ${at % 7} anchors in port ${at % 5}`,
)
let database: Awaited<ReturnType<typeof openPgliteDatabase>>
let bytes: string
let other: string

beforeAll(async () => {
  database = await openPgliteDatabase()
  bytes = base64(await fitLsa(texts, { dimension: 8 }))
  other = base64(await fitLsa(texts, { dimension: 4 }))
}, 60_000)
afterAll(() => database?.close())
beforeEach(() =>
  database.batch(
    ['models_versions', 'models_counters', 'models_aliases', 'keelson_migrations'].map((table) => ({
      sql: `drop table if exists ${table}`,
    })),
  ),
)

function base64(model: { toBytes(): Uint8Array }): string {
  return Buffer.from(model.toBytes()).toString('base64')
}

function start(adapters: ReturnType<typeof defineAdapter>[] = [], listen = false) {
  const held = defineAdapter({
    name: 'database',
    provides: Database,
    // The database without its end: it outlives the systems of this file.
    start: () => delegatingDatabase(database),
  })
  return startForTest({ services: [models], adapters: [held, ...adapters], listen })
}

describe('models', () => {
  test('keeps versions, answers under their names, and drops old ones that nothing names', async () => {
    await using system = await start()
    const service = system.get(Models)
    await expect(service.embed({ texts: ['keel'] })).rejects.toMatchObject({ code: 'MODELS_UNKNOWN' })
    expect(await service.register({ name: 'ships', format: 'lsa', bytes })).toMatchObject({
      model: 'ships',
      version: '1',
      dimension: 8,
    })
    await service.setAlias({ alias: 'stable', model: 'ships', version: '1' })
    for (const _ of [2, 3, 4, 5]) await service.register({ name: 'ships', format: 'lsa', bytes: other })
    const { models: all } = await service.list()
    const ships = all.find(({ name }) => name === 'ships')
    expect(ships?.versions.map(({ version }) => version)).toEqual(['5', '4', '3', '1'])
    expect(ships?.aliases).toEqual([{ alias: 'stable', version: '1' }])
    expect(await service.embed({ texts: ['keel', ''] })).toMatchObject({ model: 'ships', version: '5', dimension: 4 })
    const stable = await service.embed({ model: 'stable', texts: ['keel', ''] })
    expect(stable).toMatchObject({ model: 'ships', version: '1', dimension: 8 })
    expect(Math.hypot(...(stable.vectors[0] ?? []))).toBeCloseTo(1)
    expect(stable.vectors[1]?.every((value) => value === 0)).toBe(true)
  })

  test('knows its versions and aliases after a restart', async () => {
    {
      await using system = await start()
      await system.get(Models).register({ name: 'ships', format: 'lsa', bytes })
      await system.get(Models).setAlias({ alias: 'embeddings', model: 'ships', version: '1' })
    }
    await using system = await start()
    expect(await system.get(Models).resolve({ name: 'embeddings' })).toMatchObject({ model: 'ships', version: '1' })
    await system.get(Models).removeAlias({ alias: 'embeddings' })
    await expect(system.get(Models).removeAlias({ alias: 'embeddings' })).rejects.toMatchObject({
      code: 'MODELS_UNKNOWN',
    })
  })

  test('refuses names that mean something else, unknown ones and damaged bytes', async () => {
    await using system = await start()
    const service = system.get(Models)
    const damaged = Buffer.from(bytes, 'base64')
    damaged[100] = (damaged[100] ?? 0) ^ 1
    const register = (name: string, given = bytes) => service.register({ name, format: 'lsa', bytes: given })
    await expect(register('x', damaged.toString('base64'))).rejects.toMatchObject({ code: 'MODEL_BYTES_INVALID' })
    await expect(register('x', 'no bytes')).rejects.toMatchObject({ code: 'MODEL_BYTES_INVALID' })
    await expect(register('embeddings')).rejects.toMatchObject({ code: 'MODELS_NAME_TAKEN' })
    await expect(register('extractive')).rejects.toMatchObject({ code: 'MODELS_NAME_TAKEN' })
    await register('ships')
    await expect(service.setAlias({ alias: 'ships', model: 'ships', version: '1' })).rejects.toMatchObject({
      code: 'MODELS_NAME_TAKEN',
    })
    await expect(service.setAlias({ alias: 'chat', model: 'ships', version: '1' })).rejects.toMatchObject({
      code: 'MODELS_TASK_WRONG',
    })
    await expect(service.setAlias({ alias: 'a', model: 'ships', version: '9' })).rejects.toMatchObject({
      code: 'MODELS_UNKNOWN',
    })
    await expect(
      service.complete({ model: 'ships', messages: [{ role: 'user', content: '?' }] }),
    ).rejects.toMatchObject({ code: 'MODELS_TASK_WRONG' })
  })

  test('prefers the models of an endpoint, and tells of every change', async () => {
    const embedding = defineAdapter({
      name: 'hash',
      provides: EmbeddingModel,
      start: () => createHashEmbedding(16),
    })
    const chat = defineAdapter({
      name: 'parrot',
      provides: ChatModel,
      start: () => createScriptedChat(() => 'Aye, sir.'),
    })
    await using system = await start([embedding, chat])
    const service = system.get(Models)
    await service.register({ name: 'ships', format: 'lsa', bytes })
    const { source, dimension } = await service.resolve({ name: 'embeddings' })
    expect({ source, dimension }).toEqual({ source: 'endpoint', dimension: 16 })
    const question = { messages: [{ role: 'user' as const, content: 'Ready?' }] }
    expect(await service.complete(question)).toMatchObject({ model: 'scripted', text: 'Aye, sir.', stopped: 'done' })
    const parts = []
    for await (const part of service.chat(question)) parts.push(part)
    expect(parts.at(-1)).toEqual({ type: 'end', stopped: 'done', usage: { prompt: 1, answer: 2 } })

    const seen: number[] = []
    for await (const { revision } of service.changes()) {
      seen.push(revision)
      if (seen.length === 2) break
      await service.setAlias({ alias: 'embeddings', model: 'ships', version: '1' })
    }
    expect(seen).toEqual([1, 2])
    expect(await service.resolve({ name: 'embeddings' })).toMatchObject({ model: 'ships' })
  })
})

describe('models over HTTP', () => {
  let system: RunningSystem<'models'>
  let client: OpenAI
  beforeEach(async () => {
    system = await start([], true)
    client = new OpenAI({ baseURL: `${system.url}/v1`, apiKey: 'none', maxRetries: 0 })
    await system.get(Models).register({ name: 'ships', format: 'lsa', bytes })
    return () => system.close()
  })

  test('answer the official OpenAI client with embeddings, as floats and as base64', async () => {
    const expected = (await system.get(Models).embed({ texts: ['a keel'] })).vectors[0] ?? []
    for (const encoding_format of ['float', 'base64', undefined] as const) {
      const { data, model, usage } = await client.embeddings.create({
        model: 'embeddings',
        input: ['a keel', 'a mast'],
        ...(encoding_format && { encoding_format }),
      })
      expect(model).toBe('ships@1')
      expect(usage.total_tokens).toBe(4)
      expect(data.map(({ index }) => index)).toEqual([0, 1])
      const given: unknown = data[0]?.embedding
      const numbers =
        typeof given === 'string' ? [...new Float32Array(Uint8Array.from(Buffer.from(given, 'base64')).buffer)] : given
      expect(numbers).toEqual(expected)
    }
  })

  test('list models to the official client, and name what is wrong', async () => {
    await system.get(Models).setAlias({ alias: 'stable', model: 'ships', version: '1' })
    const ids = []
    for await (const model of client.models.list()) ids.push(model.id)
    expect(ids).toEqual(['ships', 'stable', 'extractive'])
    expect((await client.models.retrieve('stable')).object).toBe('model')
    await expect(client.models.retrieve('nobody')).rejects.toMatchObject({ status: 404, code: 'MODELS_UNKNOWN' })
    await expect(client.embeddings.create({ model: 'ships', input: 'x', dimensions: 3 })).rejects.toMatchObject({
      status: 400,
      code: 'MODELS_DIMENSION_FIXED',
      type: 'invalid_request_error',
    })
    await expect(client.embeddings.create({ model: 'extractive', input: 'x' })).rejects.toMatchObject({
      status: 400,
      code: 'MODELS_TASK_WRONG',
    })
    await expect(client.chat.completions.create({ model: 'chat', messages: [] })).rejects.toMatchObject({
      status: 400,
      code: 'OPERATION_INPUT_INVALID',
    })
  })

  test('refuse to chat in ways that no model here knows', async () => {
    const request = { model: 'chat', messages: [{ role: 'user' as const, content: 'keel?' }] }
    const ways: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming>[] = [
      { n: 2 },
      { stop: 'keel' },
      { logprobs: true },
      { response_format: { type: 'json_object' } },
      { tools: [{ type: 'function', function: { name: 'look' } }] },
    ]
    for (const way of ways) {
      await expect(client.chat.completions.create({ ...request, ...way })).rejects.toMatchObject({
        status: 400,
        code: 'OPERATION_INPUT_INVALID',
      })
    }
    const harmless = { stop: null, logprobs: false, response_format: { type: 'text' as const } }
    expect((await client.chat.completions.create({ ...request, ...harmless })).choices).toHaveLength(1)
  })

  test('chat with the official client, whole and as a stream', async () => {
    const messages = [
      { role: 'developer', content: 'A keelson ties the frames. The mast stands on it.' },
      { role: 'user', content: [{ type: 'text', text: 'What ties the frames?' }] },
    ] satisfies OpenAI.ChatCompletionMessageParam[]
    const whole = await client.chat.completions.create({ model: 'chat', messages })
    expect(whole.choices[0]?.message.content).toBe('A keelson ties the frames.')
    expect(whole.choices[0]?.finish_reason).toBe('stop')
    expect(whole.usage?.completion_tokens).toBe(5)

    const stream = await client.chat.completions.create({
      model: 'chat',
      messages,
      stream: true,
      max_completion_tokens: 2,
      stream_options: { include_usage: true },
    })
    let text = ''
    const reasons = []
    let used = 0
    for await (const { choices, usage } of stream) {
      text += choices[0]?.delta.content ?? ''
      if (choices[0]?.finish_reason) reasons.push(choices[0].finish_reason)
      used += usage?.completion_tokens ?? 0
    }
    expect({ text, reasons, used }).toEqual({ text: 'A keelson ', reasons: ['length'], used: 2 })
  })

  test('speak the Open Inference Protocol', async () => {
    const get = async (path: string) => (await fetch(`${system.url}${path}`)).json()
    const post = async (path: string, body: unknown) => {
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(`${system.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
      return { status: response.status, body: await response.json() }
    }
    expect(await get('/v2')).toMatchObject({ name: 'test', extensions: [] })
    expect(await get('/v2/health/ready')).toEqual({ ready: true })
    expect(await get('/v2/models/ships/versions/1/ready')).toEqual({ name: 'ships', ready: true })
    expect(await get('/v2/models/nobody/ready')).toEqual({ name: 'nobody', ready: false })
    expect(await get('/v2/models/ships')).toEqual({
      name: 'ships',
      versions: ['1'],
      platform: 'keelson_lsa',
      inputs: [{ name: 'texts', datatype: 'BYTES', shape: [-1] }],
      outputs: [{ name: 'vectors', datatype: 'FP32', shape: [-1, 8] }],
    })
    const tensor = { name: 'texts', shape: [2, 1], datatype: 'BYTES', data: [['a keel'], ['a mast']] }
    const answer = await post('/v2/models/ships/infer', { id: 'r-1', inputs: [tensor] })
    const { vectors } = await system.get(Models).embed({ texts: ['a keel', 'a mast'] })
    expect(answer).toEqual({
      status: 200,
      body: {
        model_name: 'ships',
        model_version: '1',
        id: 'r-1',
        outputs: [{ name: 'vectors', datatype: 'FP32', shape: [2, 8], data: vectors.flat() }],
      },
    })
    for (const wrong of [{ datatype: 'FP32' }, { shape: [3] }, { name: 'input' }, { data: [1, 'x'] }]) {
      const refused = await post('/v2/models/ships/infer', { inputs: [{ ...tensor, ...wrong }] })
      expect(refused).toMatchObject({ status: 400, body: { code: 'MODELS_TENSOR_INVALID' } })
    }
    expect(await post('/v2/models/nobody/infer', { inputs: [tensor] })).toMatchObject({ status: 404 })
  })
})

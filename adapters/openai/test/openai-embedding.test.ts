import { hasDirection } from '@keelson/infrastructure'
import { embeddingModelConformance } from '@keelson/infrastructure/testing'
import { Secret } from '@keelson/kernel'
import { describe, expect, it } from 'vitest'
import { connectOpenaiEmbedding } from '../src/openai-embedding.ts'
import { OpenaiEndpoint, type OpenaiEndpointOptions } from '../src/openai-endpoint.ts'
import { type EndpointDouble, startEndpointDouble, status, vectors } from './endpoint-double.ts'
import { createPatientClock } from './patient-clock.ts'

for (const { name, run } of embeddingModelConformance) {
  it(`connectOpenaiEmbedding() ${name}`, async () => {
    await using double = await startEndpointDouble()
    await run(() => connect(double))
  })
}

describe('connectOpenaiEmbedding()', () => {
  it('asks the endpoint for the dimension, or takes it as given without asking', async () => {
    await using double = await startEndpointDouble()
    expect((await connect(double)).dimension).toBe(64)
    expect(double.requests).toHaveLength(1)
    expect((await connectWith(double, { dimension: 64 })).dimension).toBe(64)
    expect(double.requests).toHaveLength(1)
  })

  it('sends texts in batches by count and by size, with the key, and no blank ones', async () => {
    await using double = await startEndpointDouble()
    const model = await connectWith(double, { dimension: 64 }, { apiKey: Secret.of('sk-1') })
    await model.embed([...Array.from({ length: 300 }, (_, index) => `keel ${index}`), '', ' \n'])
    expect(double.requests.map(({ body }) => body.input.length)).toEqual([128, 128, 44])
    expect(double.requests[0]).toMatchObject({
      path: '/v1/embeddings',
      authorization: 'Bearer sk-1',
      body: { model: 'small', encoding_format: 'float' },
    })
    await model.embed(['a'.repeat(150_000), 'b'.repeat(60_000), 'c', 'd'.repeat(250_000), 'e'])
    expect(double.requests.slice(3).map(({ body }) => body.input.length)).toEqual([1, 2, 1, 1])
  })

  it('sends nothing at all for no texts and blank ones', async () => {
    await using double = await startEndpointDouble()
    const model = await connectWith(double, { dimension: 64 })
    expect(await model.embed([' ', '']).then((all) => all.map(hasDirection))).toEqual([false, false])
    expect(double.requests).toHaveLength(0)
  })

  it('refuses answers that are not what was asked for with MODEL_ANSWER_INVALID', async () => {
    await using double = await startEndpointDouble()
    const model = await connectWith(double, { dimension: 2 })
    const good = { index: 0, embedding: [1, 0] }
    const other = { index: 1, embedding: [0, 1] }
    const answers = {
      'no JSON': status(200, '<html>busy</html>'),
      'cut JSON': status(200, '{"object":"list","data":[{"index":0,"embedd'),
      nothing: status(200, ''),
      null: status(200, 'null'),
      'another object': status(200, { object: 'list' }),
      'too few vectors': vectors([good]),
      'too many vectors': vectors([good, other, good]),
      'a vector twice': vectors([good, good]),
      'an index beyond the texts': vectors([good, { ...other, index: 2 }]),
      'no index': vectors([{ embedding: [1, 0] }, other]),
      'another dimension': vectors([good, { index: 1, embedding: [0, 1, 0] }]),
      'an empty vector': vectors([good, { index: 1, embedding: [] }]),
      'null in a vector': vectors([good, { index: 1, embedding: [null, 1] }]),
      'text in a vector': vectors([good, { index: 1, embedding: ['1', 1] }]),
      base64: vectors([good, { index: 1, embedding: 'AAAAAA==' }]),
      NaN: status(200, '{"object":"list","data":[{"index":0,"embedding":[NaN,1]},{"index":1,"embedding":[0,1]}]}'),
      'a number beyond all floats': status(
        200,
        '{"data":[{"index":0,"embedding":[1e999,1]},{"index":1,"embedding":[0,1]}]}',
      ),
      'a number beyond 32-bit floats': vectors([good, { index: 1, embedding: [1e300, 1] }]),
    }
    for (const [name, reply] of Object.entries(answers)) {
      double.misbehave(reply)
      await expect(model.embed(['one', 'two']), name).rejects.toMatchObject({
        code: 'MODEL_ANSWER_INVALID',
        retryable: false,
      })
    }
    expect(double.requests).toHaveLength(Object.keys(answers).length)
    double.misbehave(vectors([other, good]))
    expect(await model.embed(['one', 'two'])).toEqual([Float32Array.of(1, 0), Float32Array.of(0, 1)])
  })

  it('takes zeros from the endpoint as a text of which the model knows nothing', async () => {
    await using double = await startEndpointDouble()
    const model = await connectWith(double, { dimension: 2 })
    double.misbehave(vectors([{ index: 0, embedding: [0, 0] }]))
    expect((await model.embed(['x'])).map(hasDirection)).toEqual([false])
  })

  it('fails whole when one batch fails', async () => {
    await using double = await startEndpointDouble()
    const model = await connectWith(double, { dimension: 64 })
    double.misbehave(status(200, {}))
    await expect(model.embed(Array(300).fill('keel'))).rejects.toMatchObject({ code: 'MODEL_ANSWER_INVALID' })
    expect(double.requests).toHaveLength(1)
  })

  it('refuses what the token budget does not allow with MODEL_BUDGET_SPENT, before it is sent', async () => {
    await using double = await startEndpointDouble()
    const model = await connectWith(double, { dimension: 64 }, { tokenBudget: 5 })
    await model.embed(['keel'])
    await model.embed(['mast'])
    await expect(model.embed(['keelson'])).rejects.toMatchObject({
      code: 'MODEL_BUDGET_SPENT',
      message: 'The model "small" is not asked: 4 of 5 tokens are used, and about 2 are needed',
    })
    expect(double.requests).toHaveLength(2)
    await model.embed(['oak'])
    await expect(model.embed(['oak'])).rejects.toMatchObject({ code: 'MODEL_BUDGET_SPENT' })
  })

  it('counts requests under way against the budget, and those that failed not', async () => {
    await using double = await startEndpointDouble()
    const model = await connectWith(double, { dimension: 64 }, { tokenBudget: 2, retries: 0 })
    double.misbehave(status(500, ''))
    const first = model.embed(['keelson'])
    await expect(model.embed(['oak'])).rejects.toMatchObject({ code: 'MODEL_BUDGET_SPENT' })
    await expect(first).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' })
    await model.embed(['oak'])
  })
})

function connect(double: EndpointDouble) {
  return connectWith(double, {})
}

function connectWith(
  { baseUrl }: EndpointDouble,
  options: { readonly dimension?: number },
  endpoint: OpenaiEndpointOptions = {},
) {
  const clock = createPatientClock()
  return connectOpenaiEmbedding({
    endpoint: new OpenaiEndpoint({ baseUrl, clock, ...endpoint }),
    model: 'small',
    ...options,
  })
}

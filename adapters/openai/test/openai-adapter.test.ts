import { jsonSchemaOf, Lifetime, type SystemPlace } from '@keelson/kernel'
import { expect, it } from 'vitest'
import { openai } from '../src/openai-adapter.ts'
import { startEndpointDouble } from './endpoint-double.ts'
import { createPatientClock } from './patient-clock.ts'

it('openai() provides both ports from one section of the configuration, with one key and one budget', async () => {
  await using double = await startEndpointDouble(() => 'a beam')
  const [embedding, chat] = openai()
  const given = {
    baseUrl: double.baseUrl,
    apiKey: 'sk-1',
    embeddingModel: 'small',
    chatModel: 'chatty',
    tokenBudget: 10,
  }
  const model = await embedding.start(await platform(given))
  expect(model).toMatchObject({ name: 'small', version: '1', dimension: 64 })
  const talk = await chat.start(await platform(given))
  const request = { messages: [{ role: 'user', content: 'keel' }] } as const
  expect(await talk.complete(request)).toMatchObject({ text: 'a beam' })
  expect(double.requests.every(({ authorization }) => authorization === 'Bearer sk-1')).toBe(true)
  await model.embed(['keel', 'mast'])
  await expect(talk.complete(request)).resolves.toBeDefined()
  await expect(talk.complete(request)).rejects.toMatchObject({ code: 'MODEL_BUDGET_SPENT' })
})

it('openai() asks nothing of the endpoint at start when it knows the dimension', async () => {
  const [embedding] = openai()
  const config = { baseUrl: 'http://127.0.0.1:1/v1', embeddingModel: 'small', embeddingDimension: 8 }
  expect(await embedding.start(await platform(config))).toMatchObject({ dimension: 8 })
})

it('openai() does not start a port whose model is not configured', async () => {
  for (const adapter of openai()) {
    const given = await platform({})
    await expect(async () => adapter.start(given)).rejects.toMatchObject({ code: 'MODEL_OPTIONS_INVALID' })
  }
})

it('openai() marks its key as a secret', async () => {
  const [{ config }] = openai()
  expect(config && jsonSchemaOf(config, 'input', 'the configuration of openai')).toMatchObject({
    properties: { apiKey: { writeOnly: true } },
  })
})

/** What a system hands to an adapter, with the configuration validated as the system does. */
async function platform(given: unknown) {
  const [{ config }] = openai()
  const result = await config?.['~standard'].validate(given)
  if (!result || result.issues) throw new Error(JSON.stringify(result?.issues))
  const system: SystemPlace = { name: 'test', dataFolder: undefined }
  return { config: result.value, clock: createPatientClock(), lifetime: new Lifetime('test'), health: () => {}, system }
}

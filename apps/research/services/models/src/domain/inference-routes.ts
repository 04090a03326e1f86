/**
 * The models that embed, in the form of the Open Inference Protocol: `/v2/models/{name}/infer` takes texts as a tensor of BYTES and
 * answers with a tensor of FP32. Source: the protocol's version 2, HTTP/REST, of the Open Inference Protocol project.
 */
import { isError } from '@keelson/kernel'
import { answerJson, type Exchange, type Listener } from '@keelson/services'
import * as z from 'zod'
import { modelsErrors } from '../errors.ts'
import { foreignRoutes, readBody } from './foreign-routes.ts'
import type { ModelHost } from './model-host.ts'

const texts = 'texts'
const vectors = 'vectors'

const InferBody = z.object({
  id: z.string().optional(),
  parameters: z.record(z.string(), z.unknown()).optional(),
  inputs: z
    .array(
      z.object({
        name: z.string(),
        shape: z.array(z.int().nonnegative()),
        datatype: z.string(),
        parameters: z.record(z.string(), z.unknown()).optional(),
        // A tensor may be nested as its shape is, or flat.
        data: z.array(z.unknown()),
      }),
    )
    .min(1),
  outputs: z.array(z.object({ name: z.string() }).loose()).optional(),
})
type InferBody = z.infer<typeof InferBody>

export function addInferenceRoutes(
  listener: Listener,
  host: ModelHost,
  server: { name: string; version: string },
): void {
  const routes = foreignRoutes(listener, (error) => ({ error: error.message, code: error.code }))
  routes.add('GET', '/v2', async (exchange) => answerJson(exchange, 200, { ...server, extensions: [] }))
  routes.add('GET', '/v2/health/live', async (exchange) => answerJson(exchange, 200, { live: true }))
  routes.add('GET', '/v2/health/ready', async (exchange) => answerJson(exchange, 200, { ready: true }))
  for (const place of ['/v2/models/{name}', '/v2/models/{name}/versions/{version}']) {
    routes.add('GET', place, async (exchange) => answerJson(exchange, 200, await describe(exchange, host)))
    routes.add('GET', `${place}/ready`, async (exchange) => {
      const { name, version } = modelOf(exchange)
      const ready = await isReady(host, name, version)
      answerJson(exchange, ready ? 200 : 404, { name, ready })
    })
    routes.add('POST', `${place}/infer`, (exchange) => infer(exchange, host))
  }
}

function modelOf({ parameters }: Exchange): { name: string; version: string | undefined } {
  return { name: parameters['name'] ?? '', version: parameters['version'] }
}

async function describe(exchange: Exchange, host: ModelHost): Promise<object> {
  const { name, version } = modelOf(exchange)
  const { resolved } = await host.embedding(name, version)
  const versions = (await host.list()).find((model) => model.name === resolved.model)?.versions ?? []
  return {
    name,
    versions: versions.map((one) => one.version),
    platform: resolved.source === 'registered' ? 'keelson_lsa' : 'openai',
    inputs: [{ name: texts, datatype: 'BYTES', shape: [-1] }],
    outputs: [{ name: vectors, datatype: 'FP32', shape: [-1, resolved.dimension ?? -1] }],
  }
}

async function isReady(host: ModelHost, name: string, version: string | undefined): Promise<boolean> {
  try {
    await host.embedding(name, version)
    return true
  } catch (error) {
    if (isError(error, 'MODELS_UNKNOWN') || isError(error, 'MODELS_TASK_WRONG')) return false
    throw error
  }
}

async function infer(exchange: Exchange, host: ModelHost): Promise<void> {
  const { name, version } = modelOf(exchange)
  const body = await readBody(exchange, InferBody, `POST /v2/models/${name}/infer`)
  const given = textsOf(body)
  const { resolved, model } = await host.embedding(name, version)
  const made = await model.embed(given, { signal: exchange.call.signal })
  answerJson(exchange, 200, {
    model_name: resolved.model,
    model_version: resolved.version,
    ...(body.id !== undefined && { id: body.id }),
    outputs: [
      {
        name: vectors,
        datatype: 'FP32',
        shape: [made.length, model.dimension],
        data: made.flatMap((vector) => [...vector]),
      },
    ],
  })
}

/** Throws MODELS_TENSOR_INVALID. */
function textsOf({ inputs, outputs }: InferBody): string[] {
  const refuse = (reason: string) => modelsErrors.MODELS_TENSOR_INVALID({ reason })
  const [tensor] = inputs
  if (inputs.length !== 1 || tensor?.name !== texts) throw refuse(`one input is taken, called "${texts}"`)
  if (tensor.datatype !== 'BYTES') throw refuse(`"${texts}" is of BYTES, not of ${tensor.datatype}`)
  const unknown = outputs?.find((output) => output.name !== vectors)
  if (unknown) throw refuse(`there is no output "${unknown.name}", only "${vectors}"`)
  const data = tensor.data.flat(Number.POSITIVE_INFINITY)
  const count = tensor.shape.reduce((product, size) => product * size, 1)
  if (data.length !== count) throw refuse(`its shape says ${count} texts, its data has ${data.length}`)
  const strings = data.filter((text): text is string => typeof text === 'string')
  if (strings.length < data.length) throw refuse('its data holds something that is no text')
  return strings
}

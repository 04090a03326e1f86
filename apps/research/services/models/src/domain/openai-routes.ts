/**
 * The models in OpenAI's form: `/v1/models`, `/v1/embeddings` and `/v1/chat/completions`, so that any client of that interface can use
 * them. Source: the OpenAPI document of the OpenAI API, version 2.
 */
import type { ChatEnd, ChatRequest } from '@keelson/infrastructure'
import { answerJson, type Exchange, type Listener, servicesErrors } from '@keelson/services'
import * as z from 'zod'
import type { Resolved } from '../contract.ts'
import { modelsErrors } from '../errors.ts'
import { foreignRoutes, readBody } from './foreign-routes.ts'
import type { ModelHost } from './model-host.ts'

const EmbeddingsBody = z.object({
  model: z.string().min(1),
  input: z.union([z.string(), z.array(z.string()).min(1).max(2_048)]),
  encoding_format: z.enum(['float', 'base64']).default('float'),
  dimensions: z.int().positive().optional(),
  user: z.string().optional(),
})

/** A message's content is a text, or parts of which only texts are taken. */
const Content = z.union([z.string(), z.array(z.object({ type: z.literal('text'), text: z.string() }))])
/** What no model here can do is refused: an answer that passes over it would look like one that heeds it. */
const unsupported = z.null('this is not supported here').optional()
const ChatBody = z.object({
  model: z.string().min(1),
  messages: z.array(z.object({ role: z.enum(['system', 'developer', 'user', 'assistant']), content: Content })).min(1),
  max_tokens: z.int().positive().nullish(),
  max_completion_tokens: z.int().positive().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
  n: z.literal(1).nullish(),
  tools: unsupported,
  functions: unsupported,
  stop: unsupported,
  audio: unsupported,
  logprobs: z.literal(false).nullish(),
  response_format: z.object({ type: z.literal('text') }).nullish(),
})
type ChatBody = z.infer<typeof ChatBody>

export function addOpenaiRoutes(listener: Listener, host: ModelHost, now: () => number, nextId: () => string): void {
  const routes = foreignRoutes(listener, (error, status) => ({
    error: {
      message: error.message,
      type: status >= 500 ? 'server_error' : 'invalid_request_error',
      param: null,
      code: error.code,
    },
  }))
  routes.add('GET', '/v1/models', async (exchange) => {
    const models = await host.list()
    const ids = models.flatMap(({ name, aliases, versions }) =>
      [name, ...aliases.map(({ alias }) => alias)].map((id) => modelObject(id, versions[0]?.createdAt ?? null)),
    )
    answerJson(exchange, 200, { object: 'list', data: ids })
  })
  routes.add('GET', '/v1/models/{id}', async (exchange) => {
    const id = exchange.parameters['id'] ?? ''
    await host.resolve(id)
    const model = (await host.list()).find(({ name }) => name === id)
    answerJson(exchange, 200, modelObject(id, model?.versions[0]?.createdAt ?? null))
  })
  routes.add('POST', '/v1/embeddings', (exchange) => embed(exchange, host))
  routes.add('POST', '/v1/chat/completions', async (exchange) => {
    const body = await readBody(exchange, ChatBody, 'POST /v1/chat/completions')
    const head = { id: `chatcmpl-${nextId()}`, created: Math.floor(now() / 1_000) }
    if (body.stream) await streamChat(exchange, host, body, head)
    else await completeChat(exchange, host, body, head)
  })
}

function modelObject(id: string, createdAt: string | null): object {
  return {
    id,
    object: 'model',
    created: createdAt ? Math.floor(Date.parse(createdAt) / 1_000) : 0,
    owned_by: 'keelson',
  }
}

async function embed(exchange: Exchange, host: ModelHost): Promise<void> {
  const body = await readBody(exchange, EmbeddingsBody, 'POST /v1/embeddings')
  const { resolved, model } = await host.embedding(body.model)
  if (body.dimensions !== undefined && body.dimensions !== model.dimension)
    throw modelsErrors.MODELS_DIMENSION_FIXED({ name: body.model, dimension: model.dimension, wanted: body.dimensions })
  const texts = typeof body.input === 'string' ? [body.input] : body.input
  const vectors = await model.embed(texts, { signal: exchange.call.signal })
  const tokens = texts.reduce((sum, text) => sum + (text.match(/\S+/g)?.length ?? 0), 0)
  answerJson(exchange, 200, {
    object: 'list',
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: body.encoding_format === 'base64' ? base64Of(vector) : [...vector],
    })),
    model: nameOf(resolved),
    // Words stand for tokens: the models here do not cut texts any finer.
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  })
}

/** 32-bit floats, little-endian, as the clients expect them. */
function base64Of(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4)
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4)
  return bytes.toString('base64')
}

interface Head {
  readonly id: string
  readonly created: number
}

async function completeChat(exchange: Exchange, host: ModelHost, body: ChatBody, head: Head): Promise<void> {
  const { resolved, model } = await host.chat(body.model)
  const answer = await model.complete(requestOf(body, exchange.call.signal))
  answerJson(exchange, 200, {
    ...head,
    object: 'chat.completion',
    model: nameOf(resolved),
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: answer.text, refusal: null },
        logprobs: null,
        finish_reason: finishReason(answer),
      },
    ],
    usage: usageOf(answer),
  })
}

async function streamChat(exchange: Exchange, host: ModelHost, body: ChatBody, head: Head): Promise<void> {
  const { call, closing } = exchange
  const { resolved, model } = await host.chat(body.model)
  const signal = AbortSignal.any([call.signal, closing])
  const parts = model.stream(requestOf(body, signal))[Symbol.asyncIterator]()
  // What fails before the first part is an ordinary answer.
  let next = await parts.next()
  const answer = exchange.stream(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
  })
  const send = (data: string) => answer.write(`data: ${data}\n\n`)
  const chunk = (delta: object, finish: string | null, more: object = {}) =>
    JSON.stringify({
      ...head,
      object: 'chat.completion.chunk',
      model: nameOf(resolved),
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
      ...more,
    })
  await send(chunk({ role: 'assistant', content: '' }, null))
  try {
    for (; !next.done && !signal.aborted; next = await parts.next()) {
      const part = next.value
      if (part.type === 'text') await send(chunk({ content: part.text }, null))
      else {
        await send(chunk({}, finishReason(part)))
        if (body.stream_options?.include_usage) await send(chunk({}, null, { choices: [], usage: usageOf(part) }))
      }
    }
    // A caller must not take an answer that was cut short for a whole one.
    if (signal.aborted) throw servicesErrors.LISTENER_CLOSING({})
    await send('[DONE]')
    await answer.end()
  } finally {
    await parts.return?.()
  }
}

function requestOf(body: ChatBody, signal: AbortSignal): ChatRequest {
  return {
    messages: body.messages.map(({ role, content }) => ({
      role: role === 'developer' ? 'system' : role,
      content: typeof content === 'string' ? content : content.map(({ text }) => text).join('\n'),
    })),
    maxTokens: body.max_completion_tokens ?? body.max_tokens ?? undefined,
    temperature: body.temperature ?? undefined,
    signal,
  }
}

function finishReason({ stopped }: ChatEnd): string {
  return stopped === 'done' ? 'stop' : stopped === 'length' ? 'length' : 'content_filter'
}

function usageOf({ usage }: ChatEnd): object | undefined {
  return (
    usage && {
      prompt_tokens: usage.prompt,
      completion_tokens: usage.answer,
      total_tokens: usage.prompt + usage.answer,
    }
  )
}

/** A registered model names its version too, so that whoever keeps vectors knows what made them. */
function nameOf({ model, version, source }: Resolved): string {
  return source === 'registered' ? `${model}@${version}` : model
}

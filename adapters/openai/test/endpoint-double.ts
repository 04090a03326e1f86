/**
 * An endpoint on loopback that answers as OpenAI's HTTP interface describes (all fields it requires are there), with the twins of the
 * ports behind it, and that misbehaves when told to.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type ChatPart, type ChatRequest, createHashEmbedding, createScriptedChat } from '@keelson/infrastructure'

export interface EndpointDouble extends AsyncDisposable {
  readonly baseUrl: string
  /** In the order in which they came. */
  readonly requests: readonly ReceivedRequest[]
  /** Resolves when so many requests have come. */
  received(count: number): Promise<void>
  /** What the next requests get, one each, instead of an answer. */
  misbehave(...replies: readonly Reply[]): void
}

export interface ReceivedRequest {
  readonly path: string
  readonly authorization: string | undefined
  readonly body: ReceivedBody
}

/** Of embeddings and of chats, as far as the double looks. */
interface ReceivedBody {
  readonly model: string
  readonly input: readonly string[]
  readonly messages: ChatRequest['messages']
  readonly max_tokens: number | undefined
  readonly temperature: number | undefined
  readonly stream: boolean | undefined
}

export type Reply = (response: ServerResponse, request: ReceivedRequest) => unknown

const embeddings = createHashEmbedding(64)

export async function startEndpointDouble(
  answer: (request: ChatRequest) => string = () => '',
): Promise<EndpointDouble> {
  const requests: ReceivedRequest[] = []
  const replies: Reply[] = []
  const waiting: { readonly count: number; readonly resolve: () => void }[] = []
  const handle = async (incoming: IncomingMessage, response: ServerResponse) => {
    const request = await read(incoming)
    requests.push(request)
    for (const { count, resolve } of waiting) if (requests.length >= count) resolve()
    const reply = replies.shift() ?? (request.path === '/v1/embeddings' ? replyWithVectors : replyWithText(answer))
    await reply(response, request)
  }
  // A caller may give up in the middle of its request.
  const server = createServer((incoming, response) => void handle(incoming, response).catch(() => response.destroy()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A server that listens on a port has an address with one.
  const { port } = server.address() as AddressInfo
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    requests,
    received: (count) =>
      new Promise((resolve) => {
        if (requests.length >= count) resolve()
        else waiting.push({ count, resolve })
      }),
    misbehave: (...next) => replies.push(...next),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Answers with a status and a body: text as it is, anything else as JSON. */
export function status(code: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return (response) => {
    response.writeHead(code, { 'content-type': 'application/json', ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
}

/** Says nothing, ever. */
export const silence: Reply = () => {}

/** Begins an answer of server-sent events, then closes the connection (`cut`) or says no more. */
export function beginning(events: string, { cut }: { readonly cut: boolean }): Reply {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(events, () => cut && response.destroy())
  }
}

/** An answer with these vectors. */
export function vectors(data: readonly { readonly index?: unknown; readonly embedding: unknown }[]): Reply {
  return status(200, {
    object: 'list',
    model: 'double',
    data: data.map((entry) => ({ object: 'embedding', ...entry })),
    usage: { prompt_tokens: 1, total_tokens: 1 },
  })
}

async function read(incoming: IncomingMessage): Promise<ReceivedRequest> {
  const { url = '', headers } = incoming
  return { path: url, authorization: headers.authorization, body: JSON.parse(await text(incoming)) }
}

const replyWithVectors: Reply = async (response, request) => {
  const { model, input } = request.body
  const data = (await embeddings.embed(input)).map((vector, index) => ({
    object: 'embedding',
    index,
    // Not of length 1, as those of some servers.
    embedding: [...vector].map((value) => 3 * value),
  }))
  const tokens = 2 * input.length
  const answer = { object: 'list', model, data: data.reverse(), usage: { prompt_tokens: tokens, total_tokens: tokens } }
  status(200, answer)(response, request)
}

function replyWithText(answer: (request: ChatRequest) => string): Reply {
  const chat = createScriptedChat(answer)
  return async (response, request) => {
    const { messages, max_tokens: maxTokens, temperature, stream } = request.body
    const asked: ChatRequest = { messages, maxTokens, temperature }
    try {
      if (stream) await writeEvents(response, chat.stream(asked), request.body.model)
      else status(200, wholeAnswer(await chat.complete(asked), request.body.model))(response, request)
    } catch (error) {
      status(500, { error: { message: String(error), type: 'server_error', param: null, code: null } })(
        response,
        request,
      )
    }
  }
}

const finishReasons = { done: 'stop', length: 'length', filtered: 'content_filter' } as const

function wholeAnswer(
  { text, stopped, usage }: Awaited<ReturnType<ReturnType<typeof createScriptedChat>['complete']>>,
  model: string,
) {
  const message = { role: 'assistant', content: text, refusal: null }
  const choice = { index: 0, message, finish_reason: finishReasons[stopped], logprobs: null }
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_767_225_600,
    model,
    choices: [choice],
    usage: usageOf(usage),
  }
}

async function writeEvents(response: ServerResponse, parts: AsyncIterable<ChatPart>, model: string): Promise<void> {
  const chunk = (choices: unknown, usage: unknown = null) => {
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' })
    const data = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_767_225_600, model, choices, usage }
    response.write(`data: ${JSON.stringify(data)}\n\n`)
  }
  const choice = (delta: unknown, reason: string | null) => [{ index: 0, delta, finish_reason: reason, logprobs: null }]
  for await (const part of parts) {
    if (part.type === 'text') chunk(choice({ role: 'assistant', content: part.text }, null))
    else {
      chunk(choice({}, finishReasons[part.stopped]))
      chunk([], usageOf(part.usage))
    }
  }
  response.end('data: [DONE]\n\n')
}

function usageOf(usage: { readonly prompt: number; readonly answer: number } | undefined) {
  const { prompt = 0, answer = 0 } = usage ?? {}
  return { prompt_tokens: prompt, completion_tokens: answer, total_tokens: prompt + answer }
}

/** The chat port on an OpenAI-compatible endpoint: `/chat/completions`, whole or as server-sent events. */
import {
  type ChatAnswer,
  type ChatEnd,
  type ChatModel,
  type ChatPart,
  type ChatRequest,
  type ChatUsage,
  infrastructureErrors,
  requireChatRequest,
} from '@keelson/infrastructure'
import { isRecord } from '@keelson/kernel'
import type { OpenaiEndpoint } from './openai-endpoint.ts'
import { guessTokens } from './token-budget.ts'

export interface OpenaiChatOptions {
  readonly endpoint: OpenaiEndpoint
  /** As the endpoint calls it. */
  readonly model: string
}

/** A request counts against the budget with its messages and `maxTokens` until it is known what it took. */
export function createOpenaiChat({ endpoint, model }: OpenaiChatOptions): ChatModel {
  return {
    name: model,
    complete: (request) => complete(endpoint, model, request),
    stream: (request) => stream(endpoint, model, request),
  }
}

const path = '/chat/completions'

async function complete(endpoint: OpenaiEndpoint, model: string, request: ChatRequest): Promise<ChatAnswer> {
  requireChatRequest(request)
  const guess = guessPrompt(request)
  const settle = endpoint.budget.setAside(model, guess + (request.maxTokens ?? 0))
  try {
    const body = bodyOf(endpoint, model, request)
    const answer = await endpoint.json({ path, model, body, signal: request.signal })
    const { choice, usage } = readAnswer(answer)
    settle(usage ? usage.prompt + usage.answer : guess)
    const message = isRecord(choice?.['message']) ? choice['message'] : undefined
    const text = message?.['content']
    if (typeof text !== 'string') throw invalid(model, 'it has no text')
    return { text, stopped: stoppedOf(choice?.['finish_reason']), usage }
  } finally {
    settle(0)
  }
}

async function* stream(endpoint: OpenaiEndpoint, model: string, request: ChatRequest): AsyncGenerator<ChatPart> {
  requireChatRequest(request)
  const guess = guessPrompt(request)
  const settle = endpoint.budget.setAside(model, guess + (request.maxTokens ?? 0))
  const body = { ...bodyOf(endpoint, model, request), stream: true, stream_options: { include_usage: true } }
  let usage: ChatUsage | undefined
  let stopped: ChatEnd['stopped'] | undefined
  let tokens = 0
  try {
    for await (const data of endpoint.events({ path, model, body, signal: request.signal })) {
      if (tokens === 0) tokens = guess
      if (data === '[DONE]') break
      const piece = endpoint.parse(model, data)
      requireNoFailure(endpoint, model, piece)
      const { choice, usage: counted } = readAnswer(piece)
      usage = counted ?? usage
      if (typeof choice?.['finish_reason'] === 'string') stopped = stoppedOf(choice['finish_reason'])
      const text = isRecord(choice?.['delta']) ? choice['delta']['content'] : undefined
      if (typeof text !== 'string' || text === '') continue
      tokens += guessTokens(text)
      yield { type: 'text', text }
    }
    if (stopped === undefined) {
      throw infrastructureErrors.MODEL_UNAVAILABLE({ model, reason: 'the answer was cut off' })
    }
    // Whoever takes the end may not come back, so it is counted before.
    settle(usage ? usage.prompt + usage.answer : tokens)
    yield { type: 'end', stopped, usage }
  } finally {
    settle(tokens)
  }
}

function bodyOf(endpoint: OpenaiEndpoint, model: string, { messages, maxTokens, temperature }: ChatRequest) {
  return {
    model,
    messages: messages.map(({ role, content }) => ({ role, content })),
    ...(maxTokens !== undefined && { [endpoint.maxTokensField]: maxTokens }),
    ...(temperature !== undefined && { temperature }),
  }
}

function guessPrompt({ messages }: ChatRequest): number {
  return messages.reduce((sum, { content }) => sum + guessTokens(content), 0)
}

/** What whole answers and pieces of streamed ones have in common. The last piece may have no choice, only the usage. */
function readAnswer(answer: unknown): {
  choice: Readonly<Record<string, unknown>> | undefined
  usage: ChatUsage | undefined
} {
  const { choices, usage }: Record<string, unknown> = isRecord(answer) ? answer : {}
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined
  const { prompt_tokens: prompt, completion_tokens: completion }: Record<string, unknown> = isRecord(usage) ? usage : {}
  return {
    choice: isRecord(choice) ? choice : undefined,
    usage: isCount(prompt) && isCount(completion) ? { prompt, answer: completion } : undefined,
  }
}

/** A stream that has begun with status 200 can only say inside that something went wrong. */
function requireNoFailure(endpoint: OpenaiEndpoint, model: string, piece: unknown): void {
  if (!isRecord(piece)) throw invalid(model, 'a piece of it is not an object')
  if (piece['error'] === undefined || piece['error'] === null) return
  throw infrastructureErrors.MODEL_UNAVAILABLE({ model, reason: endpoint.shownMessage(piece) })
}

function stoppedOf(reason: unknown): ChatEnd['stopped'] {
  if (reason === 'length') return 'length'
  return reason === 'content_filter' ? 'filtered' : 'done'
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function invalid(model: string, reason: string) {
  return infrastructureErrors.MODEL_ANSWER_INVALID({ model, reason })
}

/**
 * The port of chat models: messages in, text out, whole or as it is written. It holds what every such model can do; tools, pictures and
 * the like are left out until something here asks for them.
 */
import { definePort } from '@keelson/kernel'

/**
 * Promises:
 * - `complete` resolves with the whole answer. `stream` yields its text in parts, in order and none of them empty, then exactly one `end`.
 *   A stream that is cut off throws; it never ends without `end`.
 * - Nothing is asked of the model before the first part is. Leaving the loop early ends the work at the model.
 * - Calls may overlap; a model remembers nothing of earlier ones.
 * - A request that no model could answer is refused with MODEL_REQUEST_INVALID. Both forms reject with the signal's reason soon after
 *   that aborts.
 */
export interface ChatModel {
  readonly name: string
  /**
   * Models at an endpoint fail with MODEL_UNAVAILABLE (retryable), MODEL_REQUEST_REFUSED, MODEL_ANSWER_INVALID or MODEL_BUDGET_SPENT.
   */
  complete(request: ChatRequest): Promise<ChatAnswer>
  stream(request: ChatRequest): AsyncIterable<ChatPart>
}

export const ChatModel = definePort<ChatModel>('chat-model')

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

export interface ChatRequest {
  /** The conversation so far, at least one message. */
  readonly messages: readonly ChatMessage[]
  /** Tokens of the answer at most; the model's own limit by default. */
  readonly maxTokens?: number | undefined
  /** 0 (the likeliest words) to 2; the model's own by default. */
  readonly temperature?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface ChatAnswer extends ChatEnd {
  readonly text: string
}

export type ChatPart = { readonly type: 'text'; readonly text: string } | ({ readonly type: 'end' } & ChatEnd)

export interface ChatEnd {
  /** Why the text ends: the model was done, `maxTokens` was reached, or a filter at the model cut in. */
  readonly stopped: 'done' | 'length' | 'filtered'
  /** Undefined where the model does not count. */
  readonly usage: ChatUsage | undefined
}

/** Tokens. */
export interface ChatUsage {
  readonly prompt: number
  readonly answer: number
}

/** The chat model that says what it is told to say. For tests, and as the reference of the port. */
import type { ChatModel, ChatRequest } from './chat-model.ts'
import { createLocalChat } from './local-chat.ts'

export interface ScriptedChat extends ChatModel {
  /** All requests so far, the refused ones aside. */
  readonly requests: readonly ChatRequest[]
}

/**
 * A model that answers with what `answer` returns, and fails with what it throws. A token is a word with the white space behind it, so
 * `maxTokens` and the usage count words.
 *
 * @example
 * const chat = createScriptedChat(({ messages }) => `You said: ${messages.at(-1)?.content}`)
 */
export function createScriptedChat(
  answer: (request: ChatRequest) => string | Promise<string>,
  { name = 'scripted' }: { readonly name?: string } = {},
): ScriptedChat {
  const requests: ChatRequest[] = []
  const chat = createLocalChat(name, (request) => {
    requests.push(request)
    return answer(request)
  })
  return { ...chat, requests }
}

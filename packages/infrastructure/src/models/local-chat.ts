/** A chat model in this process, made of a function from request to answer: what it says is cut into words and handed out as a stream. */
import type { ChatAnswer, ChatModel, ChatPart, ChatRequest } from './chat-model.ts'
import { requireChatRequest } from './chat-request.ts'

/** A token is a word with the white space behind it, so `maxTokens` and the usage count words. */
export function createLocalChat(name: string, answer: (request: ChatRequest) => string | Promise<string>): ChatModel {
  async function* stream(request: ChatRequest): AsyncGenerator<ChatPart> {
    const { messages, maxTokens = Number.POSITIVE_INFINITY, signal } = request
    requireChatRequest(request)
    const words = wordsOf(await answer(request))
    const said = words.slice(0, maxTokens)
    for (const text of said) {
      signal?.throwIfAborted()
      yield { type: 'text', text }
    }
    signal?.throwIfAborted()
    const prompt = messages.reduce((sum, { content }) => sum + wordsOf(content).length, 0)
    const stopped = said.length < words.length ? 'length' : 'done'
    yield { type: 'end', stopped, usage: { prompt, answer: said.length } }
  }
  return { name, stream, complete: (request) => answerOf(stream(request)) }
}

async function answerOf(parts: AsyncIterable<ChatPart>): Promise<ChatAnswer> {
  let text = ''
  for await (const part of parts) {
    if (part.type === 'end') return { text, stopped: part.stopped, usage: part.usage }
    text += part.text
  }
  throw new Error('A stream of the port ends with `end`')
}

function wordsOf(text: string): readonly string[] {
  return text.match(/\S+\s*|^\s+/g) ?? []
}

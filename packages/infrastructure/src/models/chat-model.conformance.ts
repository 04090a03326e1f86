/** What every `ChatModel` must pass, as data so that any test runner can run it. */
import assert from 'node:assert/strict'
import { isError } from '@keelson/kernel'
import type { ChatEnd, ChatMessage, ChatModel, ChatPart, ChatRequest } from './chat-model.ts'

export interface ChatModelCase {
  readonly name: string
  /**
   * @param create a model that answers with what `answer` returns and fails when that throws. Its tokens are words, each with the white
   * space behind it, as those of `createScriptedChat`.
   */
  run(create: (answer: (request: ChatRequest) => string) => ChatModel | Promise<ChatModel>): Promise<void>
}

const messages: readonly ChatMessage[] = [
  { role: 'system', content: 'You know ships.' },
  { role: 'user', content: 'What is a keel?' },
  { role: 'assistant', content: 'A beam.' },
  { role: 'user', content: 'Of "what"?\n\u2028😀' },
]
const text = 'A keel is the beam\n\nof oak 橡木 – along the bottom 🚢 of a "ship".'

export const chatModelConformance: readonly ChatModelCase[] = [
  {
    name: 'complete() resolves with the whole text, and says why it ended',
    async run(create) {
      const model = await create(() => text)
      assert.ok(model.name.length > 0)
      const answer = await model.complete({ messages })
      assert.equal(answer.text, text)
      assertEnd(answer, 'done')
    },
  },
  {
    name: 'stream() yields the text in parts, none empty, then one end',
    async run(create) {
      const model = await create(() => text)
      const parts = await collect(model.stream({ messages }))
      assert.equal(textOf(parts), text)
      assert.ok(parts.length > 2)
      assert.ok(parts.every((part) => part.type === 'end' || part.text.length > 0))
      assert.equal(parts.filter((part) => part.type === 'end').length, 1)
      assertEnd(endOf(parts), 'done')
    },
  },
  {
    name: 'both forms hand the messages and settings to the model as they are',
    async run(create) {
      const seen: unknown[] = []
      const model = await create(({ messages, maxTokens, temperature }) => {
        seen.push({ messages, maxTokens, temperature })
        return text
      })
      await model.complete({ messages, maxTokens: 50, temperature: 0.5 })
      await collect(model.stream({ messages, maxTokens: 50, temperature: 0 }))
      assert.deepEqual(seen, [
        { messages, maxTokens: 50, temperature: 0.5 },
        { messages, maxTokens: 50, temperature: 0 },
      ])
    },
  },
  {
    name: 'both forms stop at maxTokens and say so',
    async run(create) {
      const model = await create(() => 'one two three four')
      const answer = await model.complete({ messages, maxTokens: 2 })
      assert.equal(answer.text.trim(), 'one two')
      assertEnd(answer, 'length')
      const parts = await collect(model.stream({ messages, maxTokens: 2 }))
      assert.equal(textOf(parts).trim(), 'one two')
      assertEnd(endOf(parts), 'length')
    },
  },
  {
    name: 'both forms may say nothing',
    async run(create) {
      const model = await create(() => '')
      assert.equal((await model.complete({ messages })).text, '')
      const parts = await collect(model.stream({ messages }))
      assert.deepEqual(
        parts.map((part) => part.type),
        ['end'],
      )
    },
  },
  {
    name: 'both forms refuse a request that no model could answer with MODEL_REQUEST_INVALID',
    async run(create) {
      const model = await create(() => text)
      const refuses = async (change: Partial<ChatRequest>) => {
        const request = { messages, ...change }
        const isRefused = (error: unknown) => isError(error, 'MODEL_REQUEST_INVALID')
        await assert.rejects(async () => model.complete(request), isRefused)
        await assert.rejects(collect(model.stream(request)), isRefused)
      }
      await refuses({ messages: [] })
      for (const maxTokens of [0, -1, 1.5, Number.NaN]) await refuses({ maxTokens })
      for (const temperature of [-0.1, 2.1, Number.NaN]) await refuses({ temperature })
    },
  },
  {
    name: "both forms reject with the signal's reason when that has aborted, and stream() when it aborts",
    async run(create) {
      const model = await create(() => text)
      const reason = new Error('enough')
      const signal = AbortSignal.abort(reason)
      await assert.rejects(async () => model.complete({ messages, signal }), reason)
      await assert.rejects(collect(model.stream({ messages, signal })), reason)
      const controller = new AbortController()
      const parts = model.stream({ messages, signal: controller.signal })[Symbol.asyncIterator]()
      assert.equal((await parts.next()).done, false)
      controller.abort(reason)
      await assert.rejects(Promise.resolve(parts.next()), reason)
    },
  },
  {
    name: 'stream() asks nothing before its first part is, and may be left early',
    async run(create) {
      let asked = 0
      const model = await create(() => {
        asked++
        return text
      })
      const unused = model.stream({ messages })
      assert.equal(asked, 0)
      for await (const part of unused) {
        assert.equal(part.type, 'text')
        break
      }
      assert.equal(asked, 1)
      assert.equal((await model.complete({ messages })).text, text)
    },
  },
  {
    name: 'both forms may be called again before they have ended',
    async run(create) {
      const model = await create(({ messages }) => `You said ${messages.at(-1)?.content}`)
      const say = (content: string): ChatRequest => ({ messages: [{ role: 'user', content }] })
      const answers = await Promise.all([
        model.complete(say('a')).then((answer) => answer.text),
        collect(model.stream(say('b'))).then(textOf),
        model.complete(say('c')).then((answer) => answer.text),
      ])
      assert.deepEqual(answers, ['You said a', 'You said b', 'You said c'])
    },
  },
  {
    name: 'both forms fail when the model does',
    async run(create) {
      const model = await create(() => {
        throw new Error('the model is out of order')
      })
      await assert.rejects(async () => model.complete({ messages }))
      await assert.rejects(collect(model.stream({ messages })))
    },
  },
]

async function collect(parts: AsyncIterable<ChatPart>): Promise<ChatPart[]> {
  const collected: ChatPart[] = []
  for await (const part of parts) collected.push(part)
  return collected
}

function textOf(parts: readonly ChatPart[]): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
}

function endOf(parts: readonly ChatPart[]): ChatEnd {
  const last = parts.at(-1)
  assert.ok(last?.type === 'end')
  return last
}

function assertEnd({ stopped, usage }: ChatEnd, expected: ChatEnd['stopped']): void {
  assert.equal(stopped, expected)
  if (!usage) return
  for (const count of [usage.prompt, usage.answer]) assert.ok(Number.isSafeInteger(count) && count >= 0)
}

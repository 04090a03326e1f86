import type { ChatPart } from '@keelson/infrastructure'
import { chatModelConformance } from '@keelson/infrastructure/testing'
import { describe, expect, it } from 'vitest'
import { createOpenaiChat } from '../src/openai-chat.ts'
import { OpenaiEndpoint, type OpenaiEndpointOptions } from '../src/openai-endpoint.ts'
import { beginning, type EndpointDouble, startEndpointDouble, status } from './endpoint-double.ts'
import { createPatientClock, timeoutMs } from './patient-clock.ts'

const request = { messages: [{ role: 'user', content: 'What is a keel?' }] } as const

for (const { name, run } of chatModelConformance) {
  it(`createOpenaiChat() ${name}`, async () => {
    await using doubles = new AsyncDisposableStack()
    await run(async (answer) => chatOf(doubles.use(await startEndpointDouble(answer))).chat)
  })
}

describe('createOpenaiChat()', () => {
  it('sends what is set and nothing else', async () => {
    await using double = await startEndpointDouble(() => 'a beam')
    const { chat } = chatOf(double)
    await chat.complete(request)
    await chat.complete({ ...request, maxTokens: 7, temperature: 0 })
    expect(double.requests.map(({ path, body }) => ({ path, body }))).toEqual([
      { path: '/v1/chat/completions', body: { model: 'chatty', messages: request.messages } },
      {
        path: '/v1/chat/completions',
        body: { model: 'chatty', messages: request.messages, max_tokens: 7, temperature: 0 },
      },
    ])
  })

  it('reads why an answer ended and what it took', async () => {
    await using double = await startEndpointDouble()
    const { chat } = chatOf(double)
    const choice = { index: 0, message: { role: 'assistant', content: 'no' }, finish_reason: 'content_filter' }
    double.misbehave(status(200, { choices: [choice], usage: { prompt_tokens: 5, completion_tokens: 1 } }))
    expect(await chat.complete(request)).toEqual({ text: 'no', stopped: 'filtered', usage: { prompt: 5, answer: 1 } })
    double.misbehave(status(200, { choices: [{ ...choice, finish_reason: 'stop' }] }))
    expect(await chat.complete(request)).toEqual({ text: 'no', stopped: 'done', usage: undefined })
  })

  it('refuses answers without text with MODEL_ANSWER_INVALID', async () => {
    await using double = await startEndpointDouble()
    const { chat } = chatOf(double)
    for (const answer of [
      '',
      'null',
      '[]',
      '{}',
      '{"choices":[]}',
      '{"choices":[{"message":{"content":null}}]}',
      '<html>',
    ]) {
      double.misbehave(status(200, answer))
      await expect(chat.complete(request), answer).rejects.toMatchObject({ code: 'MODEL_ANSWER_INVALID' })
    }
  })

  it('reads a stream however it is cut into packets and lines', async () => {
    await using double = await startEndpointDouble()
    const { chat } = chatOf(double)
    const stream = `: hello\r\n\r\n${event('ein Kiel ')}${event('🚢', '\r\n')}data:${pieceOf('.', 'stop')}\r\rdata: [DONE]\n\n`
    double.misbehave(async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const byte of Buffer.from(stream)) await new Promise((sent) => response.write(Buffer.of(byte), sent))
      response.end()
    })
    expect(await collect(chat.stream(request))).toEqual([
      { type: 'text', text: 'ein Kiel ' },
      { type: 'text', text: '🚢' },
      { type: 'text', text: '.' },
      { type: 'end', stopped: 'done', usage: undefined },
    ])
  })

  it('takes a stream that ends without [DONE] when the model had said why it stopped', async () => {
    await using double = await startEndpointDouble()
    const { chat } = chatOf(double)
    double.misbehave(status(200, event('a', '\n', 'length')))
    expect((await collect(chat.stream(request))).at(-1)).toEqual({ type: 'end', stopped: 'length', usage: undefined })
  })

  it('throws when a stream is cut off, broken off, or fails inside', async () => {
    await using double = await startEndpointDouble()
    const { chat } = chatOf(double)
    const broken = {
      'cut by the connection': [beginning(event('a '), { cut: true }), 'MODEL_UNAVAILABLE'],
      'ended too early': [status(200, event('a ')), 'MODEL_UNAVAILABLE'],
      'ended in a piece': [status(200, `${event('a ')}data: {"choices":`), 'MODEL_UNAVAILABLE'],
      'ended by [DONE] alone': [status(200, `${event('a ')}data: [DONE]\n\n`), 'MODEL_UNAVAILABLE'],
      'failed inside': [status(200, `${event('a ')}data: {"error":{"message":"overloaded"}}\n\n`), 'MODEL_UNAVAILABLE'],
      'not JSON': [status(200, `${event('a ')}data: oops\n\n`), 'MODEL_ANSWER_INVALID'],
      'not an object': [status(200, `${event('a ')}data: 7\n\n`), 'MODEL_ANSWER_INVALID'],
      'a line without end': [status(200, `${event('a ')}data: ${'x'.repeat(1_100_000)}`), 'MODEL_ANSWER_INVALID'],
    } as const
    for (const [name, [reply, code]] of Object.entries(broken)) {
      double.misbehave(reply)
      const texts: string[] = []
      await expect(collect(chat.stream(request), texts), name).rejects.toMatchObject({ code })
      expect(texts, name).toEqual(['a '])
    }
    expect(double.requests).toHaveLength(Object.keys(broken).length)
  })

  it('throws when a stream falls silent for longer than the endpoint may', async () => {
    await using double = await startEndpointDouble()
    const { chat, clock } = chatOf(double)
    double.misbehave(beginning(event('a '), { cut: false }))
    const parts = chat.stream(request)[Symbol.asyncIterator]()
    expect(await parts.next()).toMatchObject({ value: { text: 'a ' } })
    const silent = expect(parts.next()).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' })
    await turnOfEventLoop()
    clock.expire()
    await silent
  })

  it('tries again to begin a stream', async () => {
    await using double = await startEndpointDouble(() => 'a beam')
    const { chat, clock } = chatOf(double)
    double.misbehave(status(429, '', { 'retry-after': '2' }), status(500, ''))
    expect(await collect(chat.stream(request))).toHaveLength(3)
    expect(clock.waits[0]).toBe(2_000)
  })

  it('ends the request when the loop is left early', async () => {
    await using double = await startEndpointDouble()
    const { chat } = chatOf(double)
    const closed = Promise.withResolvers<void>()
    double.misbehave((response) => {
      response.on('close', () => closed.resolve())
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(event('a '))
    })
    for await (const part of chat.stream(request)) {
      expect(part).toEqual({ type: 'text', text: 'a ' })
      break
    }
    await closed.promise
  })

  it('counts what both forms take against the budget', async () => {
    await using double = await startEndpointDouble(() => 'a beam of oak')
    const { chat, endpoint } = chatOf(double, { tokenBudget: 30 })
    await chat.complete(request)
    expect(endpoint.budget.used).toBe(8)
    await collect(chat.stream(request))
    expect(endpoint.budget.used).toBe(16)
    await expect(chat.complete({ ...request, maxTokens: 20 })).rejects.toMatchObject({ code: 'MODEL_BUDGET_SPENT' })
    await expect(collect(chat.stream({ ...request, maxTokens: 20 }))).rejects.toMatchObject({
      code: 'MODEL_BUDGET_SPENT',
    })
    expect(double.requests).toHaveLength(2)
    for await (const _ of chat.stream(request)) break
    expect(endpoint.budget.used).toBeGreaterThan(16)
  })
})

function chatOf({ baseUrl }: EndpointDouble, options: OpenaiEndpointOptions = {}) {
  const clock = createPatientClock()
  const endpoint = new OpenaiEndpoint({ baseUrl, clock, timeoutMs, ...options })
  return { chat: createOpenaiChat({ endpoint, model: 'chatty' }), endpoint, clock }
}

async function collect(parts: AsyncIterable<ChatPart>, texts: string[] = []): Promise<ChatPart[]> {
  const collected: ChatPart[] = []
  for await (const part of parts) {
    collected.push(part)
    if (part.type === 'text') texts.push(part.text)
  }
  return collected
}

function event(content: string, end = '\n', reason: string | null = null): string {
  return `data: ${pieceOf(content, reason)}${end}${end}`
}

function pieceOf(content: string, reason: string | null): string {
  return JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: reason }] })
}

function turnOfEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

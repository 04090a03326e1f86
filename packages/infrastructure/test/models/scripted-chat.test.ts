import { expect, it } from 'vitest'
import { chatModelConformance } from '../../src/models/chat-model.conformance.ts'
import { createScriptedChat } from '../../src/models/scripted-chat.ts'

for (const { name, run } of chatModelConformance) it(`createScriptedChat() ${name}`, () => run(createScriptedChat))

it('createScriptedChat() counts words and remembers what it was asked', async () => {
  const chat = createScriptedChat(() => 'a beam of oak')
  const request = { messages: [{ role: 'user', content: 'What is a keel?' }] } as const
  expect(await chat.complete(request)).toEqual({
    text: 'a beam of oak',
    stopped: 'done',
    usage: { prompt: 4, answer: 4 },
  })
  expect(chat.requests).toEqual([request])
})

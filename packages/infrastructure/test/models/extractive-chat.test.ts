import { describe, expect, test } from 'vitest'
import { createExtractiveChat } from '../../src/models/extractive-chat.ts'

const text = `A keelson ties the frames of a ship. It lies on the floor timbers.

Iron pigs are stowed as ballast. The mast stands on the keelson.`

async function ask(...contents: string[]): Promise<string> {
  const messages = contents.map((content) => ({ role: 'user' as const, content }))
  return (await createExtractiveChat().complete({ messages })).text
}

describe('createExtractiveChat()', () => {
  test('answers with sentences of the text, word for word and in their order', async () => {
    expect(await ask(text, 'What does the mast stand on, and what ties the frames?')).toBe(
      'A keelson ties the frames of a ship. The mast stands on the keelson.',
    )
  })

  test('takes the last paragraph of one message as the question', async () => {
    expect(await ask(`${text}\n\nWhat serves as ballast?`)).toBe('Iron pigs are stowed as ballast.')
  })

  test('says so when the text has no answer, or there is no text', async () => {
    const nothing = 'Nothing in the text that was given answers this.'
    expect(await ask(text, 'Who painted the ceiling?')).toBe(nothing)
    expect(await ask('What is a keelson?')).toBe(nothing)
  })

  test('streams the same answer, and stops at the limit', async () => {
    const messages = [
      { role: 'system' as const, content: text },
      { role: 'user' as const, content: 'ballast' },
    ]
    const parts = []
    for await (const part of createExtractiveChat().stream({ messages, maxTokens: 2 })) parts.push(part)
    expect(parts).toEqual([
      { type: 'text', text: 'Iron ' },
      { type: 'text', text: 'pigs ' },
      { type: 'end', stopped: 'length', usage: { prompt: 27, answer: 2 } },
    ])
  })
})

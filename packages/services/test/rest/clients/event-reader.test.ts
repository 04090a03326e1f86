import { describe, expect, it } from 'vitest'
import { eventsOf } from '../../../src/rest/clients/event-reader.ts'

/** The events of a body that comes in chunks of so many bytes. */
async function read(text: string, chunk: number) {
  const bytes = new TextEncoder().encode(text)
  async function* body() {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk)
  }
  const events: [event: string, data: string][] = []
  for await (const { event, data } of eventsOf(body(), 'ticks.on')) events.push([event, data])
  return events
}

describe('eventsOf()', () => {
  it.each([
    [
      'our own form',
      'data: {"n":1}\n\nevent: end\ndata: {}\n\n',
      [
        ['message', '{"n":1}'],
        ['end', '{}'],
      ],
    ],
    [
      'CR LF',
      'data: 1\r\n\r\ndata: 2\r\n\r\n',
      [
        ['message', '1'],
        ['message', '2'],
      ],
    ],
    [
      'CR',
      'data: 1\r\rdata: 2\r\r',
      [
        ['message', '1'],
        ['message', '2'],
      ],
    ],
    [
      'mixed line ends',
      'data: 1\r\n\ndata: 2\n\r\n',
      [
        ['message', '1'],
        ['message', '2'],
      ],
    ],
    ['a byte order mark', '\ufeffdata: 1\n\n', [['message', '1']]],
    ['comments', ': ping\n\n:\ndata: 1\n: in between\n\n', [['message', '1']]],
    ['several lines', 'data: a\ndata:\ndata:  b\n\n', [['message', 'a\n\n b']]],
    ['no space', 'event:tick\ndata:1\n\n', [['tick', '1']]],
    ['a field without a value', 'data\n\n', [['message', '']]],
    ['id and retry', 'id: 7\nretry: 100\ndata: 1\n\nretry: 5\n\n', [['message', '1']]],
    ['fields of others', 'datum: 0\n data: 0\ndata: 1\n\n', [['message', '1']]],
    [
      'a name that holds for one event',
      'event: a\ndata: 1\n\ndata: 2\n\n',
      [
        ['a', '1'],
        ['message', '2'],
      ],
    ],
    ['an event without data', 'event: a\n\ndata: 1\n\n', [['message', '1']]],
    ['characters of several bytes', 'data: "ü€😀"\n\n', [['message', '"ü€😀"']]],
    ['an event that never ended', 'data: 1\n\ndata: 2\n', [['message', '1']]],
  ])('reads %s, however it is cut into chunks', async (_, text, expected) => {
    for (const chunk of [1, 2, 3, 5, 1_000]) expect(await read(text, chunk)).toEqual(expected)
  })
})

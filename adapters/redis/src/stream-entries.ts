/** Entries of Redis Streams as messages. What somebody else has written there is a message too, that says why it cannot be read. */
import { type DeadLetter, type Message, parseMessageId } from '@keelson/events'

export type StreamEntry = readonly [id: string, fields: readonly string[]]

export function messageIn(topic: string, [entryId, values]: StreamEntry): Message {
  const fields = new Map<string, string>()
  for (let at = 0; at + 1 < values.length; at += 2) fields.set(values[at] ?? '', values[at + 1] ?? '')
  // An entry that was replayed has an id of its own.
  const id = fields.get('source') ?? entryId
  const [key, type, at, text] = ['key', 'type', 'at', 'body'].map((name) => fields.get(name))
  const head = { topic, ...positionIn(id), id, key: key ?? '', type: type ?? '', at: Number(at ?? 0) }
  if (key === undefined || type === undefined || at === undefined || text === undefined)
    return { ...head, body: undefined, unreadable: 'it was not written by an outbox: a field is missing' }
  try {
    const body: unknown = JSON.parse(text)
    return { ...head, body }
  } catch {
    return { ...head, body: undefined, unreadable: 'its body is no JSON' }
  }
}

export function deadLetterIn(topic: string, entry: StreamEntry): DeadLetter {
  const [id, values] = entry
  const field = (name: string) => values[values.indexOf(name) + 1] ?? ''
  return {
    id,
    message: messageIn(topic, entry),
    // The script that buries writes these four first.
    reason: field('reason'),
    deliveries: Number(field('deliveries')),
    at: new Date(Number(field('died'))),
  }
}

/** An id beyond 2^53 is somebody else's: it has no position. */
function positionIn(id: string): { epoch: number; position: number } {
  try {
    return parseMessageId(id)
  } catch {
    return { epoch: 0, position: 0 }
  }
}

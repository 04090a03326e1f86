/** What topics, groups, consumers and sources may be called, and what may be published: checked before anything is sent. */
import { eventsErrors } from '../errors.ts'
import type { FeedPosition } from '../store/event-store.ts'
import { comparePositions, messageIdOf } from './message.ts'
import type { Publication } from './message-streams.ts'

/** Throws MESSAGES_INVALID. */
export function requireName(what: 'topic' | 'group' | 'consumer' | 'source', name: unknown): void {
  if (typeof name !== 'string' || !/^[\w./-]{1,200}$/.test(name))
    throw eventsErrors.MESSAGES_INVALID({
      attempt: `use ${what} ${JSON.stringify(name)?.slice(0, 100)}`,
      reason: 'a name is 1 to 200 letters, digits and . _ - /',
    })
}

export function requirePosition(attempt: string, { epoch, position }: FeedPosition): void {
  if (![epoch, position].every((number) => Number.isSafeInteger(number) && number >= 0))
    throw eventsErrors.MESSAGES_INVALID({ attempt, reason: `${epoch}-${position} is no position` })
}

export function requirePublication({ source, after, next, messages }: Publication): void {
  requireName('source', source)
  const attempt = `publish messages of "${source}"`
  requirePosition(attempt, after)
  requirePosition(attempt, next)
  let last = after
  for (const message of messages) {
    requireName('topic', message.topic)
    requirePosition(attempt, message)
    if (comparePositions(message, last) <= 0)
      throw eventsErrors.MESSAGES_INVALID({
        attempt,
        reason: `${messageIdOf(message)} does not come after ${messageIdOf(last)}`,
      })
    last = message
  }
  if (comparePositions(last, next) > 0 || comparePositions(after, next) === 0)
    throw eventsErrors.MESSAGES_INVALID({
      attempt,
      reason: `the cursor cannot go from ${messageIdOf(last)} to ${messageIdOf(next)}`,
    })
}

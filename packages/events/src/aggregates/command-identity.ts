/**
 * What makes a command the same when it comes again. Its events have ids that follow from log, stream and key, so that a repeat finds them;
 * and they note a hash of operation and input, so that another command under the same key is told from a repeat.
 */
import { createHash } from 'node:crypto'
import { type CallKey, currentCall } from '@keelson/kernel'
import { hashedEventId } from '../store/event-ids.ts'

/** What is executed: commands with one key must be the same in both. */
export interface CommandDescription {
  /** `orders.pay`. */
  readonly operation: string
  /** JSON. */
  readonly input: unknown
}

export interface CommandIdentity {
  readonly key: string
  /** Of the event at this place among those decided. */
  idOf(at: number): string
  /** Undefined for what was executed without a description. */
  readonly fingerprint: string | undefined
}

/** How many commands each run under a key has begun on each stream. */
const begun = new WeakMap<CallKey, Map<string, number>>()

/**
 * With a key of its own, a command is known by that. With the key of the call around it, it is the first, second, third … that the call
 * executes on the stream: all of them happen, and the same ones again when the call comes again.
 */
export function commandIdentity(
  log: string,
  stream: string,
  key: string | undefined,
  command: CommandDescription | undefined,
): CommandIdentity | undefined {
  const own = currentCall().key
  const given = key ?? own?.text
  if (given === undefined) return undefined
  const before = key === undefined && own ? countOf(own, JSON.stringify([log, stream])) : 0
  const parts = before === 0 ? [log, stream, given] : [log, stream, given, 'command', before]
  return {
    key: given,
    idOf: (at) => hashedEventId(...parts, at),
    // With the key in it nobody finds an input by trying.
    fingerprint: command && hashOf([given, command.operation, command.input]),
  }
}

function countOf(key: CallKey, place: string): number {
  const counts = begun.get(key) ?? new Map<string, number>()
  begun.set(key, counts)
  const before = counts.get(place) ?? 0
  counts.set(place, before + 1)
  return before
}

function hashOf(value: unknown): string {
  const sorted = (_: string, one: unknown) =>
    one !== null && typeof one === 'object' && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one
  return createHash('sha256').update(JSON.stringify(value, sorted)).digest('base64url')
}

/**
 * Connections for message streams: one for commands, and one for each call that waits. What Redis answers to a command is turned into an
 * error of the port here; a connection whose server hangs is given up, so that the next call finds whoever serves now.
 */
import { createHash } from 'node:crypto'
import { eventsErrors, type TakeOptions } from '@keelson/events'
import { isError, type Lifetime, reasonOf, type Secret, systemClock, withinTime } from '@keelson/kernel'
import { Redis, ReplyError } from 'ioredis'

export interface StreamsConnectionOptions {
  readonly url: Secret
  /** Milliseconds until an answer counts as none. */
  readonly timeoutMs: number
}

export class StreamsConnection {
  readonly #options: StreamsConnectionOptions
  readonly #lifetime: Lifetime
  readonly #redis: Redis
  readonly #idle: Redis[] = []
  readonly #hashes = new Map<string, string>()
  #isClosed = false

  constructor(options: StreamsConnectionOptions, lifetime: Lifetime) {
    this.#options = options
    this.#lifetime = lifetime
    lifetime.onClose(() => {
      this.#isClosed = true
    })
    this.#redis = this.#connect()
  }

  async call<T = unknown>(attempt: string, command: string, values: readonly string[]): Promise<T> {
    return this.#answered<T>(attempt, this.#redis, this.#redis.call(command, ...values), this.#options.timeoutMs)
  }

  async script<T = unknown>(
    attempt: string,
    script: string,
    keys: readonly string[],
    values: readonly string[],
  ): Promise<T> {
    const hash = this.#hashes.get(script) ?? createHash('sha1').update(script).digest('hex')
    this.#hashes.set(script, hash)
    const rest = [String(keys.length), ...keys, ...values]
    try {
      return await this.call<T>(attempt, 'EVALSHA', [hash, ...rest])
    } catch (error) {
      // A server that has just started, or been promoted, does not know it.
      if (!this.isReply(error, 'NOSCRIPT')) throw error
      return this.call<T>(attempt, 'EVAL', [script, ...rest])
    }
  }

  /** XREAD or XREADGROUP, which may wait. When the signal aborts, Redis is asked to end the wait, so that nothing it gives is lost on the way. */
  async waiting<T>(
    attempt: string,
    command: string,
    words: readonly string[],
    streams: readonly string[],
    { waitMs = 0, signal }: TakeOptions,
  ): Promise<T | null> {
    if (waitMs <= 0 || signal?.aborted) return this.call<T | null>(attempt, command, [...words, ...streams])
    const redis = this.#idle.pop() ?? this.#connect()
    const id = redis.client('ID').catch(() => undefined)
    const answer = redis.call(command, ...words, 'BLOCK', String(Math.ceil(waitMs)), ...streams)
    const unblock = () => {
      id.then((number) => number !== undefined && this.#redis.client('UNBLOCK', number)).catch(() => {})
    }
    signal?.addEventListener('abort', unblock, { once: true })
    try {
      return await this.#answered<T | null>(attempt, redis, answer, waitMs + this.#options.timeoutMs)
    } finally {
      signal?.removeEventListener('abort', unblock)
      this.#idle.push(redis)
    }
  }

  /** Whether it is an answer of Redis with these words. */
  isReply(error: unknown, words: string): boolean {
    return isError(error, 'MESSAGES_FAILED') && String(error.details['reason']).includes(words)
  }

  #connect(): Redis {
    const redis = new Redis(this.#options.url.reveal(), {
      // What is asked before the first connection waits for it; what is asked when it was lost fails with the next try.
      enableOfflineQueue: true,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      connectTimeout: this.#options.timeoutMs,
      retryStrategy: (times) => Math.min(50 * times, 1000),
    })
    redis.on('error', () => {})
    this.#lifetime.onClose(() => redis.disconnect())
    return redis
  }

  async #answered<T>(attempt: string, redis: Redis, answer: Promise<unknown>, withinMs: number): Promise<T> {
    const timedOut = () => {
      if (!this.#isClosed) redis.disconnect(true)
      return eventsErrors.MESSAGES_UNAVAILABLE({ attempt, reason: `Redis did not answer within ${withinMs} ms` })
    }
    try {
      // The caller knows what its command answers.
      return (await withinTime(() => answer, { timeoutMs: withinMs, clock: systemClock, timedOut })) as T
    } catch (error) {
      throw this.#failureOf(attempt, redis, error)
    }
  }

  #failureOf(attempt: string, redis: Redis, error: unknown): unknown {
    if (isError(error)) return error
    const reason = reasonOf(error)
    if (!(error instanceof ReplyError))
      return eventsErrors.MESSAGES_UNAVAILABLE({ attempt, reason: 'there is no connection to Redis' })
    if (/\bOOM\b/.test(reason)) return eventsErrors.MESSAGES_FULL({ attempt })
    if (/\b(READONLY|MASTERDOWN|LOADING|BUSY|NOREPLICAS|MISCONF|UNBLOCKED)\b/.test(reason)) {
      // A replica by now: the address may lead elsewhere.
      if (reason.includes('READONLY') && !this.#isClosed) redis.disconnect(true)
      return eventsErrors.MESSAGES_UNAVAILABLE({ attempt, reason: `Redis says ${reason.slice(0, 200)}` })
    }
    return eventsErrors.MESSAGES_FAILED({ attempt, reason: `Redis says ${reason.slice(0, 200)}` })
  }
}

/**
 * The port of structured logs: what a service holds to say what happened. A record is a level, a message written for people and fields
 * for machines; where it goes is an adapter's business.
 *
 * Promises, which every implementation keeps by being made with `logTo`:
 * - Levels are ordered debug < info < warn < error < fatal. A call below the log's level does nothing and reads none of its fields.
 * - One call makes one record, in the order of the calls. Nothing in a message or field can end a record or begin another: control
 *   characters in a message are shown as escapes.
 * - No call throws, whatever it is given: circular values, BigInt, throwing getters. A record that cannot be written is dropped.
 * - An `Error`, usually given as `error`, becomes its name, message, code, details, stack and cause.
 * - Values under keys that name a secret (password, token, secret, authorization, apiKey, cookie and their like: `refresh_token`,
 *   `Set-Cookie`) are `[redacted]` at any depth, as is the password inside a URL.
 * - `correlationId`, `traceId` and `spanId` are those of the call the code runs in, when there are any.
 * - Fields named time, level or message are kept as `time_`, `level_`, `message_`: they cannot replace the record's own.
 * - Long texts, deep and large values are cut and marked, so that a record stays within some ten kilobytes.
 */
import { definePort } from '@keelson/kernel'

export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** For what ends the process: the record is written out before the call returns, where the destination can. */
  fatal(message: string, fields?: LogFields): void
  /**
   * A log that adds `fields`, as they are now, to each of its records; a field of the call wins over one of the child, and that over one
   * of the parent. The parent is not changed.
   */
  child(fields: LogFields): Log
  /**
   * Resolves when what was logged has been handed to the operating system. Ends what the log itself opened, unless called on a child,
   * which only flushes. Safe to repeat; a record logged afterwards may be lost, without an error.
   */
  close(): Promise<void>
}

export const Log = definePort<Log>('log')

export type LogFields = Readonly<Record<string, unknown>>

/** Lowest first. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'fatal'] as const
export type LogLevel = (typeof logLevels)[number]

/**
 * Makes a `Log` on anything that can take records. Levels, children, the correlation id and safety live here, so that an implementation
 * is only the writing of a record and has no promise of the contract left to break.
 */
import { type CallContext, type Clock, currentCall, systemClock } from '@keelson/kernel'
import { telemetryErrors } from '../errors.ts'
import { type Log, type LogFields, type LogLevel, logLevels } from './log.ts'
import { type LogRecord, type SafeFields, safeFields, safeMessage } from './record.ts'

/** Where records go. */
export interface LogSink {
  /** Takes one record, in the order of the calls. It may throw: the record is then lost and the caller never knows. */
  write(record: LogRecord): void
  /** Resolves when what was written has left the process. */
  flush(): void | Promise<void>
  /** Flushes, and closes what the sink itself opened. Called once. */
  close(): void | Promise<void>
}

export interface LogOptions {
  /** The lowest level that is written; `info` by default. */
  readonly level?: LogLevel
  readonly clock?: Clock
}

/** What can be done to a log while it is in use, by whoever composes the system. */
export interface LogControl {
  /**
   * Levels by namespace, over the log's own level and in place of those given before: `{ documents: 'debug', 'documents.index': 'warn' }`.
   * The namespace of a log is the `service` that it is bound to, then a dot and its `namespace` when it has one; the longest name that it
   * begins with counts, and `*` stands for all. Logs that are there already follow.
   */
  setLevels(levels: Readonly<Record<string, LogLevel>>): void
  /** Calls `listener` with each record that is written, until the returned function is called. What it throws is lost. */
  onRecord(listener: (record: LogRecord) => void): () => void
}

const controlKey = Symbol.for('keelson.log.control')

/** The control of a log that was made with `logTo`, or of one of its children. */
export function logControlOf(log: Log): LogControl | undefined {
  return (log as { readonly [controlKey]?: LogControl })[controlKey]
}

/** A log that hands its records to `sink`. Throws TELEMETRY_LOG_LEVEL_UNKNOWN for a level that does not exist. */
export function logTo(sink: LogSink, options: LogOptions = {}): Log {
  const { level: lowest = 'info', clock = systemClock } = options
  const ownRank = rankOf(lowest)
  const listeners = new Set<(record: LogRecord) => void>()
  let ranks: ReadonlyMap<string, number> = new Map()
  /** Grows with each change, so that logs know that what they have worked out is out of date. */
  let version = 0

  const control: LogControl = {
    setLevels(levels) {
      ranks = new Map(Object.entries(levels).map(([namespace, level]) => [namespace, rankOf(level)]))
      version++
    },
    onRecord(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }

  const write = (level: LogLevel, bound: SafeFields, message: string, fields: LogFields | undefined): void => {
    const record: LogRecord = {
      time: clock.now(),
      level,
      message: safeMessage(message),
      fields: joined(bound, fields, currentCall()),
    }
    // Logging must never be why a call fails, and there is nowhere left to report it.
    attempt(() => sink.write(record))
    for (const listener of listeners) attempt(() => listener(record))
  }

  const logWith = (bound: SafeFields, close: () => Promise<void>): Log => {
    const namespace = namespaceOf(bound)
    let lowestRank = ownRank
    let seen = 0
    const at = (level: LogLevel): Log[LogLevel] => {
      const rank = logLevels.indexOf(level)
      return (message, fields) => {
        if (seen !== version) {
          lowestRank = rankIn(ranks, namespace) ?? ownRank
          seen = version
        }
        if (rank >= lowestRank) write(level, bound, message, fields)
      }
    }
    const log: Log & { readonly [controlKey]: LogControl } = {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      fatal: at('fatal'),
      child: (fields) => logWith({ ...bound, ...safeFields(fields) }, async () => sink.flush()),
      close,
      [controlKey]: control,
    }
    return log
  }

  let closing: Promise<void> | undefined
  return logWith({}, () => {
    closing ??= (async () => sink.close())()
    return closing
  })
}

function rankOf(level: LogLevel): number {
  const rank = logLevels.indexOf(level)
  if (rank < 0) throw telemetryErrors.TELEMETRY_LOG_LEVEL_UNKNOWN({ level: String(level), levels: logLevels })
  return rank
}

function namespaceOf({ service, namespace }: SafeFields): string {
  return [service, namespace].filter((part) => typeof part === 'string' && part !== '').join('.')
}

/** The rank of the longest name that `namespace` is or begins with. */
function rankIn(ranks: ReadonlyMap<string, number>, namespace: string): number | undefined {
  for (let name = namespace; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('.')))) {
    const rank = ranks.get(name)
    if (rank !== undefined) return rank
  }
  return ranks.get('*')
}

function attempt(work: () => void): void {
  try {
    work()
  } catch {
    // See above.
  }
}

function joined(bound: SafeFields, fields: LogFields | undefined, { origin, trace }: CallContext): SafeFields {
  const { correlationId } = origin
  const all = fields === undefined ? bound : { ...bound, ...safeFields(fields) }
  if (correlationId === '' && trace === undefined) return all
  return {
    ...all,
    ...(correlationId !== '' && { correlationId }),
    ...(trace && { traceId: trace.traceId, spanId: trace.spanId }),
  }
}

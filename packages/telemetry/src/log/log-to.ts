/**
 * Makes a `Log` on anything that can take records. Levels, children, the correlation id and safety live here, so that an implementation
 * is only the writing of a record and has no promise of the contract left to break.
 */
import { type Clock, currentCall, systemClock } from '@keelson/kernel'
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

/** A log that hands its records to `sink`. Throws TELEMETRY_LOG_LEVEL_UNKNOWN for a level that does not exist. */
export function logTo(sink: LogSink, options: LogOptions = {}): Log {
  const { level: lowest = 'info', clock = systemClock } = options
  if (!logLevels.includes(lowest))
    throw telemetryErrors.TELEMETRY_LOG_LEVEL_UNKNOWN({ level: String(lowest), levels: logLevels })

  const write = (level: LogLevel, bound: SafeFields, message: string, fields: LogFields | undefined): void => {
    const record: LogRecord = {
      time: clock.now(),
      level,
      message: safeMessage(message),
      fields: joined(bound, fields, currentCall().correlationId),
    }
    try {
      sink.write(record)
    } catch {
      // Logging must never be why a call fails, and there is nowhere left to report it.
    }
  }

  const logWith = (bound: SafeFields, close: () => Promise<void>): Log => {
    const at = (level: LogLevel): Log[LogLevel] =>
      logLevels.indexOf(level) < logLevels.indexOf(lowest)
        ? ignore
        : (message, fields) => write(level, bound, message, fields)
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      fatal: at('fatal'),
      child: (fields) => logWith({ ...bound, ...safeFields(fields) }, async () => sink.flush()),
      close,
    }
  }

  let closing: Promise<void> | undefined
  return logWith({}, () => {
    closing ??= (async () => sink.close())()
    return closing
  })
}

function ignore(): void {}

function joined(bound: SafeFields, fields: LogFields | undefined, correlationId: string): SafeFields {
  const all = fields === undefined ? bound : { ...bound, ...safeFields(fields) }
  return correlationId === '' ? all : { ...all, correlationId }
}

/**
 * The `Log` port on pino: one JSON object per line, for machines that collect logs. pino makes the line; levels, children and what may be
 * in a record are telemetry's, so that this log says the same as every other.
 */
import {
  drained,
  type Log,
  type LogOptions,
  type LogRecord,
  type LogSink,
  type LogStream,
  logTo,
} from '@keelson/telemetry'
import { pino } from 'pino'
import { openLineDestination } from './line-destination.ts'

export interface PinoLogOptions extends LogOptions {
  /** A file to append to, an open descriptor, or a stream; standard output by default. Files and descriptors are written before a call returns. */
  readonly destination?: string | number | LogStream
}

/**
 * A log of JSON lines: `level` as a word, `time` in ISO 8601, the fields beside them and `message`. Throws
 * TELEMETRY_LOG_DESTINATION_UNUSABLE when its file cannot be opened, and TELEMETRY_LOG_LEVEL_UNKNOWN.
 *
 * @example
 * createPinoLog({ level: 'debug' }).info('indexed', { documents: 12 })
 * // {"level":"info","time":"2026-01-02T12:00:01.042Z","documents":12,"message":"indexed"}
 */
export function createPinoLog(options: PinoLogOptions = {}): Log {
  const { destination = 1, ...rest } = options
  const { write, flush, close } = outputTo(destination)
  const lines = pino(
    {
      level: 'debug',
      base: null,
      timestamp: false,
      messageKey: 'message',
      formatters: {
        level: (label) => ({ level: label }),
        // Only `write` below calls pino, and always with a record in this wrapping.
        log: (wrapped) => flat(wrapped as { record: LogRecord }),
      },
    },
    { write },
  )
  // The wrapping keeps pino from taking fields that are called method, headers and socket for an HTTP request.
  return logTo({ write: (record) => lines[record.level]({ record }, record.message), flush, close }, rest)
}

function flat({ record }: { record: LogRecord }): Record<string, unknown> {
  return { time: new Date(record.time).toISOString(), ...record.fields }
}

function outputTo(destination: string | number | LogStream): Omit<LogSink, 'write'> & { write(line: string): void } {
  if (typeof destination === 'object') {
    const flush = () => drained(destination)
    return { write: (line) => void destination.write(line), flush, close: flush }
  }
  const lines = openLineDestination(destination)
  return { write: lines.write, flush: () => {}, close: lines.close }
}

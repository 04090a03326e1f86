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
  let time = 0
  const lines = pino(
    {
      level: 'debug',
      base: null,
      // pino asks while it makes the line, within the call below.
      timestamp: () => `,"time":"${isoTime(time)}"`,
      messageKey: 'message',
      formatters: {
        level: (label) => ({ level: label }),
        // Only `write` below calls pino, and always with a record in this wrapping.
        log: (wrapped) => (wrapped as { record: LogRecord }).record.fields,
      },
    },
    { write },
  )
  // The wrapping keeps pino from taking fields that are called method, headers and socket for an HTTP request.
  const writeRecord = (record: LogRecord): void => {
    time = record.time
    lines[record.level]({ record }, record.message)
  }
  return logTo({ write: writeRecord, flush, close }, rest)
}

let secondShown = Number.NaN
let second = ''

/** ISO 8601 in UTC. Formatting a date costs as much as the rest of a line, so all but the milliseconds is kept for a second. */
function isoTime(ms: number): string {
  const at = Math.floor(ms / 1_000)
  if (at !== secondShown) {
    second = new Date(at * 1_000).toISOString().slice(0, -4)
    secondShown = at
  }
  return `${second}${String(Math.floor(ms - at * 1_000)).padStart(3, '0')}Z`
}

function outputTo(destination: string | number | LogStream): Omit<LogSink, 'write'> & { write(line: string): void } {
  if (typeof destination === 'object') {
    const flush = () => drained(destination)
    return { write: (line) => void destination.write(line), flush, close: flush }
  }
  const lines = openLineDestination(destination)
  return { write: lines.write, flush: () => {}, close: lines.close }
}

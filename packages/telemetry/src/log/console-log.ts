/**
 * Logs for a person at a terminal, used when no adapter is composed: one line per record, fields as `key=value`. The stacks of an error
 * that was logged at error or fatal follow on indented lines; no record begins with a space, so no text can pass for one.
 */
import type { Json } from '@keelson/kernel'
import type { Log, LogLevel } from './log.ts'
import { drained, type LogStream } from './log-stream.ts'
import { type LogOptions, logTo } from './log-to.ts'
import { type LogRecord, oneLine, type SafeFields } from './record.ts'

export interface ConsoleLogOptions extends LogOptions {
  /** Where lines are written; standard error by default, which leaves standard output to the program's own answer. */
  readonly stream?: LogStream
  /** By default when the stream is a terminal and the environment has no `NO_COLOR`. */
  readonly colours?: boolean
}

/**
 * A log of readable lines in local time.
 *
 * @example
 * createConsoleLog({ level: 'debug' }).info('indexed', { documents: 12 })   // 12:00:01.042 INFO  indexed documents=12
 */
export function createConsoleLog(options: ConsoleLogOptions = {}): Log {
  const stream: LogStream = options.stream ?? process.stderr
  const colours = options.colours ?? (stream.isTTY === true && !process.env['NO_COLOR'])
  const paint = colours ? coloured : plain
  const flush = () => drained(stream)
  return logTo({ write: (record) => stream.write(lineOf(record, paint)), flush, close: flush }, options)
}

type Paint = (text: string, colour: Colour) => string
type Colour = keyof typeof codes

const codes = { dim: [2, 22], green: [32, 39], yellow: [33, 39], red: [31, 39], inverse: [7, 27] } as const
const levelColours: Readonly<Record<LogLevel, Colour>> = {
  debug: 'dim',
  info: 'green',
  warn: 'yellow',
  error: 'red',
  fatal: 'inverse',
}

function plain(text: string): string {
  return text
}

function coloured(text: string, colour: Colour): string {
  const [on, off] = codes[colour]
  return `\u001b[${on}m${text}\u001b[${off}m`
}

function lineOf({ time, level, message, fields }: LogRecord, paint: Paint): string {
  const stacks = level === 'error' || level === 'fatal' ? stacksOf(fields['error']) : []
  return [
    `${paint(timeOfDay(time), 'dim')} ${paint(level.toUpperCase().padEnd(5), levelColours[level])} ${message}`,
    ...Object.entries(fields).map(([key, value]) => ` ${paint(`${shown(key)}=`, 'dim')}${shown(withoutStacks(value))}`),
    ...stacks.map((line) => `\n    ${paint(oneLine(line), 'dim')}`),
    '\n',
  ].join('')
}

function timeOfDay(time: number): string {
  const date = new Date(time)
  const two = (value: number) => String(value).padStart(2, '0')
  const milliseconds = String(date.getMilliseconds()).padStart(3, '0')
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${milliseconds}`
}

/** Bare where it cannot be taken for anything but a text; JSON otherwise. */
function shown(value: Json): string {
  const isBare = typeof value === 'string' && /^[A-Za-z_/][\w./:@-]*$/.test(value) && !/^(true|false|null)$/.test(value)
  return isBare ? value : oneLine(JSON.stringify(value))
}

/** Stacks do not fit a line: they follow it or are left out. */
function withoutStacks(value: Json): Json {
  if (!isPlainObject(value) || typeof value['stack'] !== 'string') return value
  const { stack: _, cause, ...rest } = value
  return cause === undefined ? rest : { ...rest, cause: withoutStacks(cause) }
}

function stacksOf(error: Json | undefined): string[] {
  if (!isPlainObject(error) || typeof error['stack'] !== 'string') return []
  const causes = stacksOf(error['cause'])
  if (causes[0] !== undefined) causes[0] = `caused by ${causes[0]}`
  return [...error['stack'].split('\n'), ...causes]
}

function isPlainObject(value: Json | undefined): value is SafeFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

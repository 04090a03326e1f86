import { Writable } from 'node:stream'
import { type Json, systemClock } from '@keelson/kernel'
import { describe, expect, test } from 'vitest'
import { createConsoleLog, type LogLevel } from '../../src/index.ts'
import { logConformance, type WrittenRecord } from '../../src/testing.ts'

const noon = new Date(2026, 0, 2, 12, 0, 1, 42).getTime()
const clock = { ...systemClock, now: () => noon }

function capture(options: { level?: LogLevel; colours?: boolean } = {}) {
  let text = ''
  const stream = { write: (chunk: string) => (text += chunk) }
  return { log: createConsoleLog({ stream, clock, ...options }), text: () => text }
}

/** Reads records back by the colour codes, which no text of a record can hold. */
function parse(text: string): WrittenRecord[] {
  const records: WrittenRecord[] = []
  const code = '\u001b\\[\\d+m'
  const stack = new RegExp(`^ {4}${code}(.*)${code}$`)
  const head = new RegExp(`^${code}[\\d:.]{12}${code} ${code}(\\w+) *${code} (.*)$`)
  for (const line of text.split('\n').slice(0, -1)) {
    const stackLine = stack.exec(line)?.[1]
    if (stackLine !== undefined) addStackLine(records.at(-1), stackLine)
    else records.push(parseHead(head.exec(line) ?? expect.fail(`not a record: ${JSON.stringify(line)}`)))
  }
  return records
}

function parseHead([, level = '', rest = '']: RegExpExecArray): WrittenRecord {
  const [message = '', ...fields] = rest.split(' \u001b[2m')
  const entries = fields.map((field) => field.split('=\u001b[22m').map(parseShown))
  // The writer printed a level and JSON; what comes back is compared by the cases.
  return {
    level: level.toLowerCase() as LogLevel,
    message,
    fields: Object.fromEntries(entries) as Record<string, Json>,
  }
}

function parseShown(shown: string): unknown {
  return /^[A-Za-z_/]/.test(shown) && !/^(true|false|null)$/.test(shown) ? shown : JSON.parse(shown)
}

function addStackLine(record: WrittenRecord | undefined, line: string): void {
  // A stack only ever follows a record whose error is an object; its lines are put back where they were taken from.
  const error = record?.fields['error'] as { stack?: string }
  error.stack = error.stack === undefined ? line : `${error.stack}\n${line}`
}

describe('createConsoleLog() as a Log', () => {
  for (const { name, run } of logConformance) {
    test(name, () =>
      run(({ level }) => {
        const { log, text } = capture({ level, colours: true })
        return { log, written: () => parse(text()) }
      }),
    )
  }
})

test('createConsoleLog() writes a readable line', () => {
  const { log, text } = capture()
  log.debug('unseen')
  log
    .child({ service: 'documents' })
    .warn('slow search', { ms: 812, query: 'ship keel', path: '/v1/documents', hit: { id: '1' } })
  expect(text()).toBe(
    '12:00:01.042 WARN  slow search service=documents ms=812 query="ship keel" path=/v1/documents hit={"id":"1"}\n',
  )
})

test('createConsoleLog() tells a text from the number or word it looks like', () => {
  const { log, text } = capture()
  log.info('types', { number: 1, text: '1', yes: true, word: 'true', nothing: null, empty: '' })
  expect(text()).toBe('12:00:01.042 INFO  types number=1 text="1" yes=true word="true" nothing=null empty=""\n')
})

test('createConsoleLog() puts the stacks of an error and its cause on indented lines below', () => {
  const { log, text } = capture()
  log.error('failed', { error: new Error('outer\n12:00:01.042 INFO  forged', { cause: new TypeError('inner') }) })
  const [line, ...below] = text().trimEnd().split('\n')
  expect(line).toBe(
    '12:00:01.042 ERROR failed error={"name":"Error","message":"outer\\n12:00:01.042 INFO  forged","cause":{"name":"TypeError","message":"inner"}}',
  )
  expect(below.every((one) => one.startsWith('    '))).toBe(true)
  expect(below[0]).toBe('    Error: outer')
  expect(below).toContain('    caused by TypeError: inner')
})

test('createConsoleLog() keeps warnings to one line, without stacks', () => {
  const { log, text } = capture()
  log.warn('retrying', { error: new Error('reset') })
  expect(text()).toBe('12:00:01.042 WARN  retrying error={"name":"Error","message":"reset"}\n')
})

test('createConsoleLog() uses colours for a terminal only', () => {
  const chunks: string[] = []
  const write = (chunk: string) => chunks.push(chunk)
  createConsoleLog({ stream: { write } }).info('plain')
  expect(chunks[0]).not.toContain('\u001b')
})

test('createConsoleLog() close waits until a slow stream has taken every line', async () => {
  const taken: string[] = []
  const stream = new Writable({
    decodeStrings: false,
    write: (chunk, _encoding, done) => {
      setImmediate(() => {
        taken.push(String(chunk))
        done()
      })
    },
  })
  const log = createConsoleLog({ stream, clock })
  for (let index = 0; index < 5; index++) log.info('line', { index })
  await log.close()
  expect(taken.filter((chunk) => chunk !== '')).toHaveLength(5)
})

test('createConsoleLog() drops a record that its stream refuses', () => {
  const stream = {
    write: () => {
      throw new Error('gone')
    },
  }
  expect(() => createConsoleLog({ stream }).info('lost')).not.toThrow()
})

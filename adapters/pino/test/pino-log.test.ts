import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type Json, systemClock } from '@keelson/kernel'
import { logConformance, type WrittenRecord } from '@keelson/telemetry/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPinoLog } from '../src/index.ts'

const clock = { ...systemClock, now: () => Date.UTC(2026, 0, 2, 12, 0, 1, 42) }

function capture() {
  let text = ''
  return { stream: { write: (chunk: string) => (text += chunk) }, text: () => text }
}

function parse(text: string): WrittenRecord[] {
  return text.split('\n').flatMap((line) => {
    if (line === '') return []
    const { level, message, time, ...fields } = JSON.parse(line)
    expect(time).toBe(new Date(time).toISOString())
    // What pino wrote is JSON; the cases compare what it says.
    return [{ level, message, fields: fields as Record<string, Json> }]
  })
}

describe('createPinoLog() as a Log', () => {
  for (const { name, run } of logConformance) {
    test(name, () =>
      run((options) => {
        const { stream, text } = capture()
        return { log: createPinoLog({ ...options, destination: stream }), written: () => parse(text()) }
      }),
    )
  }
})

describe('createPinoLog()', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pino-log-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test('writes level, time, flat fields and message as one line of JSON', () => {
    const { stream, text } = capture()
    createPinoLog({ destination: stream, clock }).child({ service: 'documents' }).warn('slow', { ms: 812 })
    expect(text()).toBe(
      '{"level":"warn","time":"2026-01-02T12:00:01.042Z","service":"documents","ms":812,"message":"slow"}\n',
    )
  })

  test('writes each key once, whatever parent and child call theirs', () => {
    const { stream, text } = capture()
    createPinoLog({ destination: stream, clock }).child({ a: 1 }).child({ a: 2 }).info('m', { a: 3, time: 4, level: 5 })
    expect(text()).toBe('{"level":"info","time":"2026-01-02T12:00:01.042Z","a":3,"time_":4,"level_":5,"message":"m"}\n')
  })

  test('takes fields with names that mean something to pino as they are', () => {
    const { stream, text } = capture()
    const fields = {
      method: 'GET',
      headers: { host: 'a' },
      socket: null,
      err: 'text',
      req: 1,
      res: 2,
      msg: 'm',
      serializers: 3,
    }
    createPinoLog({ destination: stream }).info('request', fields)
    createPinoLog({ destination: stream }).info('request', { ...fields, socket: {} })
    expect(parse(text()).map((record) => record.fields)).toEqual([fields, { ...fields, socket: {} }])
  })

  test('appends to a file in a folder it makes, and closes it', async () => {
    const file = join(folder, 'logs', 'app.log')
    for (const message of ['first run', 'second run']) {
      const log = createPinoLog({ destination: file })
      log.info(message)
      expect(readFileSync(file, 'utf8')).toContain(message)
      await log.close()
      await log.close()
      log.info('after close')
    }
    expect(parse(readFileSync(file, 'utf8')).map((record) => record.message)).toEqual(['first run', 'second run'])
  })

  test('leaves a descriptor of the caller open', async () => {
    const descriptor = openSync(join(folder, 'descriptor.log'), 'a')
    const log = createPinoLog({ destination: descriptor })
    log.info('here')
    await log.close()
    expect(fstatSync(descriptor).size).toBeGreaterThan(0)
    closeSync(descriptor)
  })

  test('refuses a file that cannot be opened, saying why', () => {
    const file = join(folder, 'not-a-folder')
    writeFileSync(file, '')
    expect(() => createPinoLog({ destination: join(file, 'app.log') })).toThrow(
      expect.objectContaining({
        code: 'TELEMETRY_LOG_DESTINATION_UNUSABLE',
        message: expect.stringMatching(/^Cannot write logs to ".*app\.log": E(NOTDIR|EXIST)/),
      }),
    )
  })

  test.skipIf(!existsSync('/dev/full'))(
    'drops records while the disk is full, fatal ones included, and goes on',
    async () => {
      const log = createPinoLog({ destination: '/dev/full' })
      expect(() => {
        log.info('lost')
        log.fatal('lost too')
      }).not.toThrow()
      await log.close()
    },
  )

  test('close waits until a slow stream has taken every line', async () => {
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
    const log = createPinoLog({ destination: stream })
    for (let index = 0; index < 5; index++) log.info('line', { index })
    await log.close()
    expect(parse(taken.join(''))).toHaveLength(5)
  })

  test('has written everything to standard output when the process ends at once', () => {
    const module = fileURLToPath(new URL('../src/index.ts', import.meta.url))
    const program = `import { createPinoLog } from ${JSON.stringify(module)}
      const log = createPinoLog()
      for (let index = 0; index < 2000; index++) log.info('line ' + 'x'.repeat(100), { index })
      log.fatal('the end')
      process.exit(3)`
    const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
    })
    expect(status).toBe(3)
    const records = parse(stdout)
    expect(records).toHaveLength(2001)
    expect(records.at(-1)?.message).toBe('the end')
  })
})

/** What every implementation of the `Log` port must pass, as data so that any test runner can run it. */
import assert from 'node:assert/strict'
import { createCall, defineErrors, runInCall } from '@keelson/kernel'
import { type Log, type LogLevel, logLevels } from './log.ts'
import { logControlOf } from './log-to.ts'
import type { LogRecord } from './record.ts'

/** Opens a log of its own for one case. */
export type OpenLog = (options: { readonly level: LogLevel }) => OpenedLog

export interface OpenedLog {
  readonly log: Log
  /** What was written, read back from where it was written to; asked after `close`. */
  written(): readonly WrittenRecord[]
}

export type WrittenRecord = Pick<LogRecord, 'level' | 'message' | 'fields'>

export const logConformance: readonly { name: string; run(open: OpenLog): Promise<void> }[] = [
  {
    name: 'writes one record per call, in order, with level, message and fields',
    run: async (open) => {
      const records = await written(open, 'debug', (log) => {
        for (const level of logLevels)
          log[level](`a ${level} message`, { count: 1, nested: { list: [true, null, 'x'] } })
      })
      const fields = { count: 1, nested: { list: [true, null, 'x'] } }
      assert.deepEqual(
        records,
        logLevels.map((level) => ({ level, message: `a ${level} message`, fields })),
      )
    },
  },
  {
    name: 'leaves out what is below its level and reads none of its fields',
    run: async (open) => {
      for (const [rank, lowest] of logLevels.entries()) {
        const records = await written(open, lowest, (log) => {
          for (const level of logLevels.slice(0, rank)) log[level]('unseen', fieldsThatMustNotBeRead)
          for (const level of logLevels) log.child({}).child({})[level](level)
        })
        assert.deepEqual(messages(records), logLevels.slice(rank))
      }
    },
  },
  {
    name: 'merges the fields of children and changes no parent',
    run: async (open) => {
      const bound: Record<string, unknown> = { service: 'documents', part: 'index' }
      const records = await written(open, 'info', (log) => {
        const child = log.child(bound)
        bound['service'] = 'changed later'
        child.child({ part: 'reader', step: 1 }).info('grandchild', { step: 2 })
        child.info('child')
        log.info('parent')
      })
      assert.deepEqual(fieldsOf(records), [
        { service: 'documents', part: 'reader', step: 2 },
        { service: 'documents', part: 'index' },
        {},
      ])
    },
  },
  {
    name: 'adds the correlation id of the call it runs in, and no other',
    run: async (open) => {
      const records = await written(open, 'info', (log) => {
        const child = log.child({ service: 'documents', correlationId: 'bound' })
        runInCall(createCall({ correlationId: 'call-7' }), () => {
          log.info('inside')
          child.info('inside a child', { correlationId: 'forged' })
        })
        log.info('outside')
      })
      assert.deepEqual(fieldsOf(records), [
        { correlationId: 'call-7' },
        { service: 'documents', correlationId: 'call-7' },
        {},
      ])
    },
  },
  {
    name: 'adds the trace and span that it runs in',
    run: async (open) => {
      const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), isSampled: true, traceState: '' }
      const records = await written(open, 'info', (log) => {
        runInCall(createCall({ correlationId: '', trace }), () => log.info('inside'))
        log.info('outside')
      })
      assert.deepEqual(fieldsOf(records), [{ traceId: trace.traceId, spanId: trace.spanId }, {}])
    },
  },
  {
    name: 'bounds a message and a field of ten megabytes',
    run: async (open) => {
      const huge = 'x\n'.repeat(5_000_000)
      const [record] = await written(open, 'info', (log) => log.info(huge, { huge, error: new Error(huge) }))
      assert.ok(JSON.stringify(record).length < 100_000)
      assert.match(String(record?.message), /^x\\nx\\n.*…\[9991808 more\]$/)
    },
  },
  {
    name: 'follows levels by namespace that change while it is in use, in children that are there already',
    run: async (open) => {
      const records = await written(open, 'info', (log) => {
        const control = logControlOf(log)
        const index = log.child({ service: 'documents' }).child({ namespace: 'index' })
        const others = [log, log.child({ service: 'documents' }), log.child({ service: 'documentsx' })]
        const say = (message: string) => {
          for (const one of [index, ...others]) one.debug(message)
        }
        say('before')
        control?.setLevels({ documents: 'debug', 'documents.index': 'fatal' })
        say('documents')
        index.error('less than before')
        control?.setLevels({ '*': 'debug', documents: 'warn' })
        say('all but documents')
        control?.setLevels({})
        say('after')
        index.info('as it was')
      })
      assert.deepEqual(messages(records), ['documents', 'all but documents', 'all but documents', 'as it was'])
    },
  },
  {
    name: 'writes an error with name, message, code, details, stack and cause',
    run: async (open) => {
      const cause = Object.assign(new TypeError('disk gone'), { code: 'ENODEV' })
      const error = errors.STORE_FULL({ path: '/data' }, { cause })
      const [record] = await written(open, 'info', (log) => log.error('cannot store', { error }))
      const shown = objectAt(record?.fields, 'error')
      assert.equal(shown['name'], 'KeelsonError')
      assert.equal(shown['message'], 'Cannot write "/data"')
      assert.equal(shown['code'], 'STORE_FULL')
      assert.deepEqual(shown['details'], { path: '/data' })
      assert.match(String(shown['stack']), /Cannot write "\/data"\n\s+at /)
      const shownCause = objectAt(shown, 'cause')
      assert.deepEqual(
        [shownCause['name'], shownCause['message'], shownCause['code']],
        ['TypeError', 'disk gone', 'ENODEV'],
      )
    },
  },
  {
    name: 'never throws, whatever it is given, and writes a record all the same',
    run: async (open) => {
      const records = await written(open, 'info', (log) => {
        for (const [name, value] of Object.entries(awkwardValues())) log.info(name, { value, after: 'still here' })
        log.child({ circular: awkwardValues()['circular'] }).info('child')
      })
      assert.deepEqual(messages(records), [...Object.keys(awkwardValues()), 'child'])
      for (const { fields, message } of records)
        if (message !== 'child') assert.equal(fields['after'], 'still here', message)
    },
  },
  {
    name: 'redacts what stands under the name of a secret, at any depth',
    run: async (open) => {
      const value = 's3cr3t'
      const records = await written(open, 'info', (log) => {
        log.info('flat', {
          password: value,
          token: value,
          secret: value,
          authorization: value,
          apiKey: value,
          cookie: value,
        })
        log.info('spelt', {
          Password: value,
          refresh_token: value,
          'X-Api-Key': value,
          clientSecret: value,
          'Set-Cookie': [value],
        })
        log.info('deep', {
          request: { headers: [{ authorization: { scheme: 'Bearer', value } }] },
          map: new Map([['token', value]]),
        })
        log.info('error', { error: Object.assign(new Error('refused'), { details: { password: value } }) })
        log.info(`failed at postgres://admin:${value}@db/main`, { url: new URL(`redis://:${value}@cache`) })
        log.child({ token: value }).info('bound', { tokens: 512, tokenCount: 3 })
      })
      assert.equal(records.length, 6)
      assert.ok(!JSON.stringify(records).includes(value))
      assert.deepEqual([...new Set(Object.values(records[0]?.fields ?? {}))], ['[redacted]'])
      assert.deepEqual(records[5]?.fields, { token: '[redacted]', tokens: 512, tokenCount: 3 })
    },
  },
  {
    name: 'lets no text forge a record, nor a field the record has itself',
    run: async (open) => {
      const records = await written(open, 'info', (log) => {
        log.info('one\n12:00:00.000 ERROR forged\r\n{"level":"error","message":"forged"}', { text: 'a\nb', 'key\n': 1 })
        log.info('\u001b[2K\u001b[1Gtwo\u009b2J\u0000\u2028')
        log.info('three', { level: 'fatal', message: 'forged', time: 0 })
        log.info('100%% %s %d {}')
      })
      assert.deepEqual(messages(records), [
        'one\\n12:00:00.000 ERROR forged\\r\\n{"level":"error","message":"forged"}',
        '\\u001b[2K\\u001b[1Gtwo\\u009b2J\\u0000\\u2028',
        'three',
        '100%% %s %d {}',
      ])
      assert.deepEqual(records[0]?.fields, { text: 'a\nb', 'key\n': 1 })
      assert.deepEqual(records[2], {
        level: 'info',
        message: 'three',
        fields: { level_: 'fatal', message_: 'forged', time_: 0 },
      })
    },
  },
  {
    name: 'bounds a record that is far too large',
    run: async (open) => {
      const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`key${index}`, 'x'.repeat(100)]))
      const records = await written(open, 'info', (log) => {
        log.info('x'.repeat(1_000_000), {
          wide,
          list: Object.keys(wide),
          text: 'y'.repeat(1_000_000),
          bytes: new Uint8Array(1_000_000),
        })
      })
      assert.equal(records.length, 1)
      assert.ok(JSON.stringify(records).length < 200_000)
    },
  },
  {
    name: 'closes twice, and takes records afterwards without an error',
    run: async (open) => {
      const { log, written } = open({ level: 'info' })
      const child = log.child({})
      log.info('before')
      await child.close()
      log.info('the parent of a closed child goes on')
      await log.close()
      await log.close()
      log.info('after')
      child.fatal('after')
      await child.close()
      assert.deepEqual(messages(written()).slice(0, 2), ['before', 'the parent of a closed child goes on'])
    },
  },
]

const errors = defineErrors({
  STORE_FULL: {
    kind: 'unavailable',
    when: 'Never outside these cases.',
    message: (d: { path: string }) => `Cannot write "${d.path}"`,
  },
})

const fieldsThatMustNotBeRead = new Proxy<Record<string, unknown>>(
  {},
  {
    ownKeys: () => assert.fail('fields below the level were read'),
    get: () => assert.fail('a field below the level was read'),
  },
)

function awkwardValues(): Readonly<Record<string, unknown>> {
  const circular: Record<string, unknown> = {}
  circular['self'] = { list: [circular] }
  const error = new Error('round')
  error.cause = error
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()
  let deep: unknown = 'bottom'
  for (let depth = 0; depth < 10_000; depth++) deep = { deep }
  return {
    circular,
    error,
    bigint: 10n ** 30n,
    getter: Object.defineProperty({}, 'bad', { enumerable: true, get: () => assert.fail('thrown by a getter') }),
    proxy: revoked.proxy,
    toJSON: { toJSON: () => assert.fail('thrown by toJSON') },
    bareObject: Object.create(null),
    proto: JSON.parse('{"__proto__": {"polluted": true}}'),
    deep,
    numbers: [Number.NaN, Number.POSITIVE_INFINITY, -0],
    symbol: Symbol('s'),
    functions: [() => {}, class {}],
    date: [new Date(0), new Date(Number.NaN)],
    collections: [new Map([[{}, 1]]), new Set([1]), new WeakMap(), new Uint8Array(3)],
    surrogate: 'broken \ud800 text',
    undefined: undefined,
  }
}

async function written(open: OpenLog, level: LogLevel, act: (log: Log) => void): Promise<readonly WrittenRecord[]> {
  const opened = open({ level })
  act(opened.log)
  await opened.log.close()
  return opened.written().map(({ level, message, fields }) => ({ level, message, fields }))
}

function messages(records: readonly WrittenRecord[]): string[] {
  return records.map((record) => record.message)
}

function fieldsOf(records: readonly WrittenRecord[]): WrittenRecord['fields'][] {
  return records.map((record) => record.fields)
}

function objectAt(fields: WrittenRecord['fields'] | undefined, key: string): WrittenRecord['fields'] {
  const value = fields?.[key]
  assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value), `${key} is not an object`)
  // It is an object and no array, which in JSON leaves the record.
  return value as WrittenRecord['fields']
}

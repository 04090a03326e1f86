import { describe, expect, test } from 'vitest'
import { createInMemoryLog, type LogLevel } from '../../src/index.ts'
import { logConformance } from '../../src/testing.ts'

describe('createInMemoryLog() as a Log', () => {
  for (const { name, run } of logConformance) {
    test(name, () =>
      run((options) => {
        const log = createInMemoryLog(options)
        return { log, written: () => log.records }
      }),
    )
  }
})

test('createInMemoryLog() stamps records with the time of its clock and shows what children log', () => {
  const log = createInMemoryLog({ clock: { now: () => 42, monotonic: () => 0, sleep: async () => {} } })
  log.child({ part: 'a' }).debug('seen')
  expect(log.records).toEqual([{ time: 42, level: 'debug', message: 'seen', fields: { part: 'a' } }])
})

test('createInMemoryLog() refuses a level that does not exist', () => {
  // As it comes from a configuration file that nobody parsed.
  const level = 'verbose' as LogLevel
  expect(() => createInMemoryLog({ level })).toThrow(
    'Cannot log from the level "verbose": it is none of debug, info, warn, error, fatal',
  )
})

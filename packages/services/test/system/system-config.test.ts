/** Configuration as services of a running system see it, and what the log says of its changes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineAdapter, defineContract, definePort, query, Secret } from '@keelson/kernel'
import { createInMemoryLog } from '@keelson/telemetry'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { defineService } from '../../src/service/service.ts'
import { startForTest } from '../../src/testing.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keelson-config-'))
  path = join(folder, 'keelson.json')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const hidden = 'hunter2-hunter2'
const Mailer = defineContract('mailer', '1.0.0', {
  limit: query({ output: z.object({ atStart: z.int(), now: z.int() }) }),
})
const MailerConfig = z.object({
  limit: z.int().min(1).default(10),
  apiKey: z.string().min(8).meta(Secret.meta).transform(Secret.of).optional(),
})

/** A mailer that reports every change it is told of. */
function mailerWith(told: (limit: number, paths: string[]) => void) {
  return defineService(Mailer, {
    config: MailerConfig,
    start: ({ config, onConfigChange, log }) => {
      let { limit } = config
      log.info('started', { config })
      onConfigChange((next, changes) => {
        limit = next.limit
        told(
          next.limit,
          changes.map((change) => change.path),
        )
        if (next.limit === 13) throw new Error('unlucky')
      })
      return { limit: () => ({ atStart: config.limit, now: limit }) }
    },
  })
}

const Other = defineContract('other', '1.0.0', { ping: query({}) })
const other = defineService(Other, {
  config: z.object({ name: z.string().default('') }),
  start: () => ({ ping: () => {} }),
})

describe('configuration of a running system', () => {
  it('reaches a service when the file changes: its own section, whole and validated', async () => {
    writeFileSync(path, JSON.stringify({ mailer: { limit: 1 } }))
    const { promise, resolve } = Promise.withResolvers<[number, string[]]>()
    await using system = await startForTest({
      services: [mailerWith((...heard) => resolve(heard)), other],
      file: { path, isRequired: true },
    })
    expect(system.get(Mailer).config).toEqual({ limit: 1 })
    writeFileSync(path, JSON.stringify({ mailer: { limit: 2 }, other: { name: 'x' } }))
    expect(await promise).toEqual([2, ['mailer.limit']])
    expect(await system.get(Mailer).limit()).toEqual({ atStart: 1, now: 2 })
    expect(system.get(Mailer).config).toEqual({ limit: 2 })
    expect(system.get(Other).config).toEqual({ name: 'x' })
  })

  it('is not told to a service whose section stays, nor to one that has closed', async () => {
    const heard: number[] = []
    await using system = await startForTest({ services: [mailerWith((limit) => heard.push(limit)), other] })
    await system.configuration.update('other.name', 'x')
    await system.configuration.update('mailer.limit', '5')
    await system.get(Mailer).cleanup()
    await system.configuration.update('mailer.limit', '6')
    await system.get(Mailer).initialize()
    expect(await system.get(Mailer).limit()).toEqual({ atStart: 6, now: 6 })
    await system.configuration.update('mailer.limit', '7')
    expect(heard).toEqual([5, 7])
  })

  it('is logged: what changed, what waits for the next start, what a service could not take up', async () => {
    const log = createInMemoryLog()
    const Clockwork = definePort<string>('clockwork')
    const clockwork = defineAdapter({
      name: 'clock-tower',
      provides: Clockwork,
      config: z.object({ bells: z.int().default(1) }),
      start: () => 'ticking',
    })
    await using system = await startForTest({ services: [mailerWith(() => {})], adapters: [clockwork], log })
    await system.configuration.update('mailer.limit', 13)
    await system.configuration.update('clock-tower.bells', 2)
    expect(log.records.filter(({ message }) => message !== 'started')).toMatchObject([
      { level: 'info', fields: { changes: [{ path: 'mailer.limit', before: 10, after: 13 }] } },
      { level: 'warn', fields: { error: { code: 'CONFIG_WATCHER_FAILED' } } },
      { level: 'info', fields: { changes: [{ path: 'clock-tower.bells' }] } },
      {
        level: 'warn',
        message: 'Some changes take effect at the next start',
        fields: { paths: ['clock-tower.bells'] },
      },
    ])
    await expect(system.configuration.update('mailer.limit', 0)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    expect(system.configuration.get('mailer')).toEqual({ limit: 13 })
  })

  it('stays when the file becomes wrong, with one warning', async () => {
    writeFileSync(path, '{}')
    const { promise, resolve } = Promise.withResolvers<unknown>()
    const log = createInMemoryLog()
    const warning = { ...log, warn: (message: string, fields: object = {}) => resolve([message, fields]) }
    await using system = await startForTest({
      services: [mailerWith(() => {})],
      file: { path, isRequired: true },
      log: warning,
    })
    writeFileSync(path, JSON.stringify({ mailer: { limit: 0, apiKey: 'hunter2' } }))
    const warned = await promise
    expect(warned).toEqual([
      'The configuration stays as it was: a change of it is not valid',
      { problems: [expect.stringMatching(/^mailer\.limit: /), expect.stringMatching(/^mailer\.apiKey: /)] },
    ])
    expect(JSON.stringify(warned)).not.toContain('hunter2')
    expect(system.configuration.get('mailer')).toEqual({ limit: 10 })
  })

  it('keeps secrets out of the log', async () => {
    const log = createInMemoryLog()
    await using system = await startForTest({
      services: [mailerWith(() => {})],
      config: { mailer: { apiKey: hidden } },
      log,
    })
    await system.configuration.update('mailer.apiKey', `${hidden}-2`)
    expect(log.records.map(({ message }) => message)).toEqual(['started', 'The configuration changed'])
    expect(JSON.stringify(log.records)).not.toContain('hunter2')
  })

  it('has one schema for each section', async () => {
    const Clockwork = definePort<string>('clockwork')
    const Gears = definePort<string>('gears')
    const config = z.object({ bells: z.int().default(1) })
    const adapter = (name: string, port: typeof Clockwork, schema = config) =>
      defineAdapter({ name, provides: port, config: schema, start: () => 'ticking' })
    for (const adapters of [
      [adapter('listener', Clockwork)],
      [adapter('mailer', Clockwork)],
      [adapter('tower', Clockwork), adapter('tower', Gears, z.object({ bells: z.int().default(2) }))],
    ]) {
      const start = startForTest({ services: [mailerWith(() => {})], adapters })
      await expect(start).rejects.toMatchObject({ code: 'COMPONENT_DUPLICATE' })
    }
    const shared = [adapter('tower', Clockwork), adapter('tower', Gears)]
    await using system = await startForTest({ services: [mailerWith(() => {})], adapters: shared })
    expect(system.configuration.get('tower')).toEqual({ bells: 1 })
  })

  it('is of the environment `test` in tests, unless KEELSON_ENV names another', async () => {
    const environments = { test: { mailer: { limit: 1 } }, production: { mailer: { limit: 2 } } }
    const limitWith = async (options: object) => {
      await using system = await startForTest({ services: [mailerWith(() => {})], environments, ...options })
      return (await system.get(Mailer).limit()).now
    }
    expect(await limitWith({})).toBe(1)
    expect(await limitWith({ environment: { KEELSON_MAILER_LIMIT: '3' } })).toBe(3)
    expect(await limitWith({ environment: { KEELSON_ENV: 'production' } })).toBe(2)
    expect(await limitWith({ environment: { KEELSON_ENV: 'development' } })).toBe(10)
    await expect(limitWith({ environment: { KEELSON_ENV: 'live' } })).rejects.toMatchObject({
      code: 'CONFIG_ENVIRONMENT_UNKNOWN',
    })
  })
})

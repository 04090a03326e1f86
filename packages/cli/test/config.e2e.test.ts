/** `keelson config` as a process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const command = resolve(import.meta.dirname, '../src/keelson.ts')
let folder: string
let file: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'keelson-config-'))
  file = join(folder, 'keelson.json')
  mkdirSync(join(folder, 'node_modules'))
  for (const name of ['@keelson', 'zod'])
    symlinkSync(resolve(import.meta.dirname, '../../../node_modules', name), join(folder, 'node_modules', name))
  writeFileSync(
    join(folder, 'keelson.config.js'),
    `import { defineContract, Secret } from '@keelson/kernel'
     import { defineService, defineSystem } from '@keelson/services'
     import * as z from 'zod'
     const config = z.object({
       apiKey: z.string().min(8).meta(Secret.meta).transform(Secret.of).optional(),
       limit: z.int().default(10),
       to: z.array(z.string()).default(['everybody']),
     })
     const mailer = defineService(defineContract('mailer', '1.0.0', {}), { config, start: () => ({}) })
     export default defineSystem({
       name: 'post',
       services: [mailer],
       config: { listener: { port: 0 } },
       environments: { production: { mailer: { limit: 1000 } } },
       start: { config: { mailer: { to: ['started'] } } },
     })`,
  )
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function keelson(parameters: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [command, ...parameters], {
    cwd: folder,
    env: { ...process.env, ...env, NO_COLOR: '1' },
  })
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { code, stdout, stderr }
}

describe('keelson config', () => {
  it('prints every value with its origin and no secret, with no system running', async () => {
    writeFileSync(file, JSON.stringify({ mailer: { apiKey: 'hunter2-hunter2' } }))
    expect(await keelson(['config'], { KEELSON_ENV: 'production', KEELSON_LISTENER_HOST: '::1' })).toEqual({
      code: 0,
      stderr: '',
      stdout: `environment  production

mailer.apiKey                  "[redacted]"  ${file}
mailer.limit                   1000          keelson.config.ts, environments.production
mailer.to                      ["started"]   keelson.config.ts
listener.host                  "::1"         KEELSON_LISTENER_HOST
listener.port                  0             keelson.config.ts
policies.chaosAllowed          false         defaults
system.data                    ".keelson"    defaults
system.drainMs                 0             defaults
system.closeMs                 25000         defaults
telemetry.sampling             0.01          defaults
telemetry.slowMs               1000          defaults
telemetry.otlp.metricsEveryMs  60000         defaults
`,
    })
  })

  it('prints one section, as JSON for programs', async () => {
    const { stdout } = await keelson(['config', 'system', '--json', '--data', 'here'])
    expect(JSON.parse(stdout)).toEqual({
      environment: 'development',
      values: [
        { path: 'system.data', value: 'here', origin: 'command line' },
        { path: 'system.drainMs', value: 0, origin: 'defaults' },
        { path: 'system.closeMs', value: 25_000, origin: 'defaults' },
      ],
    })
  })

  it('refuses a section that nobody has, and a configuration that is wrong', async () => {
    expect(await keelson(['config', 'maler'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('"maler" is no section of the configuration; there are '),
    })
    writeFileSync(file, JSON.stringify({ mailer: { apiKey: 'hunter2', limti: 1 } }))
    const { code, stderr } = await keelson(['config', '--json'])
    expect([code, JSON.parse(stderr).error]).toMatchObject([
      2,
      { code: 'CONFIG_INVALID', details: { problems: [expect.any(String), expect.any(String)] } },
    ])
    expect(stderr).not.toContain('hunter2')
    expect(await keelson(['config'], { KEELSON_ENV: 'prod' })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('(CONFIG_ENVIRONMENT_UNKNOWN)'),
    })
  })
})

describe('keelson, without what only the running system knows', () => {
  it('finds the data folder all the same', async () => {
    rmSync(file)
    const { code, stderr } = await keelson(['services'], { KEELSON_MAILER_API_KEY: 'short' })
    expect([code, stderr]).toEqual([3, expect.stringContaining('(SYSTEM_NOT_RUNNING)')])
    expect((await keelson(['config'], { KEELSON_MAILER_API_KEY: 'short' })).code).toBe(2)
  })
})

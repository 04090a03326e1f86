/** The example as its readme runs it: the NestJS application compiled and in a process of its own, the system in this one. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { isContractError } from '@keelson/kernel'
import { importOpenApi, type RunningSystem, startSystem } from '@keelson/services'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Greetings } from './greetings.contract.ts'
import { Guests } from './guests.contract.ts'
import system from './keelson.config.ts'

const here = import.meta.dirname
let app: ChildProcess
let url: string
let running: RunningSystem<'greetings' | 'guests'>

beforeAll(async () => {
  if (!existsSync(join(here, 'node_modules', '@nestjs', 'swagger'))) {
    const options = [
      '--no-workspaces',
      '--no-audit',
      '--no-fund',
      '--no-package-lock',
      '--ignore-scripts',
      '--loglevel=error',
    ]
    expect(spawnSync('npm', ['install', ...options], { cwd: here, stdio: 'inherit' }).status).toBe(0)
  }
  const compiler = join(here, '../../node_modules/typescript/bin/tsc')
  expect(spawnSync(process.execPath, [compiler, '-p', here], { stdio: 'inherit' }).status).toBe(0)
  const [guests, greetings] = [await freePort(), await freePort()]
  url = `http://127.0.0.1:${guests}`
  app = spawn(process.execPath, [join(here, 'dist/app.js')], {
    env: { ...process.env, PORT: String(guests), GREETINGS_URL: `http://127.0.0.1:${greetings}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (app.stdout) await once(app.stdout, 'data')
  const overrides = { 'listener.port': greetings, 'guests.url': url }
  running = await startSystem(system, { persist: false, overrides })
}, 180_000)

afterAll(async () => {
  app?.kill()
  await running?.close()
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : expect.fail('no port')
}

describe('a NestJS application in a system', () => {
  it('has the contract that its own OpenAPI document gives', async () => {
    const document: unknown = await (await fetch(`${url}/openapi.json`)).json()
    expect(importOpenApi(document, 'guests').source).toBe(readFileSync(join(here, 'guests.contract.ts'), 'utf8'))
  })

  it('is called through its facade, by us and by our services', async () => {
    expect(await running.get(Guests).add({ name: 'Bo' })).toEqual({ id: '2', name: 'Bo' })
    expect(await running.get(Greetings).greet({ guest: '2' })).toEqual({ text: 'Hello, Bo' })
    const missing = await running
      .get(Guests)
      .one({ id: '99' })
      .catch((error: unknown) => error)
    expect(isContractError(missing, Guests.operations.one, 'NOT_FOUND')).toBe(true)
  })

  it('calls our service through a typed client', async () => {
    expect(await running.get(Guests).greeting({ id: '1' })).toBe('Hello, Ann')
  })
})

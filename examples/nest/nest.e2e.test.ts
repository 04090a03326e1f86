/** The example as its readme runs it: the NestJS application compiled and in a process of its own, the system in this one. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
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
    await promisify(execFile)('npm', ['install', ...options], { cwd: here })
  }
  const compiler = join(here, '../../node_modules/typescript/bin/tsc')
  await promisify(execFile)(process.execPath, [compiler, '-p', here])
  const [guests, greetings] = [await freePort(), await freePort()]
  url = `http://127.0.0.1:${guests}`
  app = spawn(process.execPath, [join(here, 'dist/app.js')], {
    env: { ...process.env, PORT: String(guests), GREETINGS_URL: `http://127.0.0.1:${greetings}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await answering(app)
  const overrides = { 'listener.port': greetings, 'guests.url': url }
  running = await startSystem(system, { persist: false, overrides })
})

afterAll(async () => {
  app?.kill()
  await running?.close()
})

/** Resolves when the application says that it listens. Rejects when it ends before. */
async function answering(app: ChildProcess): Promise<void> {
  if (!app.stdout) return
  const ended = once(app, 'exit').then(([code]) => expect.fail(`the application ended with ${code}`))
  await Promise.race([once(app.stdout, 'data'), ended])
}

/** A port below those that the operating system hands out by itself, so that nobody is given it before it is used. */
async function freePort(): Promise<number> {
  const port = randomInt(10_000, 32_000)
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return freePort()
  }
  server.close()
  await once(server, 'close')
  return port
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

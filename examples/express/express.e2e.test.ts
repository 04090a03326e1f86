/** The example as its readme runs it: the Express application in a process of its own, the system in this one. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { isContractError } from '@keelson/kernel'
import { createClient, importOpenApi, type RunningSystem, startSystem } from '@keelson/services'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Books } from './books.contract.ts'
import system from './keelson.config.ts'
import { Notes } from './notes.contract.ts'

const here = import.meta.dirname
let app: ChildProcess
let running: RunningSystem<'notes' | 'books'>

beforeAll(async () => {
  if (!existsSync(join(here, 'node_modules', 'express'))) {
    const options = ['install', '--no-workspaces', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error']
    await promisify(execFile)('npm', options, { cwd: here })
  }
  const [books, notes] = [await freePort(), await freePort()]
  app = spawn(process.execPath, [join(here, 'app.js')], {
    env: { ...process.env, PORT: String(books), NOTES_URL: `http://127.0.0.1:${notes}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await answering(app)
  running = await startSystem(system, {
    persist: false,
    overrides: { 'listener.port': notes, 'books.url': `http://127.0.0.1:${books}` },
  })
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

describe('an Express application in a system', () => {
  it('has the contract that its OpenAPI document gives', () => {
    const document: unknown = JSON.parse(readFileSync(join(here, 'openapi.json'), 'utf8'))
    expect(importOpenApi(document, 'books').notes).toEqual([])
    expect(Object.keys(Books.operations)).toEqual(['getBook', 'addBook'])
  })

  it('is called through its facade, by us and by our services', async () => {
    const book = await running.get(Books).addBook({ title: 'Typee' })
    expect(book).toEqual({ id: '2', title: 'Typee' })
    expect(await running.get(Notes).add({ book: '2', text: 'an island' })).toEqual({
      id: '1',
      text: 'Typee: an island',
    })
  })

  it('refuses with errors that its contract declares', async () => {
    const found = await running
      .get(Books)
      .getBook({ id: '99' })
      .catch((error: unknown) => error)
    expect(isContractError(found, Books.operations.getBook, 'NOT_FOUND')).toBe(true)
    const notes = createClient(Notes, running.url ?? '')
    const refused = await notes.add({ book: '99', text: '?' }).catch((error: unknown) => error)
    expect(isContractError(refused, Notes.operations.add, 'BOOK_NOT_FOUND') && refused.details).toEqual({ book: '99' })
  })

  it('calls our service through a typed client', async () => {
    await running.get(Notes).add({ book: '1', text: 'begins with a name' })
    const response = await fetch(`${urlOf()}/books/1/notes`)
    expect(await response.json()).toEqual([{ id: '1', text: 'Moby-Dick: begins with a name' }])
  })
})

function urlOf(): string {
  const { config } = running.get(Books)
  return typeof config === 'object' && config !== null && 'url' in config ? String(config.url) : ''
}

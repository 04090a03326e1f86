/** PostgreSQL and Redis of a benchmark's or test's own: on free ports of the loopback, in temporary folders, ended by their process ids. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Debian keeps PostgreSQL's programs out of the PATH. */
const folders = ['/usr/lib/postgresql/15/bin', ...(process.env['PATH'] ?? '').split(':')]
const programs = folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))

/** PostgreSQL refuses to run as root: it runs as nobody then. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

/** What must be installed and is not. */
export function missingServers(): string[] {
  const missing = programs ? [] : ['PostgreSQL (Debian: postgresql-15)']
  if (spawnSync('redis-server', ['--version']).status !== 0) missing.push('Redis (Debian: redis-server)')
  return missing
}

/** A server that can be killed, made to hang, and started again with what it had on disk. */
export class RealServer {
  readonly url: string
  readonly #port: number
  readonly #folder: string
  readonly #launch: () => ChildProcess
  #child: ChildProcess | undefined

  constructor(url: string, port: number, folder: string, launch: () => ChildProcess) {
    this.url = url
    this.#port = port
    this.#folder = folder
    this.#launch = launch
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    this.#child = this.#launch()
    for (let tries = 0; tries < 1_500; tries++) {
      if (await isTaken(this.#port)) return
      // What served connections of a killed one may hold its memory for a moment.
      if (this.#child.exitCode !== null) this.#child = this.#launch()
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    throw new Error(`no server came up on port ${this.#port}`)
  }

  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  async close(): Promise<void> {
    // PostgreSQL: immediate shutdown, with the processes that serve connections. Redis ends too.
    await this.#end('SIGQUIT')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await once(child, 'exit')
  }
}

/** A new cluster with the user `keelson`. */
export async function startPostgres(settings: readonly string[] = []): Promise<RealServer> {
  const folder = mkdtempSync(join(tmpdir(), 'keelson-postgres-'))
  if (nobody.uid !== undefined) chownSync(folder, nobody.uid, nobody.gid)
  const data = join(folder, 'data')
  const options = ['-D', data, '-U', 'keelson', '--auth', 'trust', '--encoding', 'UTF8', '--no-locale', '--no-sync']
  await promisify(execFile)(join(programs ?? '', 'initdb'), options, { ...nobody, cwd: folder })
  const port = await freePort()
  const all = ['listen_addresses=127.0.0.1', `port=${port}`, `unix_socket_directories=${folder}`, ...settings]
  const words = ['-D', data, ...all.flatMap((setting) => ['-c', setting])]
  const launch = () => spawn(join(programs ?? '', 'postgres'), words, { ...nobody, cwd: folder, stdio: 'ignore' })
  const server = new RealServer(`postgres://keelson@127.0.0.1:${port}/postgres`, port, folder, launch)
  await server.start()
  return server
}

/** @param settings of its command line, beside those that keep it on the loopback and nothing on disk. */
export async function startRedis(settings: readonly string[] = []): Promise<RealServer> {
  const folder = mkdtempSync(join(tmpdir(), 'keelson-redis-'))
  const port = await freePort()
  const words = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder, ...settings]
  const launch = () => spawn('redis-server', words, { stdio: 'ignore' })
  const server = new RealServer(`redis://127.0.0.1:${port}`, port, folder, launch)
  await server.start()
  return server
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (typeof address !== 'object' || !address) throw new Error('no port')
  return address.port
}

function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

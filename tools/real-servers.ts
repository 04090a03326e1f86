/** PostgreSQL and Redis of a benchmark's or test's own: on free ports of the loopback, in temporary folders, ended by their process ids. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
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

/** Whether the PostgreSQL that is installed can create this extension. Debian keeps them out of the folder of programs. */
export function hasPostgresExtension(name: string): boolean {
  const shares = [
    '/usr/share/postgresql/15',
    join(programs ?? '', '../share'),
    join(programs ?? '', '../share/postgresql'),
  ]
  return programs !== undefined && shares.some((share) => existsSync(join(share, 'extension', `${name}.control`)))
}

/** A server that can be killed, made to hang, and started again with what it had on disk. */
export class RealServer {
  readonly url: string
  readonly #folder: string
  readonly #launch: () => ChildProcess
  readonly #isReady: () => Promise<boolean>
  #child: ChildProcess | undefined

  constructor(url: string, folder: string, launch: () => ChildProcess, isReady: () => Promise<boolean>) {
    this.url = url
    this.#folder = folder
    this.#launch = launch
    this.#isReady = isReady
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    this.#child = this.#launch()
    for (let tries = 0; tries < 1_500; tries++) {
      if (await this.#isReady()) return
      // What served connections of a killed one may hold its memory for a moment.
      if (this.#child.exitCode !== null) this.#child = this.#launch()
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    throw new Error(`no server came up at ${this.url}`)
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

  /** As a power cut: what serves its connections is killed with it, before it has answered anybody. */
  async crash(): Promise<void> {
    const id = this.#child?.pid
    const children = id === undefined ? '' : readFileSync(`/proc/${id}/task/${id}/children`, 'utf8')
    this.#child?.kill('SIGKILL')
    for (const child of children.split(' ').filter(Boolean)) {
      try {
        process.kill(Number(child), 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    await this.kill()
  }

  async close(): Promise<void> {
    // PostgreSQL: immediate shutdown, with the processes that serve connections. Redis ends too.
    await this.#end('SIGQUIT')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill(signal)
    await exit
  }
}

/** A new cluster with the user `keelson`. */
export async function startPostgres(settings: readonly string[] = []): Promise<RealServer> {
  const folder = ownFolder('keelson-postgres-')
  const data = join(folder, 'data')
  const options = ['-D', data, '-U', 'keelson', '--auth', 'trust', '--encoding', 'UTF8', '--no-locale', '--no-sync']
  await runPostgres('initdb', options, folder)
  return launchPostgres(folder, data, settings)
}

/** A copy of the primary that follows it, until `select pg_promote()`. It calls itself `standby` to the primary. */
export async function startStandby(primary: RealServer): Promise<RealServer> {
  const folder = ownFolder('keelson-standby-')
  const data = join(folder, 'data')
  const source = `${primary.url}?application_name=standby`
  await runPostgres(
    'pg_basebackup',
    ['-D', data, '-d', source, '-R', '-X', 'stream', '-c', 'fast', '--no-sync'],
    folder,
  )
  return launchPostgres(folder, data, [])
}

/** Copies a database as a dump does, into another cluster. */
export async function dumpInto(source: RealServer, target: RealServer): Promise<void> {
  const folder = ownFolder('keelson-dump-')
  const file = join(folder, 'dump.sql')
  await runPostgres('pg_dump', ['-d', source.url, '-f', file], folder)
  await runPostgres('psql', ['-q', '-v', 'ON_ERROR_STOP=1', '-d', target.url, '-f', file], folder)
  rmSync(folder, { recursive: true, force: true })
}

function ownFolder(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix))
  if (nobody.uid !== undefined) chownSync(folder, nobody.uid, nobody.gid)
  return folder
}

async function runPostgres(program: string, words: readonly string[], folder: string): Promise<void> {
  await promisify(execFile)(join(programs ?? '', program), [...words], { ...nobody, cwd: folder })
}

async function launchPostgres(folder: string, data: string, settings: readonly string[]): Promise<RealServer> {
  const port = await freePort()
  const all = ['listen_addresses=127.0.0.1', `port=${port}`, `unix_socket_directories=${folder}`, ...settings]
  const words = ['-D', data, ...all.flatMap((setting) => ['-c', setting])]
  const launch = () => spawn(join(programs ?? '', 'postgres'), words, { ...nobody, cwd: folder, stdio: 'ignore' })
  const isReady = () =>
    runPostgres('pg_isready', ['-h', '127.0.0.1', '-p', String(port)], folder).then(
      () => true,
      () => false,
    )
  const server = new RealServer(`postgres://keelson@127.0.0.1:${port}/postgres`, folder, launch, isReady)
  await server.start()
  return server
}

/** @param settings of its command line, beside those that keep it on the loopback and nothing on disk. */
export async function startRedis(settings: readonly string[] = []): Promise<RealServer> {
  const folder = mkdtempSync(join(tmpdir(), 'keelson-redis-'))
  const port = await freePort()
  const words = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder, ...settings]
  const launch = () => spawn('redis-server', words, { stdio: 'ignore' })
  const server = new RealServer(`redis://127.0.0.1:${port}`, folder, launch, () => isTaken(port))
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

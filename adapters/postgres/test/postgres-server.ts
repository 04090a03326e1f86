/** A PostgreSQL of the test's own: a new cluster in a temporary folder, on a free port of the loopback, stopped by its process id. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connectPostgresDatabase } from '../src/index.ts'

/** Debian keeps the server's programs out of the PATH. */
const folders = ['/usr/lib/postgresql/15/bin', ...(process.env['PATH'] ?? '').split(':')]
const programs = folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))
if (!programs) process.stderr.write('PostgreSQL is not installed (Debian: postgresql-15)\n')
/** Skipped without PostgreSQL, except where servers are required. */
export const isSkipped = !programs && process.env['KEELSON_REQUIRE_SERVERS'] !== '1'

/** PostgreSQL refuses to run as root: it runs as nobody then. */
export const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

export class PostgresServer {
  readonly url: string
  readonly folder: string
  readonly #port: number
  readonly #settings: readonly string[]
  #child: ChildProcess | undefined

  private constructor(port: number, folder: string, settings: readonly string[]) {
    this.#port = port
    this.folder = folder
    this.#settings = settings
    this.url = `postgres://keelson@127.0.0.1:${port}/postgres`
  }

  /** A new cluster; resolves when it answers. `prepare` may put files into its folder, and gives settings of the server. */
  static async start(
    prepare: (folder: string) => Promise<readonly string[]> = async () => [],
  ): Promise<PostgresServer> {
    const folder = mkdtempSync(join(tmpdir(), 'keelson-postgres-'))
    if (user.uid !== undefined) chownSync(folder, user.uid, user.gid)
    const data = join(folder, 'data')
    mkdirSync(data)
    if (user.uid !== undefined) chownSync(data, user.uid, user.gid)
    const options = ['-D', data, '-U', 'keelson', '--auth', 'trust', '--encoding', 'UTF8', '--no-locale', '--no-sync']
    await promisify(execFile)(join(programs ?? '', 'initdb'), options, { ...user, cwd: folder })
    const server = new PostgresServer(await freePort(), folder, await prepare(folder))
    await server.start()
    return server
  }

  async start(): Promise<void> {
    const settings = ['listen_addresses=127.0.0.1', `port=${this.#port}`, `unix_socket_directories=${this.folder}`]
    settings.push(...this.#settings)
    const options = ['-D', join(this.folder, 'data'), ...settings.flatMap((setting) => ['-c', setting])]
    const launch = () =>
      spawn(join(programs ?? '', 'postgres'), options, { ...user, cwd: this.folder, stdio: 'ignore' })
    this.#child = launch()
    for (let tries = 0; tries < 600; tries++) {
      const database = await connectPostgresDatabase({ url: this.url, acquireTimeoutMs: 1000 }).catch(() => undefined)
      if (database) return database.close()
      // What served connections of a killed one may hold its memory for a moment.
      if (this.#child.exitCode !== null) this.#child = launch()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(`postgres did not start on port ${this.#port}`)
  }

  /** At once, without a word to anybody; what the process started ends with it. */
  async kill(): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  async close(): Promise<void> {
    const child = this.#child
    if (child && child.exitCode === null && child.signalCode === null) {
      // Immediate shutdown: the processes that serve connections end too.
      child.kill('SIGQUIT')
      await once(child, 'exit')
    }
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (typeof address !== 'object' || !address) throw new Error('no port')
  return address.port
}

/** A Redis of the test's own: on a free port of the loopback, in a temporary folder, stopped by its process id. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const isInstalled = spawnSync('redis-server', ['--version']).status === 0
if (!isInstalled) process.stderr.write('redis-server is not installed (Debian: redis-server)\n')
/** Skipped without Redis, except where servers are required. */
export const isSkipped = !isInstalled && process.env['KEELSON_REQUIRE_SERVERS'] !== '1'

export class RedisServer {
  readonly url: string
  readonly port: number
  readonly #settings: readonly string[]
  readonly #folder = mkdtempSync(join(tmpdir(), 'keelson-redis-'))
  #child: ChildProcess | undefined

  constructor(port: number, settings: readonly string[] = []) {
    this.port = port
    this.#settings = settings
    this.url = `redis://127.0.0.1:${port}`
  }

  /** @param settings of its command line, beside those that keep it on the loopback and nothing on disk. */
  static async start(settings: readonly string[] = []): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), settings)
    await server.start()
    return server
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    const settings = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--dir', this.#folder]
    const child = spawn('redis-server', [...settings, ...this.#settings], { stdio: 'ignore' })
    this.#child = child
    for (let tries = 0; tries < 500; tries++) {
      if (await isTaken(this.port)) return
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    throw new Error(`redis-server did not start on port ${this.port}`)
  }

  /** It hangs: connections stay, and nothing is answered. */
  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  async close(): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
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

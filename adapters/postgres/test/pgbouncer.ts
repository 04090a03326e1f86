/** PgBouncer in transaction mode before a server of the test's own, on a free port of the loopback, stopped by its process id. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectPostgresDatabase } from '../src/index.ts'
import { freePort, isSkipped as isServerSkipped, user } from './postgres-server.ts'

const program = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer'].find((path) => existsSync(path))
if (!program) process.stderr.write('PgBouncer is not installed (Debian: pgbouncer)\n')
/** Skipped without PgBouncer or PostgreSQL, except where servers are required. */
export const isSkipped = isServerSkipped || (!program && process.env['KEELSON_REQUIRE_SERVERS'] !== '1')

export class PgBouncer {
  readonly url: string
  readonly #folder: string
  readonly #child: ChildProcess

  private constructor(port: number, folder: string, child: ChildProcess) {
    this.url = `postgres://keelson@127.0.0.1:${port}/postgres`
    this.#folder = folder
    this.#child = child
  }

  /** Resolves when it answers. It has two sessions for all who come. */
  static async start(serverUrl: string): Promise<PgBouncer> {
    const [port, folder] = [await freePort(), mkdtempSync(join(tmpdir(), 'keelson-pgbouncer-'))]
    chmodSync(folder, 0o755)
    writeFileSync(join(folder, 'users'), '"keelson" ""\n')
    writeFileSync(
      join(folder, 'ini'),
      `[databases]
* = host=127.0.0.1 port=${new URL(serverUrl).port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${join(folder, 'users')}
pool_mode = transaction
default_pool_size = 2
`,
    )
    const child = spawn(program ?? '', [join(folder, 'ini')], { ...user, cwd: folder, stdio: 'ignore' })
    const pooler = new PgBouncer(port, folder, child)
    for (let tries = 0; tries < 200; tries++) {
      const database = await connectPostgresDatabase({ url: pooler.url, listenUrl: false }).catch(() => undefined)
      if (database) {
        await database.close()
        return pooler
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(`pgbouncer did not start on port ${port}`)
  }

  async close(): Promise<void> {
    this.#child.kill('SIGQUIT')
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

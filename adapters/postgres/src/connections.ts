/**
 * The pool: pg's own, behind a count of ours, so that a statement that finds all connections in use waits in order, for a bounded time, and
 * is told what it waited for; and so that closing lets finish what was sent before.
 */
import { type Clock, kernelErrors } from '@keelson/kernel'
import pg from 'pg'
import { connectFailure } from './failure.ts'
import { shownAddress } from './server-address.ts'

export interface ConnectionsOptions {
  readonly client: pg.ClientConfig
  readonly size: number
  readonly acquireTimeoutMs: number
  readonly clock: Clock
  /** Settings of each session, by the name PostgreSQL has for them. */
  readonly settings: Readonly<Record<string, string>>
}

export interface Leased {
  readonly client: pg.PoolClient
  /** Gives the connection back, or throws it away when it `isBroken`. */
  release(isBroken: boolean): void
}

export class Connections {
  readonly #options: ConnectionsOptions
  readonly #pool: pg.Pool
  readonly #waiting = new Set<() => void>()
  readonly #drained = Promise.withResolvers<void>()
  #free: number
  #isClosing = false

  constructor(options: ConnectionsOptions) {
    this.#options = options
    this.#free = options.size
    this.#pool = new pg.Pool({
      ...options.client,
      max: options.size,
      connectionTimeoutMillis: options.acquireTimeoutMs,
      // Sent before the connection is handed out: the options of a start-up message do not pass every pooler.
      // The pool waits for what this gives back, which its types do not say.
      onConnect: (client): unknown => {
        // A connection that dies is found by whoever uses it, or thrown away by the pool; it must not end the process.
        client.on('error', () => {})
        return client.query(settingsStatement(options.settings))
      },
    })
    this.#pool.on('error', () => {})
  }

  get address(): string {
    return shownAddress(this.#options.client)
  }

  async acquire(): Promise<Leased> {
    await this.#turn()
    let client: pg.PoolClient
    try {
      client = await this.#pool.connect()
    } catch (error) {
      this.#giveBack()
      throw connectFailure(error, this.address)
    }
    let isReleased = false
    return {
      client,
      release: (isBroken) => {
        if (isReleased) return
        isReleased = true
        client.release(isBroken)
        this.#giveBack()
      },
    }
  }

  /** Resolves when what was acquired has come back and all connections are closed. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#settleWhenDrained()
    await this.#drained.promise
    await this.#pool.end()
  }

  /** Resolves when one more connection may be taken; first come, first served. */
  async #turn(): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1
      return
    }
    const { size, acquireTimeoutMs, clock } = this.#options
    const turn = Promise.withResolvers<void>()
    const timer = new AbortController()
    this.#waiting.add(turn.resolve)
    const late = clock.sleep(acquireTimeoutMs, timer.signal).then(() => {
      // A turn that was given in this very moment is kept.
      if (this.#waiting.delete(turn.resolve))
        turn.reject(kernelErrors.DATABASE_POOL_EXHAUSTED({ connections: size, waitedMs: acquireTimeoutMs }))
    })
    late.catch(() => {})
    try {
      await turn.promise
    } finally {
      timer.abort()
      this.#settleWhenDrained()
    }
  }

  #giveBack(): void {
    const [next] = this.#waiting
    if (next) {
      this.#waiting.delete(next)
      next()
      return
    }
    this.#free += 1
    this.#settleWhenDrained()
  }

  #settleWhenDrained(): void {
    if (this.#isClosing && this.#free === this.#options.size && this.#waiting.size === 0) this.#drained.resolve()
  }
}

function settingsStatement(settings: Readonly<Record<string, string>>): pg.QueryConfig {
  const names = Object.keys(settings)
  return {
    text: `select ${names.map((_, at) => `set_config($${2 * at + 1}, $${2 * at + 2}, false)`).join(', ')}`,
    values: names.flatMap((name) => [name, settings[name]]),
  }
}

/**
 * What is heard of `LISTEN`, on a connection of its own that is made when somebody first listens and made again, with growing pauses, when
 * it is lost. What was sent in between is not heard: delivery is at most once, and whoever cannot miss anything looks again.
 */
import { backoffMs, type Clock, isError, kernelErrors } from '@keelson/kernel'
import pg from 'pg'
import { connectFailure, statementFailure } from './failure.ts'
import { shownAddress } from './server-address.ts'

type Hear = (payload: string) => void

/** PostgreSQL cuts longer names off in LISTEN and refuses them in NOTIFY. */
const longestChannelBytes = 63
const pauses = { firstMs: 50, mostMs: 5_000 }

export class Notifications {
  readonly #config: pg.ClientConfig
  readonly #clock: Clock
  readonly #channels = new Map<string, Set<Hear>>()
  readonly #closing = new AbortController()
  /** The connection that hears, or is being made. */
  #client: Promise<pg.Client> | undefined
  /** LISTEN and UNLISTEN go one after the other, so that their order is that of the calls. */
  #last: Promise<unknown> = Promise.resolve()
  #isReconnecting = false

  constructor(config: pg.ClientConfig, clock: Clock) {
    this.#config = config
    this.#clock = clock
  }

  /** Resolves when later notifications will be heard, with the function that ends it (safe to repeat). */
  async listen(channel: string, heard: Hear): Promise<() => Promise<void>> {
    if (Buffer.byteLength(channel) > longestChannelBytes) {
      const reason = `a channel name has at most ${longestChannelBytes} bytes`
      throw kernelErrors.DATABASE_QUERY_FAILED({ sqlState: '22023', reason })
    }
    const hear: Hear = (payload) => heard(payload)
    this.#channels.set(channel, (this.#channels.get(channel) ?? new Set()).add(hear))
    const stop = async () => {
      const listeners = this.#channels.get(channel)
      if (!listeners?.delete(hear) || listeners.size > 0) return
      this.#channels.delete(channel)
      await this.#inTurn(async () => {
        // Somebody may have come in the meantime; a connection that is gone listens to nothing.
        if (!this.#channels.has(channel) && this.#client) await this.#execute(`unlisten ${quoted(channel)}`)
      }).catch(() => {})
    }
    try {
      await this.#inTurn(() => this.#execute(`listen ${quoted(channel)}`))
    } catch (error) {
      this.#channels.get(channel)?.delete(hear)
      if (this.#channels.get(channel)?.size === 0) this.#channels.delete(channel)
      throw error
    }
    return stop
  }

  async close(): Promise<void> {
    this.#closing.abort(kernelErrors.DATABASE_CLOSED({ reason: 'it is closed' }))
    this.#channels.clear()
    const client = await this.#client?.catch(() => undefined)
    await client?.end()
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work)
    this.#last = next.catch(() => {})
    return next
  }

  async #execute(sql: string): Promise<void> {
    this.#closing.signal.throwIfAborted()
    this.#client ??= this.#connect()
    const client = await this.#client
    try {
      await client.query(sql)
    } catch (error) {
      throw statementFailure(error, [], 'before-commit')
    }
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({ ...this.#config, keepAlive: true })
    client.on('error', () => {})
    client.on('notification', ({ channel, payload = '' }) => this.#tell(channel, payload))
    try {
      await client.connect()
    } catch (error) {
      this.#client = undefined
      throw connectFailure(error, shownAddress(this.#config))
    }
    client.on('end', () => {
      this.#client = undefined
      if (!this.#closing.signal.aborted) void this.#reconnect()
    })
    return client
  }

  async #reconnect(): Promise<void> {
    if (this.#isReconnecting) return
    this.#isReconnecting = true
    try {
      for (let failures = 1; this.#channels.size > 0; failures++) {
        await this.#clock.sleep(backoffMs(pauses, failures), this.#closing.signal)
        try {
          await this.#inTurn(async () => {
            for (const channel of this.#channels.keys()) await this.#execute(`listen ${quoted(channel)}`)
          })
          if (this.#client) return
        } catch (error) {
          if (isError(error, 'DATABASE_CLOSED')) return
        }
      }
    } catch {
      // It was closed while it waited.
    } finally {
      this.#isReconnecting = false
    }
  }

  /** What a listener throws is its own failure: the others still hear. */
  #tell(channel: string, payload: string): void {
    const listeners = this.#channels.get(channel)
    for (const hear of listeners ?? []) {
      queueMicrotask(() => {
        if (listeners?.has(hear)) hear(payload)
      })
    }
  }
}

function quoted(channel: string): string {
  return `"${channel.replaceAll('"', '""')}"`
}

/** Who listens to which channel. PostgreSQL is told when the first one comes and the last one goes. */
import { isError, kernelErrors } from '@keelson/kernel'

interface Channel {
  /** Counted from the moment somebody asks, so that one who leaves does not end a LISTEN that another is waiting for. */
  wanted: number
  readonly heard: Set<(payload: string) => void>
}

/** PostgreSQL cuts longer names off in LISTEN and refuses them in NOTIFY. */
const longestChannelBytes = 63

export class Listeners {
  readonly #channels = new Map<string, Channel>()

  /** Hands a notification to the listeners of its channel. What a listener throws is its own failure: the others still hear. */
  readonly tell = (channel: string, payload: string): void => {
    const heard = this.#channels.get(channel)?.heard
    for (const hear of heard ?? []) {
      queueMicrotask(() => {
        if (heard?.has(hear)) hear(payload)
      })
    }
  }

  /** Resolves when later notifications will be heard, with the function that ends it (safe to repeat). `execute` runs a statement. */
  async add(
    name: string,
    hear: (payload: string) => void,
    execute: (sql: string) => Promise<void>,
  ): Promise<() => Promise<void>> {
    if (Buffer.byteLength(name) > longestChannelBytes) {
      const reason = `a channel name has at most ${longestChannelBytes} bytes`
      throw kernelErrors.DATABASE_QUERY_FAILED({ sqlState: '22023', reason })
    }
    const identifier = `"${name.replaceAll('"', '""')}"`
    const channel = this.#channels.get(name) ?? { wanted: 0, heard: new Set() }
    this.#channels.set(name, channel)
    channel.wanted += 1
    const listener = (payload: string) => hear(payload)
    channel.heard.add(listener)
    let isListening = true
    const stop = async () => {
      if (!isListening) return
      isListening = false
      channel.heard.delete(listener)
      channel.wanted -= 1
      if (channel.wanted > 0) return
      if (this.#channels.get(name) === channel) this.#channels.delete(name)
      await execute(`unlisten ${identifier}`).catch((error: unknown) => {
        if (!isError(error, 'DATABASE_CLOSED')) throw error
      })
    }
    try {
      await execute(`listen ${identifier}`)
    } catch (error) {
      await stop().catch(() => {})
      throw error
    }
    return stop
  }
}

/**
 * A log in PostgreSQL, its outbox, Redis Streams and a consumer with effects in the database, all in processes of their own, any of which is
 * killed at any moment. `KEELSON_KILLS` says how often (default 12).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { feedStart, openEventStore } from '@keelson/events'
import { connectPostgresDatabase } from '@keelson/postgres'
import { connectRedisMessageStreams } from '@keelson/redis'
import { describe, expect, it, vi } from 'vitest'
import { missingServers, type RealServer, startPostgres, startRedis } from '../real-servers.ts'

const missing = missingServers()
if (missing.length > 0) process.stderr.write(`not installed: ${missing.join(', ')}\n`)
const isSkipped = missing.length > 0 && process.env['KEELSON_REQUIRE_SERVERS'] !== '1'
const kills = Number(process.env['KEELSON_KILLS'] ?? 12)

/** A process that is there again after each kill, and after each end of its own, as when it finds no database. */
class Child {
  readonly #words: readonly string[]
  #child: ChildProcess | undefined
  #isWanted = false

  constructor(...words: readonly string[]) {
    this.#words = words
  }

  start(): void {
    this.#isWanted = true
    const script = join(import.meta.dirname, 'outbox-process.ts')
    const child = spawn(process.execPath, [script, ...this.#words], {
      stdio: 'ignore',
      env: { ...process.env, NODE_V8_COVERAGE: '' },
    })
    child.once('exit', () => {
      if (this.#isWanted && this.#child === child) setTimeout(() => this.#isWanted && this.start(), 100)
    })
    this.#child = child
  }

  async kill(): Promise<void> {
    this.#isWanted = false
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

describe.skipIf(isSkipped)('outbox and consumers of which any is killed', () => {
  it('publish each event once and in order, and make each effect once', async () => {
    const postgres = await startPostgres()
    const redis = await startRedis(['--appendonly', 'yes', '--appendfsync', 'everysec'])
    const database = await connectPostgresDatabase({ url: postgres.url })
    const streams = connectRedisMessageStreams({ url: redis.url })
    const words = [postgres.url, redis.url]
    const children = [
      new Child('outbox', ...words),
      new Child('outbox', ...words),
      new Child('consumer', ...words),
      new Child('consumer', ...words),
    ]
    try {
      const store = await openEventStore({ database })
      await database.query(
        'create table effects (number bigint generated always as identity, epoch_position text, position bigint)',
      )
      for (const child of children) child.start()
      const published: number[] = []
      const append = async () => {
        const events = Array.from({ length: 15 }, (_, at) => ({ type: at % 5 === 4 ? 'Hidden' : 'Shown' }))
        const { position } = await store.append(`stream-${published.length % 7}`, events)
        for (let at = 0; at < 15; at++) if (at % 5 !== 4) published.push(position - 14 + at)
      }
      let isOver = false
      // So fast that the consumer is always at it.
      const appending = (async () => {
        while (!isOver) {
          await append()
          await new Promise((resolve) => setTimeout(resolve, 25))
        }
      })()
      for (let round = 0; round < kills; round++) {
        await new Promise((resolve) => setTimeout(resolve, 100 + ((round * 397) % 1_500)))
        await fault(round, postgres, redis, children)
      }
      isOver = true
      await appending
      const effects = async () =>
        (await database.query<{ position: number }>('select position from effects order by number')).rows
      await vi.waitFor(async () => expect((await effects()).length).toBeGreaterThanOrEqual(published.length), {
        timeout: 240_000,
        interval: 200,
      })
      expect((await effects()).map(({ position }) => position)).toEqual(published)
      const messages = await streams.read('orders', feedStart, { limit: 1_000_000 })
      expect(messages.map(({ position }) => position)).toEqual(published)
      expect(new Set(messages.map(({ epoch }) => epoch))).toEqual(new Set([1]))
      const { rows } = await database.query('select 1 from keelson_message_dead_letters')
      expect(rows).toEqual([])
      await store.close()
    } finally {
      for (const child of children) await child.kill()
      await streams.close()
      await database.close()
      await redis.close()
      await postgres.close()
    }
  }, 600_000)
})

/** Each in turn, at a moment that differs from round to round. */
async function fault(
  round: number,
  postgres: RealServer,
  redis: RealServer,
  children: readonly Child[],
): Promise<void> {
  const kind = round % 7
  const child = children[kind]
  if (child) {
    await child.kill()
    child.start()
  } else if (kind === 4) {
    await redis.kill()
    await redis.start()
  } else if (kind === 5) {
    redis.pause()
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    redis.resume()
  } else {
    await postgres.kill()
    await postgres.start()
  }
}

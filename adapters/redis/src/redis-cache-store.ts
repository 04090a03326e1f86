/**
 * Kept answers in two levels: Redis, which processes share, and in front of it the memory of this one. What is invalidated in one process is
 * told to all; while a process cannot hear, and when it hears again, it does not believe its own memory.
 */
import { type CacheEntry, type CacheStore, createInMemoryCacheStore } from '@keelson/resilience'
import type { Redis } from 'ioredis'

/**
 * Sets an entry, and notes its key under each tag for as long as it lives; not when one of the tags was invalidated after the entry was asked for. Keys
 * are that of the entry, then the sets of its tags, then what tells when each was invalidated last.
 */
const setScript = `
local tags = (#KEYS - 1) / 2
for i = 2 + tags, #KEYS do
  local invalidated = redis.call('GET', KEYS[i])
  if invalidated and tonumber(invalidated) > tonumber(ARGV[3]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
for i = 2, 1 + tags do
  redis.call('SADD', KEYS[i], KEYS[1])
  if redis.call('PTTL', KEYS[i]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[i], ARGV[2]) end
end
return 1`

/** Making an answer takes no longer. */
const makingMs = 3_600_000
/** Answers that are being made, beyond which the oldest is taken for given up. */
const mostAsked = 10_000

/** Forgets the entries of one tag that still have it. */
const invalidateScript = `
local number = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[3], number, 'PX', ARGV[2])
local keys = redis.call('SMEMBERS', KEYS[1])
for _, key in ipairs(keys) do
  local text = redis.call('GET', key)
  if text then
    for _, tag in ipairs(cjson.decode(text).tags) do
      if tag == ARGV[1] then redis.call('DEL', key) end
    end
  end
end
redis.call('DEL', KEYS[1])
return 1`

export class RedisCacheStore implements CacheStore {
  readonly #redis: Redis
  readonly #prefix: string
  readonly #channel: string
  #near = createInMemoryCacheStore()
  #isHearing = false
  /** How often something was invalidated, as far as this process has heard. */
  #heard = 0
  /** The number of the last invalidation when an entry was asked for and not there: whoever asked makes it now. */
  readonly #asked = new Map<string, string>()

  /** @param subscriber a connection of its own, which hears what other processes invalidate. */
  constructor(redis: Redis, subscriber: Redis, prefix: string) {
    this.#redis = redis
    this.#prefix = prefix
    this.#channel = `${prefix}invalidated`
    subscriber.on('message', (_, message: string) => this.#forget(tagsIn(message)))
    subscriber.on('ready', () => {
      subscriber.subscribe(this.#channel).then(
        () => this.#hear(),
        () => {},
      )
    })
    subscriber.on('close', () => {
      this.#isHearing = false
    })
  }

  get(key: string): CacheEntry | undefined | Promise<CacheEntry | undefined> {
    const near = this.#isHearing ? this.#near.get(key) : undefined
    // A near entry past its time may have a younger one in Redis.
    if (near && !(near instanceof Promise) && near.freshUntil > Date.now()) return near
    return this.#far(key)
  }

  async set(key: string, entry: CacheEntry): Promise<void> {
    const livesMs = Math.ceil(entry.keptUntil - Date.now())
    if (livesMs <= 0) return
    // What JSON would change is for this process alone.
    if (!isJson(entry.value)) {
      this.#asked.delete(key)
      this.#keepNear(key, entry, this.#heard)
      return
    }
    const keys = [
      this.#keyOf(key),
      ...entry.tags.map((tag) => this.#tagOf(tag)),
      ...entry.tags.map((tag) => this.#invalidationOf(tag)),
    ]
    const heard = this.#heard
    const number = this.#asked.get(key)
    this.#asked.delete(key)
    const values = [JSON.stringify(entry), String(livesMs), number ?? 'inf']
    const isKept = await this.#redis.eval(setScript, keys.length, ...keys, ...values)
    if (isKept === 1) this.#keepNear(key, entry, heard)
  }

  async invalidate(tags: readonly string[]): Promise<void> {
    if (tags.length === 0) return
    this.#forget(tags)
    for (const tag of tags) {
      const keys = [this.#tagOf(tag), this.#invalidations, this.#invalidationOf(tag)]
      await this.#redis.eval(invalidateScript, keys.length, ...keys, tag, makingMs)
    }
    await this.#redis.publish(this.#channel, JSON.stringify(tags))
  }

  async #far(key: string): Promise<CacheEntry | undefined> {
    const heard = this.#heard
    const [text, number] = await this.#redis.mget(this.#keyOf(key), this.#invalidations)
    if (text === null || text === undefined) {
      this.#noteAsked(key, number ?? '0')
      return undefined
    }
    // Only `set` writes under this prefix. Frozen, since all who hit it share it.
    const entry = JSON.parse(text, (_, value) => Object.freeze(value)) as CacheEntry
    this.#keepNear(key, entry, heard)
    return entry
  }

  #noteAsked(key: string, number: string): void {
    this.#asked.set(key, number)
    if (this.#asked.size <= mostAsked) return
    for (const oldest of this.#asked.keys()) {
      this.#asked.delete(oldest)
      break
    }
  }

  /** Not when something was invalidated since Redis was asked: it may have been this entry. */
  #keepNear(key: string, entry: CacheEntry, heard: number): void {
    if (heard === this.#heard) void this.#near.set(key, entry)
  }

  #forget(tags: readonly string[]): void {
    this.#heard++
    void this.#near.invalidate(tags)
  }

  /** What was invalidated meanwhile has not been heard of. */
  #hear(): void {
    this.#heard++
    this.#near = createInMemoryCacheStore()
    this.#isHearing = true
  }

  #keyOf(key: string): string {
    return `${this.#prefix}cache:${key}`
  }

  #tagOf(tag: string): string {
    return `${this.#prefix}tag:${tag}`
  }

  /** Holds the number of the last invalidation. */
  get #invalidations(): string {
    return `${this.#prefix}invalidations`
  }

  /** Holds the number of the last invalidation of a tag. */
  #invalidationOf(tag: string): string {
    return `${this.#prefix}invalidated:${tag}`
  }
}

/** Whether a value is the same after a trip through JSON. */
function isJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return typeof value !== 'bigint'
  if (Array.isArray(value)) return value.every(isJson)
  return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isJson)
}

function tagsIn(message: string): string[] {
  try {
    const tags: unknown = JSON.parse(message)
    return Array.isArray(tags) ? tags.map(String) : []
  } catch {
    // Somebody else writes to this channel.
    return []
  }
}

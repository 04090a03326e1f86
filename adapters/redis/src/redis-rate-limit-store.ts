/** Rate limits that processes share: the generic cell rate algorithm (ITU-T I.371) on the clock of Redis, one key and one script call each. */
import type { Rate, RateLimitStore } from '@keelson/resilience'
import type { Redis } from 'ioredis'

const takeScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local interval = tonumber(ARGV[1])
local arrival = tonumber(redis.call('GET', KEYS[1]) or '0')
if arrival < now then arrival = now end
local wait = arrival + interval - tonumber(ARGV[2]) * interval - now
if wait > 0.001 then return math.ceil(wait) end
redis.call('SET', KEYS[1], string.format('%.3f', arrival + interval), 'PX', math.ceil(arrival + interval - now))
return 0`

export class RedisRateLimitStore implements RateLimitStore {
  readonly #redis: Redis
  readonly #prefix: string

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis
    this.#prefix = prefix
  }

  async take(key: string, { intervalMs, burst }: Rate): Promise<number> {
    const name = `${this.#prefix}rate:${key}`
    return Number(await this.#redis.eval(takeScript, 1, name, String(intervalMs), String(burst)))
  }
}

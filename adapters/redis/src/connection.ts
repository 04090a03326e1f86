/**
 * One connection to Redis. A command on a connection that is down fails at once instead of waiting for it: what is asked here stands in the
 * path of calls, which can do without it. It connects again by itself.
 */
import { type Lifetime, Secret } from '@keelson/kernel'
import { Redis } from 'ioredis'
import * as z from 'zod'

export const RedisConfig = z.object({
  url: z
    .string()
    .min(1)
    .meta({ ...Secret.meta, description: 'Where Redis is: redis://user:password@host:port/database' })
    .transform(Secret.of)
    .prefault('redis://127.0.0.1:6379'),
  prefix: z.string().default('keelson:').describe('Of every key and channel'),
  timeout: z.int().min(1).default(250).describe('Milliseconds until an answer counts as none'),
  streamsTimeout: z.int().min(1).default(5000).describe('The same for message streams, whose answers may be long'),
})
export type RedisConfig = z.infer<typeof RedisConfig>

/** Connects in the background; ended by the lifetime. */
export function connect({ url, timeout }: Pick<RedisConfig, 'url' | 'timeout'>, lifetime: Lifetime): Redis {
  const redis = new Redis(url.reveal(), {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: timeout,
    connectTimeout: 5000,
    retryStrategy: (times) => Math.min(50 * times, 1000),
  })
  // Each command that fails says so itself.
  redis.on('error', () => {})
  lifetime.onClose(() => redis.disconnect())
  return redis
}

import { messageStreamsConformance } from '@keelson/events/testing'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { connectRedisMessageStreams, type RedisStreams } from '../src/index.ts'
import { isSkipped, RedisServer } from './redis-server.ts'

describe.skipIf(isSkipped)('connectRedisMessageStreams()', () => {
  let server: RedisServer
  let streams: RedisStreams
  beforeAll(async () => {
    server = await RedisServer.start()
    streams = connectRedisMessageStreams({ url: server.url, prefix: 'conformance:' })
  }, 60_000)
  afterAll(async () => {
    await streams?.close()
    await server?.close()
  })

  test.each(messageStreamsConformance)('$name', ({ run }) => run(streams), 60_000)
})

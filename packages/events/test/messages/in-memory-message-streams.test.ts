import { messageStreamsConformance } from '@keelson/events/testing'
import { describe, test } from 'vitest'
import { createInMemoryMessageStreams } from '../../src/index.ts'

describe('createInMemoryMessageStreams()', () => {
  const streams = createInMemoryMessageStreams()
  test.each(messageStreamsConformance)('$name', ({ run }) => run(streams))
})

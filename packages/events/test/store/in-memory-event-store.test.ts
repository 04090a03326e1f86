import { eventStoreConformance } from '@keelson/events/testing'
import { describe, test } from 'vitest'
import { createInMemoryEventStore } from '../../src/index.ts'

describe('createInMemoryEventStore()', () => {
  const store = createInMemoryEventStore()
  test.each(eventStoreConformance)('$name', ({ run }) => run(store))
})

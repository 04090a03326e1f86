import { describe, expect, test } from 'vitest'
import { type CorpusState, needsFitting } from '../../src/domain/fitting.ts'

const fitted = (texts: number, change = 100) =>
  ({
    model: 'passages',
    version: '1',
    task: 'embed',
    source: 'registered',
    dimension: 8,
    tags: { texts: String(texts), change: String(change) },
  }) as const

function corpus(passages: number, changed = 0, share = 0.2): CorpusState & { readonly asked: number[] } {
  const asked: number[] = []
  return {
    asked,
    passages: async () => passages,
    changedAfter: async (change) => {
      asked.push(change)
      return { count: changed, texts: ['a keel'] }
    },
    unknownShare: async () => ({ share, expected: 0.2 }),
  }
}

describe('needsFitting()', () => {
  test('waits for passages to learn from', async () => {
    expect(await needsFitting(null, corpus(19))).toBe(false)
    expect(await needsFitting(null, corpus(20))).toBe(true)
  })

  test('leaves models alone that were not fitted here', async () => {
    expect(await needsFitting({ ...fitted(10), source: 'endpoint', model: 'tiny' }, corpus(5_000))).toBe(false)
    expect(await needsFitting({ ...fitted(10), model: 'mine' }, corpus(5_000))).toBe(false)
  })

  test('fits anew when there are twice as many passages, or a quarter', async () => {
    expect(await needsFitting(fitted(1_000), corpus(2_000))).toBe(false)
    expect(await needsFitting(fitted(1_000), corpus(2_001))).toBe(true)
    expect(await needsFitting(fitted(1_000), corpus(250))).toBe(false)
    expect(await needsFitting(fitted(1_000), corpus(249))).toBe(true)
  })

  test('fits anew when enough has changed since and speaks of something else', async () => {
    const since = corpus(1_000, 99, 0.9)
    expect(await needsFitting(fitted(1_000, 77), since)).toBe(false)
    expect(since.asked).toEqual([77])
    expect(await needsFitting(fitted(1_000), corpus(1_000, 100, 0.29))).toBe(false)
    expect(await needsFitting(fitted(1_000), corpus(1_000, 100, 0.31))).toBe(true)
    // Of many passages, a hundred are few.
    expect(await needsFitting(fitted(10_000), corpus(10_000, 100, 0.9))).toBe(false)
  })
})

import { createFakeClock } from '@keelson/kernel/testing'
import { describe, expect, it } from 'vitest'
import { createInMemoryIdempotencyStore } from '../../src/index.ts'
import { idempotencyStoreConformance } from '../../src/testing.ts'

const claim = { identity: '', operation: 'pay.charge', key: 'k', fingerprint: 'f', keepMs: 1_000 }

describe('createInMemoryIdempotencyStore()', () => {
  for (const { name, run } of idempotencyStoreConformance) it(name, () => run(createInMemoryIdempotencyStore()))

  it('keeps an outcome for its time, and a run for as long as it lasts', async () => {
    const clock = createFakeClock()
    const store = createInMemoryIdempotencyStore({ clock })
    const long = await store.claim(claim)
    await clock.advance(5_000)
    expect(await store.claim(claim)).toMatchObject({ state: 'running' })
    if (long.state === 'new') await long.run.finish('{}')
    expect((await store.claim({ ...claim, fingerprint: 'g' })).state).toBe('new')
  })

  it('forgets the oldest outcomes when they take too many bytes, and no run', async () => {
    const store = createInMemoryIdempotencyStore({ bytes: 10_000 })
    const states = async (keys: readonly string[]) =>
      Promise.all(keys.map(async (key) => (await store.claim({ ...claim, key })).state))
    await store.claim({ ...claim, key: 'runs' })
    for (const key of ['a', 'b', 'c']) {
      const claimed = await store.claim({ ...claim, key })
      if (claimed.state === 'new') await claimed.run.finish('x'.repeat(2_000))
    }
    expect(await states(['runs', 'c', 'b', 'a'])).toEqual(['running', 'done', 'done', 'new'])
  })
})

import { describe, expect, test } from 'vitest'
import { fitLsaInWorker } from '../../src/models/fit-lsa-in-worker.ts'
import { fitLsa } from '../../src/models/lsa-model.ts'

const texts = Array.from(
  { length: 60 },
  (_, at) => `ship ${at} has a keel, a mast and ${at % 7} anchors in harbour ${at % 5}`,
)

async function* batchesOf(all: readonly string[], size = 7): AsyncGenerator<readonly string[]> {
  for (let from = 0; from < all.length; from += size) yield all.slice(from, from + size)
}

describe('fitLsaInWorker()', () => {
  test('fits the model that fitLsa fits', async () => {
    const here = await fitLsa(texts, { dimension: 8 })
    const there = await fitLsaInWorker(batchesOf(texts), { dimension: 8 })
    expect(there.version).toBe(here.version)
    expect(await there.embed(['a mast'])).toEqual(await here.embed(['a mast']))
  })

  test('refuses what fitLsa refuses', async () => {
    await expect(fitLsaInWorker(batchesOf(['', '…']))).rejects.toMatchObject({
      code: 'MODEL_CORPUS_EMPTY',
      details: { texts: 2 },
    })
    await expect(fitLsaInWorker(batchesOf(texts), { dimension: 0.5 })).rejects.toMatchObject({
      code: 'MODEL_OPTIONS_INVALID',
    })
  })

  test('rejects with what the corpus throws', async () => {
    async function* broken(): AsyncGenerator<readonly string[]> {
      yield texts
      throw new Error('the database is gone')
    }
    await expect(fitLsaInWorker(broken())).rejects.toThrow('the database is gone')
  })

  test('stops when the signal aborts, and lets go of the corpus', async () => {
    const caller = new AbortController()
    let released = false
    async function* endless(): AsyncGenerator<readonly string[]> {
      try {
        for (let batch = 0; ; batch++) {
          if (batch === 3) caller.abort(new Error('enough'))
          yield texts
        }
      } finally {
        released = true
      }
    }
    await expect(fitLsaInWorker(endless(), { signal: caller.signal })).rejects.toThrow('enough')
    expect(released).toBe(true)
  })
})

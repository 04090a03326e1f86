/** Conformance of `notify` and `listen`. A second listener, told last, shows that whatever was to be heard has been. */
import assert from 'node:assert/strict'
import type { Database } from './database.ts'
import { type DatabaseCase, refused } from './database-case.ts'

export const notifyConformance: readonly DatabaseCase[] = [
  {
    name: 'listen() hears the notifications of its channel in order, and of no other',
    run: async (database) => {
      const payloads = [
        ...Array.from({ length: 50 }, (_, index) => `${index}`),
        '',
        'ünï "quoted" \' 🚢',
        'x'.repeat(7_999),
      ]
      const heard = await heardOn(database, 'keelson_conformance', payloads.length, async () => {
        for (const payload of payloads) {
          await database.notify('keelson_conformance_other', payload)
          await database.notify('keelson_conformance', payload)
        }
      })
      assert.deepEqual(heard, payloads)
    },
  },
  {
    name: 'listen() takes any channel name, letter case and quotes included',
    run: async (database) => {
      const name = 'Keelson "conformance"; --'
      const heard = await heardOn(database, name, 1, async () => {
        await database.notify(name.toLowerCase(), 'wrong')
        await database.notify(name, 'right')
      })
      assert.deepEqual(heard, ['right'])
      await refused(() => database.listen('x'.repeat(64), () => {}), '22023')
      await refused(() => database.notify('x'.repeat(64), ''), '22023')
    },
  },
  {
    name: 'listen() tells every listener of a channel until its own end',
    run: async (database) => {
      const first: string[] = []
      const endFirst = await database.listen('keelson_conformance', (payload) => first.push(payload))
      const second = await heardOn(database, 'keelson_conformance', 3, async (heardSoFar) => {
        await database.notify('keelson_conformance', 'to both')
        await heardSoFar(1)
        await endFirst()
        await endFirst()
        await database.notify('keelson_conformance', 'to the second')
        await database.notify('keelson_conformance', 'and again')
      })
      assert.deepEqual(second, ['to both', 'to the second', 'and again'])
      assert.deepEqual(first, ['to both'])
    },
  },
  {
    name: 'listen() hears again after all had ended',
    run: async (database) => {
      for (const payload of ['once', 'twice']) {
        const heard = await heardOn(database, 'keelson_conformance', 1, () =>
          database.notify('keelson_conformance', payload),
        )
        assert.deepEqual(heard, [payload])
      }
    },
  },
  {
    name: 'notify() refuses a payload of 8,000 bytes',
    run: async (database) => {
      await refused(() => database.notify('keelson_conformance', 'x'.repeat(8_000)), '22023')
      await refused(() => database.notify('keelson_conformance', 'ü'.repeat(4_000)), '22023')
    },
  },
]

/** What a new listener hears while `work` runs and until it has heard `count` payloads. `heardSoFar` waits for fewer. */
async function heardOn(
  database: Database,
  channel: string,
  count: number,
  work: (heardSoFar: (count: number) => Promise<void>) => Promise<void>,
): Promise<string[]> {
  const heard: string[] = []
  const waiting: { count: number; resolve: () => void }[] = []
  const heardSoFar = (needed: number) =>
    new Promise<void>((resolve) => {
      if (heard.length >= needed) resolve()
      else waiting.push({ count: needed, resolve })
    })
  const end = await database.listen(channel, (payload) => {
    heard.push(payload)
    for (const waiter of waiting) if (heard.length >= waiter.count) waiter.resolve()
  })
  try {
    await work(heardSoFar)
    await heardSoFar(count)
  } finally {
    await end()
  }
  return heard
}

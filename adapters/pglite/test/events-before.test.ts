import { readFileSync } from 'node:fs'
import { feedStart, openEventStore } from '@keelson/events'
import { expect, it } from 'vitest'
import { openPgliteDatabase } from '../src/index.ts'

it('openEventStore() reads what an earlier version stored, verifies it and goes on with it', async () => {
  const database = await openPgliteDatabase()
  const text = readFileSync(new URL('events-before.sql', import.meta.url), 'utf8')
  for (const statement of text.replace(/^--.*\n/, '').split('\n--------\n')) await database.query(statement)
  const personalData = { fields: { Registered: { subject: 'person', fields: ['name'] } } }
  const store = await openEventStore({ database, personalData })
  const { events } = await store.readFeed(feedStart, { includeArchived: true })
  expect(events.map(({ stream, data }) => [stream, data])).toEqual([
    ['order-1', { total: 5 }],
    ['order-1', { amount: 5 }],
    ['old', null],
    ['person', { person: 'ada', name: 'Ada' }],
  ])
  expect((await store.readFeed(feedStart)).events).toHaveLength(3)
  expect(await store.readSnapshot('order-1', { name: 'order', version: 1 })).toMatchObject({ state: { paid: true } })
  const id = '00000000-0000-4000-8000-000000000001'
  const again = { type: 'OrderPlaced', id, data: { total: 5 } }
  expect(await store.append('order-1', [again])).toMatchObject({ version: 1, isRepeat: true })
  for await (const one of store.verify()) expect(one).toMatchObject({ total: 5, erased: 1 })
  expect(await store.append('person', [{ type: 'Registered', data: { person: 'ada', name: 'Ada L.' } }])).toMatchObject(
    {
      position: 6,
    },
  )
  expect(await store.shred('ada')).toBe(true)
  const read = (await store.readStream('person')).events.map(({ data }) => Object(data).name)
  expect(read).toEqual(['[erased]', '[erased]'])
  for await (const one of store.verify()) expect(one.total).toBe(6)
  await store.close()
  await database.close()
})

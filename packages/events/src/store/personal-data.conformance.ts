/** What a store promises of personal data, as data so that any test runner can run it. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { isError, isRecord } from '@keelson/kernel'
import { defineAggregate } from '../aggregates/aggregate.ts'
import { execute } from '../aggregates/execute.ts'
import type { RecordedEvent } from './event.ts'
import { feedStart } from './event-store.ts'
import { openEventStore, type SqlEventStore } from './sql-event-store.ts'

export interface PersonalDataCase {
  readonly name: string
  run(store: SqlEventStore): Promise<void>
}

const personalData = { fields: { Registered: { subject: 'person', fields: ['name', 'contact.mail'] } } }

function registered(person: unknown, name: string) {
  return { type: 'Registered', id: randomUUID(), data: { person, name } }
}

async function withStore(
  { database, log }: SqlEventStore,
  work: (store: SqlEventStore) => Promise<void>,
  suffix = 'personal',
): Promise<void> {
  const store = await openEventStore({ database, log: `${log}-${suffix}`, personalData })
  await work(store)
  await store.close()
}

async function nameIn(store: SqlEventStore, stream: string): Promise<unknown> {
  const [event] = (await store.readStream(stream)).events
  return isRecord(event?.data) ? event.data['name'] : undefined
}

async function verified(store: SqlEventStore): Promise<void> {
  for await (const _ of store.verify());
}

export const personalDataConformance: readonly PersonalDataCase[] = [
  {
    name: 'personal fields are encrypted for the person they are about, and gone when the key is destroyed',
    run: async ({ database, log }) => {
      const person = `ada-${randomUUID()}`
      const fields = { Registered: { subject: 'customer.id', fields: ['customer.name', 'address'] } }
      const masterKey = Buffer.alloc(32, 7)
      const store = await openEventStore({ database, log: `${log}-personal`, personalData: { fields, masterKey } })
      const registered = (id: string, name: string) => ({
        type: 'Registered',
        id: randomUUID(),
        data: { customer: { id, name, since: 2020 }, address: { city: 'Ulm' }, plan: 'basic' },
      })
      const [ada, bob] = [registered(person, 'Ada'), registered(`bob-${randomUUID()}`, 'Bob')]
      const first = await store.append('a', [ada, bob, { type: 'Unrelated', data: { name: 'Cleo' } }])
      assert.deepEqual(await store.append('a', [ada, bob, { type: 'Unrelated', data: { name: 'Cleo' } }].slice(0, 2)), {
        ...first,
        version: 2,
        position: first.position - 1,
        isRepeat: true,
      })
      const read = async () => (await store.readStream('a')).events.map(({ data }) => data)
      assert.deepEqual(await read(), [ada.data, bob.data, { name: 'Cleo' }])
      assert.deepEqual(
        (await store.readFeed(feedStart)).events.map(({ data }) => data),
        await read(),
      )
      const { rows } = await database.query<{ data: unknown }>('select data from keelson_events where id = $1', [
        ada.id,
      ])
      const stored = JSON.stringify(rows[0]?.data)
      assert.ok(
        !stored.includes('Ada') && !stored.includes('Ulm') && stored.includes(person) && stored.includes('basic'),
        stored,
      )
      await store.writeSnapshot('a', { name: 'a', version: 1 }, { version: 1, state: { name: 'Ada' } })
      assert.equal(await store.shred(person), true)
      assert.equal(await store.shred(person), false)
      assert.deepEqual(await read(), [
        { ...ada.data, customer: { ...ada.data.customer, name: '[erased]' }, address: '[erased]' },
        bob.data,
        { name: 'Cleo' },
      ])
      assert.equal(await store.readSnapshot('a', { name: 'a', version: 1 }), undefined)
      await assert.rejects(store.append('a', [registered(person, 'Ada')]), (error) =>
        isError(error, 'EVENTS_SUBJECT_SHREDDED'),
      )
      await verified(store)
      for (const wrong of [{ fields }, { fields, masterKey: Buffer.alloc(32, 8) }]) {
        const locked = await openEventStore({ database, log: store.log, personalData: wrong })
        await assert.rejects(locked.readStream('a'), (error) => isError(error, 'EVENTS_KEY_LOCKED'))
        await locked.close()
      }
      await store.close()
    },
  },
  {
    name: 'personal fields of nobody, or inside an array, are refused where they are defined or appended',
    run: async ({ database, log }) => {
      const rule = (subject: string, ...fields: string[]) => ({ fields: { Registered: { subject, fields } } })
      for (const wrong of [
        rule('person', 'contacts.0.mail'),
        rule('people.0', 'name'),
        rule('person.id', 'person'),
        rule('a'),
      ])
        await assert.rejects(openEventStore({ database, log, personalData: wrong }), (error) =>
          isError(error, 'EVENTS_TYPES_INVALID'),
        )
      await withStore({ database, log } as SqlEventStore, async (store) => {
        const data: unknown[] = [
          { name: 'Ada' },
          { person: null, name: 'Ada' },
          { person: '', name: 'Ada' },
          { person: { id: 1 }, name: 'Ada' },
          { person: 'a\0', name: 'Ada' },
          { person: 'ada', contact: [{ mail: 'ada@example' }] },
        ]
        for (const one of data)
          await assert.rejects(store.append('a', [{ type: 'Registered', data: one }]), (error) =>
            isError(error, 'EVENTS_PAYLOAD_INVALID'),
          )
        await store.append('a', [{ type: 'Registered', data: { plan: 'basic' } }])
      })
    },
  },
  {
    name: 'the same subject in two logs is two, and text that SQL cannot hold stops nobody',
    run: async (given) => {
      await withStore(given, async (one) => {
        await withStore(
          given,
          async (two) => {
            for (const store of [one, two]) await store.append('a', [registered('17', 'Ada')])
            await one.append('odd', [registered('17', 'nul \0, half \ud800')])
            await one.append('b', [
              { ...registered('18', 'Bob'), data: { person: '18', name: 'Bob', note: 'nul \0 half \udfff' } },
            ])
            await one.writeSnapshot('odd', { name: 'a', version: 1 }, { version: 1, state: 'Ada' })
            assert.equal(await one.shred('17'), true)
            assert.deepEqual([await nameIn(one, 'a'), await nameIn(one, 'odd')], ['[erased]', '[erased]'])
            assert.equal(await one.readSnapshot('odd', { name: 'a', version: 1 }), undefined)
            assert.deepEqual([await nameIn(two, 'a'), await nameIn(one, 'b')], ['Ada', 'Bob'])
            await verified(one)
          },
          'personal-2',
        )
      })
    },
  },
  {
    name: 'a key that is gone without having been destroyed is missed, and one that comes back stays destroyed',
    run: async (given) => {
      await withStore(given, async (store) => {
        const { database } = store
        const key = 'log = (select id from keelson_event_logs where name = $1) and subject = $2'
        const [ada, bob] = [registered('ada', 'Ada'), registered('bob', 'Bob')]
        const first = await store.append('a', [ada])
        await store.append('b', [bob])
        const { rows } = await database.query<{ key: Uint8Array }>(`select key from keelson_event_keys where ${key}`, [
          store.log,
          'ada',
        ])
        await store.shred('ada')
        await database.query(`update keelson_event_keys set key = $3, shredded_at = null where ${key}`, [
          store.log,
          'ada',
          rows[0]?.key,
        ])
        assert.equal(await nameIn(store, 'a'), '[erased]')
        assert.deepEqual(await store.append('a', [ada]), { ...first, isRepeat: true })
        await database.query(`delete from keelson_event_keys where ${key}`, [store.log, 'bob'])
        await assert.rejects(store.readStream('b'), (error) => isError(error, 'EVENTS_KEY_LOCKED'))
        await assert.rejects(verified(store), (error) => isError(error, 'EVENTS_LOG_DAMAGED'))
      })
    },
  },
  {
    name: 'a state that was loaded before a shredding is not kept after it',
    run: async (given) => {
      await withStore(given, async (store) => {
        const types = {
          names: ['Registered', 'Renamed'],
          encode: (event: { type: string; data?: unknown }) => event,
          decode: (event: RecordedEvent) => event,
        }
        const evolve = (state: { name: string }, { type, data }: RecordedEvent) =>
          type === 'Registered' ? { name: (data as { name: string }).name } : state
        const Person = defineAggregate({
          name: 'person',
          events: types,
          initial: { name: '' },
          evolve,
          snapshot: { every: 2, version: 1 },
        })
        await execute(store, Person, '9', () => [registered('zoe', 'Zoe')])
        await execute(store, Person, '9', async () => {
          await store.shred('zoe')
          return [{ type: 'Renamed' }]
        })
        assert.equal(await store.readSnapshot('person-9', { name: 'person', version: 1 }), undefined)
      })
    },
  },
  {
    name: 'appendWithin() of personal data needs no connection beside that of its transaction',
    run: async (given) => {
      await withStore(given, async (store) => {
        await Promise.all(
          Array.from({ length: 30 }, (_, at) =>
            store.database.transaction(async (transaction) => {
              const events = [registered(`p-${at % 3}`, 'Ada'), registered(`p-${(at + 1) % 3}`, 'Bob')]
              await store.appendWithin(transaction, [{ stream: `s-${at}`, events }])
              await store.readFeedWithin(transaction, feedStart)
            }),
          ),
        )
        assert.equal((await store.head()).position, 60)
      })
    },
  },
]

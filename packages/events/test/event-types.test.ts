import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { createInMemoryEventStore, defineEvents, event, type NewEvent } from '../src/index.ts'
import { OrderEvents } from './order.ts'

const Prices = defineEvents({
  PriceChanged: event(z.object({ cents: z.int(), currency: z.string() }), {
    version: 3,
    formerly: ['PriceSet'],
    upcasts: {
      1: (data) => ({ euros: Number(Object(data).price) }),
      2: (data, { metadata }) => ({
        cents: Math.round(Object(data).euros * 100),
        currency: metadata['currency'] ?? 'EUR',
      }),
    },
  }),
})

async function stored(events: readonly NewEvent[]) {
  const store = createInMemoryEventStore()
  await store.append('s', events)
  return (await store.readStream('s')).events
}

describe('defineEvents()', () => {
  it('stores what was given and reads what the schema gives', async () => {
    const at = '2026-11-27T10:00:00.000Z'
    const encoded = OrderEvents.encode({ type: 'OrderPaid', data: { amount: 5, at } })
    expect(encoded).toEqual({ type: 'OrderPaid', schemaVersion: 1, data: { amount: 5, at } })
    const [read] = await stored([encoded, OrderEvents.encode({ type: 'OrderCancelled', data: {} })])
    expect(read && OrderEvents.decode(read).data).toEqual({ amount: 5, at: new Date(at) })
  })

  it('refuses data that does not fit, by place, and types it does not know', () => {
    expect(() => OrderEvents.encode({ type: 'OrderPlaced', data: { total: -1 } })).toThrow(
      expect.objectContaining({
        code: 'EVENTS_PAYLOAD_INVALID',
        message: expect.stringMatching(/"OrderPlaced": total: /),
      }),
    )
    // What plain JavaScript could give.
    const unknown = { type: 'OrderEaten', data: {} } as unknown as Parameters<typeof OrderEvents.encode>[0]
    expect(() => OrderEvents.encode(unknown)).toThrow(expect.objectContaining({ code: 'EVENTS_TYPE_UNKNOWN' }))
  })

  it('reads every earlier version and former name, several in one stream', async () => {
    const events = await stored([
      { type: 'PriceSet', data: { price: '1.5' } },
      { type: 'PriceSet', schemaVersion: 2, data: { euros: 2 }, metadata: { currency: 'CHF' } },
      { type: 'PriceChanged', schemaVersion: 3, data: { cents: 7, currency: 'USD' } },
    ])
    expect(
      events.map((one) => Prices.decode(one)).map(({ type, schemaVersion, data }) => [type, schemaVersion, data]),
    ).toEqual([
      ['PriceChanged', 3, { cents: 150, currency: 'EUR' }],
      ['PriceChanged', 3, { cents: 200, currency: 'CHF' }],
      ['PriceChanged', 3, { cents: 7, currency: 'USD' }],
    ])
    expect(Prices.names).toEqual(['PriceChanged', 'PriceSet'])
  })

  it('names what it cannot read: data that does not fit, a later version, an upcast that throws', async () => {
    const events = await stored([
      { type: 'PriceChanged', schemaVersion: 3, data: { cents: 'many' } },
      { type: 'PriceChanged', schemaVersion: 4, data: {} },
    ])
    const throwing = defineEvents({
      PriceChanged: event(z.unknown(), {
        version: 5,
        upcasts: {
          1: String,
          2: String,
          3: String,
          4: () => {
            throw new Error('no rate')
          },
        },
      }),
    })
    const reasons = [
      () => events[0] && Prices.decode(events[0]),
      () => events[1] && Prices.decode(events[1]),
      () => events[1] && throwing.decode(events[1]),
    ].map((decode) => {
      try {
        return decode()
      } catch (error) {
        return error
      }
    })
    expect(reasons).toEqual([
      expect.objectContaining({
        code: 'EVENTS_UNREADABLE',
        message: expect.stringContaining('version 1 of stream "s"): cents:'),
      }),
      expect.objectContaining({
        code: 'EVENTS_UNREADABLE',
        message: expect.stringContaining('it is of version 4, this program knows 3'),
      }),
      expect.objectContaining({
        code: 'EVENTS_UNREADABLE',
        message: expect.stringContaining('the upcast from version 4 threw: no rate'),
      }),
    ])
  })

  it('refuses a definition with a step missing, a bad version or a name twice', () => {
    const schema = z.unknown()
    for (const definitions of [
      { A: event(schema, { version: 3, upcasts: { 2: String } }) },
      { A: event(schema, { version: 0 }) },
      { A: event(schema), B: event(schema, { formerly: ['A'] }) },
    ])
      expect(() => defineEvents(definitions)).toThrow(expect.objectContaining({ code: 'EVENTS_TYPES_INVALID' }))
  })
})

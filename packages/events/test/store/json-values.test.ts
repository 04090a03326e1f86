import { describe, expect, it, test } from 'vitest'
import * as z from 'zod'
import { createInMemoryEventStore, defineEvents, event } from '../../src/index.ts'

class Money {
  readonly amount = 5
}

describe('append()', () => {
  const circular: Record<string, unknown> = {}
  circular['self'] = circular
  const deep = Array.from({ length: 9_000 }).reduce<unknown>((inner) => [inner], 1)
  test.each([
    ['NaN', { a: Number.NaN }, 'a'],
    ['an infinity', { a: [1, Number.POSITIVE_INFINITY] }, 'a.1'],
    ['undefined in an array', { a: [undefined] }, 'a.0'],
    ['a bigint', { a: { b: 1n } }, 'a.b'],
    ['a date', { at: new Date(0) }, 'at'],
    ['a map', { a: new Map() }, 'a'],
    ['bytes', { a: new Uint8Array(2) }, 'a'],
    ['a class', { a: new Money() }, 'a'],
    ['a function', { a: () => 1 }, 'a'],
    ['a symbol', Symbol('x'), ''],
    ['what writes itself', { a: { toJSON: () => 1 } }, 'a'],
    ['what is in itself', circular, 'self.self.self'],
    ['what is too deep', deep, '0.0.0'],
  ])('refuses %s by name, and says where it is', async (_, data, path) => {
    const attempt = createInMemoryEventStore().append('a', [{ type: 'A', data }])
    await expect(attempt).rejects.toMatchObject({
      code: 'EVENTS_PAYLOAD_INVALID',
      details: { problems: [expect.objectContaining({ path })] },
    })
  })

  it('gives back what it takes', async () => {
    const store = createInMemoryEventStore()
    const taken = [
      null,
      'nul \0, half \ud800',
      { a: [1, 'x', null, { b: true }], c: 1e300, __proto__: null },
      JSON.parse('{"__proto__":{"admin":true},"a":1}'),
      { a: 1, b: undefined },
    ]
    for (const data of taken) await store.append('a', [{ type: 'A', data }])
    const { events } = await store.readStream('a')
    expect(events.map(({ data }) => data)).toEqual(taken)
  })
})

describe('encode()', () => {
  it('takes what the schema reads again as the same, and refuses what it does not', () => {
    const types = defineEvents({
      Opened: event(z.object({ at: z.coerce.date(), note: z.string().optional() })),
      Closed: event(z.object({ at: z.date() })),
      Tagged: event(z.object({ tags: z.set(z.string()) })),
      Priced: event(z.object({ cents: z.number().transform((euros) => euros * 100) })),
    })
    const opened = types.encode({ type: 'Opened', data: { at: new Date(5), note: undefined } })
    expect(opened.data).toEqual({ at: '1970-01-01T00:00:00.005Z' })
    expect(types.encode({ type: 'Priced', data: { cents: 2 } }).data).toEqual({ cents: 2 })
    const refused = expect.objectContaining({ code: 'EVENTS_PAYLOAD_INVALID' })
    expect(() => types.encode({ type: 'Closed', data: { at: new Date(5) } })).toThrow(refused)
    expect(() => types.encode({ type: 'Tagged', data: { tags: new Set(['a']) } })).toThrow(refused)
  })
})

describe('decode()', () => {
  it('gives upcasts a copy: what they change stays as it was for everybody else', async () => {
    const types = defineEvents({
      Counted: event(z.object({ n: z.number() }), {
        version: 2,
        upcasts: {
          1: (data, event) => Object.assign(Object(data), { n: 2 }) && Object.assign(Object(event.data), { n: 3 }),
        },
      }),
    })
    const store = createInMemoryEventStore()
    await store.append('a', [{ type: 'Counted', data: { n: 1 } }])
    const [stored] = (await store.readStream('a')).events
    if (!stored) throw new Error('nothing was stored')
    expect(types.decode(stored).data).toEqual({ n: 3 })
    expect(stored.data).toEqual({ n: 1 })
  })
})

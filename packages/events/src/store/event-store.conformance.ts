/**
 * What every event store must pass, as data so that any test runner can run it. The cases may share one log, which should be theirs
 * alone while they run; each uses streams of its own.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createCall, isError, type KeelsonError, runInCall } from '@keelson/kernel'
import type { NewEvent, RecordedEvent } from './event.ts'
import type { EventStore, ExpectedVersion } from './event-store.ts'
import { feedStart } from './event-store.ts'

export interface EventStoreCase {
  readonly name: string
  run(store: EventStore): Promise<void>
}

let names = 0

/** The name of a stream that nobody else has, in this run or an earlier one. */
function newStream(kind = 'case'): string {
  return `${kind}-${++names}-${randomUUID()}`
}

function numbered(count: number, type = 'Counted'): NewEvent[] {
  return Array.from({ length: count }, (_, at) => ({ type, data: { number: at + 1 } }))
}

async function refused(work: Promise<unknown>, code: string): Promise<KeelsonError> {
  const error = await work.then(
    () => assert.fail(`not refused, though ${code} is due`),
    (reason: unknown) => reason,
  )
  assert.ok(isError(error, code), `not ${code}: ${String(error)}`)
  return error
}

async function feedFrom(store: EventStore, position: number, limit = 1_000): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = []
  let next = { position, epoch: 0 }
  for (;;) {
    const page = await store.readFeed(next, { limit })
    events.push(...page.events)
    if (page.next.position === page.head) return events
    next = page.next
  }
}

const appending: readonly EventStoreCase[] = [
  {
    name: 'append() begins a stream and numbers its events from 1',
    run: async (store) => {
      const stream = newStream()
      const before = await store.head()
      const appended = await store.append(stream, numbered(3), { expected: 'none' })
      assert.deepEqual(appended, { stream, version: 3, position: before.position + 3, isRepeat: false })
      const { events, version, state } = await store.readStream(stream)
      assert.deepEqual(
        events.map((event) => [event.version, event.position - before.position, event.data]),
        [1, 2, 3].map((number) => [number, number, { number }]),
      )
      assert.deepEqual([version, state], [3, 'open'])
    },
  },
  ...expectations(),
  {
    name: 'append() lets exactly one of many that expect the same version through, and uses no position for the others',
    run: async (store) => {
      const stream = newStream()
      await store.append(stream, numbered(1))
      const before = await store.head()
      const all = await Promise.allSettled(
        Array.from({ length: 30 }, () => store.append(stream, numbered(2), { expected: 1 })),
      )
      assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 1)
      for (const one of all)
        if (one.status === 'rejected') assert.ok(isError(one.reason, 'EVENTS_VERSION_CONFLICT'), String(one.reason))
      assert.equal((await store.head()).position, before.position + 2)
    },
  },
  {
    name: 'append() takes all of many that expect any version, each at a place of its own',
    run: async (store) => {
      const stream = newStream()
      const all = await Promise.all(Array.from({ length: 40 }, () => store.append(stream, numbered(1))))
      assert.deepEqual(
        all.map(({ version }) => version).sort((a, b) => a - b),
        Array.from({ length: 40 }, (_, at) => at + 1),
      )
    },
  },
  {
    name: 'append() gives each of many streams written at once its own versions, and the log dense positions in their order',
    run: async (store) => {
      const before = (await store.head()).position
      const streams = Array.from({ length: 10 }, () => newStream())
      const turns = Array.from({ length: 20 }, (_, turn) => streams.map((stream) => ({ stream, turn })))
      await Promise.all(turns.flat().map(({ stream, turn }) => store.append(stream, numbered(1 + (turn % 3)))))
      const events = await feedFrom(store, before, 37)
      assert.deepEqual(
        events.map(({ position }) => position),
        events.map((_, at) => before + at + 1),
      )
      for (const stream of streams) {
        const versions = events.filter((event) => event.stream === stream).map(({ version }) => version)
        assert.deepEqual(
          versions,
          versions.map((_, at) => at + 1),
        )
      }
    },
  },
  {
    name: 'append() takes more events than one call of the store would',
    run: async (store) => {
      const stream = newStream()
      assert.equal((await store.append(stream, numbered(3_000))).version, 3_000)
      const { events } = await store.readStream(stream)
      assert.equal(events.length, 3_000)
      assert.deepEqual(events.at(-1)?.data, { number: 3_000 })
    },
  },
  {
    name: 'append() gives back data and metadata to the letter',
    run: async (store) => {
      const stream = newStream('Ünïcode 😀 "quoted" \\ {braces}, commas')
      const data = {
        text: 'quotes " and \\ and \n and \u0000 and \ud83d\ude00 and a lone \ud800',
        order: { z: 1, a: 2, 10: 3 },
        numbers: [0.1, 1e300, -0, 2 ** 53 - 1],
        none: null,
        list: [[], {}, ''],
      }
      await store.append(stream, [{ type: 'Ev"il\\', data, metadata: { note: "it's {a: 1}" } }, { type: 'Empty' }])
      const { events } = await store.readStream(stream)
      assert.deepEqual(events[0]?.data, JSON.parse(JSON.stringify(data)))
      assert.equal(JSON.stringify(events[0]?.data), JSON.stringify(data))
      assert.equal(events[0]?.type, 'Ev"il\\')
      assert.deepEqual(events[0]?.metadata, { note: "it's {a: 1}" })
      assert.equal(events[1]?.data, null)
      assert.deepEqual(events[1]?.metadata, {})
    },
  },
  {
    name: 'append() notes who called, for what request, and what caused it',
    run: async (store) => {
      const stream = newStream()
      const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), isSampled: true, traceState: '' }
      const call = createCall({ correlationId: 'request-1', subject: 'ada', trace })
      await runInCall(call, () => store.append(stream, [{ type: 'First' }]))
      const [first] = (await store.readStream(stream)).events
      assert.deepEqual(first?.metadata, {
        correlationId: 'request-1',
        actor: 'ada',
        traceparent: `00-${trace.traceId}-${trace.spanId}-01`,
      })
      await store.append(stream, [{ type: 'Second', metadata: { own: 1 } }], {
        ...(first ? { causedBy: first } : {}),
        metadata: { own: 0, also: true },
      })
      const [, second] = (await store.readStream(stream)).events
      assert.deepEqual(second?.metadata, { correlationId: 'request-1', causationId: first?.id, own: 1, also: true })
    },
  },
  {
    name: 'append() refuses by name what is no append, and writes nothing',
    run: async (store) => {
      const before = await store.head()
      const stream = newStream()
      const event = { type: 'Fine' }
      const id = randomUUID()
      const bad: [string, unknown, unknown?][] = [
        ['', [event]],
        ['a\nb', [event]],
        ['x'.repeat(501), [event]],
        [stream, []],
        [stream, [{ type: '' }]],
        [stream, [{ type: 7 }]],
        [stream, [{ type: 'x'.repeat(201) }]],
        [stream, [{ type: 'A', id: 'not-a-uuid' }]],
        [stream, [{ type: 'A', schemaVersion: 0 }]],
        [stream, [{ type: 'A', schemaVersion: 1.5 }]],
        [stream, [{ type: 'A', tags: [''] }]],
        [stream, [event], { expected: -1 }],
        [stream, [event], { expected: 1.5 }],
        [stream, [event], { expected: 'some' }],
        [
          stream,
          [
            { type: 'A', id },
            { type: 'B', id },
          ],
        ],
      ]
      for (const [name, events, options] of bad) {
        // What plain JavaScript could give.
        const call = store.append(name, events as NewEvent[], options as { expected: ExpectedVersion })
        await refused(call, 'EVENTS_APPEND_INVALID')
      }
      const loop: Record<string, unknown> = {}
      loop['self'] = loop
      for (const data of [loop, 1n, () => 1])
        await refused(store.append(stream, [{ type: 'A', data }]), 'EVENTS_PAYLOAD_INVALID')
      const large = { type: 'Large', data: 'é'.repeat(600_000) }
      await refused(store.append(stream, [event, large]), 'EVENTS_PAYLOAD_TOO_LARGE')
      assert.deepEqual(await store.head(), before)
    },
  },
]

/** Each expectation against a stream that is not there and one of two events. */
function expectations(): EventStoreCase[] {
  const rows: [ExpectedVersion, boolean, boolean][] = [
    ['any', true, true],
    ['none', true, false],
    [0, true, false],
    ['exists', false, true],
    [1, false, false],
    [2, false, true],
    [3, false, false],
  ]
  return rows.map(([expected, fitsNone, fitsTwo]) => ({
    name: `append() that expects ${expected} is ${fitsNone ? 'taken' : 'refused'} without a stream, and ${fitsTwo ? 'taken' : 'refused'} at version 2`,
    run: async (store) => {
      for (const [version, fits] of [
        [0, fitsNone],
        [2, fitsTwo],
      ] as const) {
        const stream = newStream()
        if (version > 0) await store.append(stream, numbered(version))
        const before = await store.head()
        const append = store.append(stream, numbered(2), { expected })
        if (fits) {
          assert.equal((await append).version, version + 2)
          continue
        }
        const error = await refused(append, 'EVENTS_VERSION_CONFLICT')
        assert.deepEqual(error.details, { stream, expected, found: version })
        assert.deepEqual([(await store.readStream(stream)).version, await store.head()], [version, before])
      }
    },
  }))
}

const repeating: readonly EventStoreCase[] = [
  {
    name: 'append() of the same event ids again gives the first result, whatever it expects',
    run: async (store) => {
      const stream = newStream()
      const events = numbered(2).map((event) => ({ ...event, id: randomUUID() }))
      const first = await store.append(stream, events, { expected: 'none' })
      await store.append(stream, numbered(1))
      for (const expected of ['none', 'any', 0, 7] as const)
        assert.deepEqual(await store.append(stream, events, { expected }), { ...first, isRepeat: true })
      assert.equal((await store.readStream(stream)).version, 3)
    },
  },
  {
    name: 'append() sent many times at once takes effect once',
    run: async (store) => {
      const stream = newStream()
      const events = [{ type: 'Once', id: randomUUID() }]
      const all = await Promise.all(Array.from({ length: 20 }, () => store.append(stream, events)))
      assert.deepEqual(new Set(all.map(({ position }) => position)).size, 1)
      assert.equal(all.filter(({ isRepeat }) => !isRepeat).length, 1)
      assert.equal((await store.readStream(stream)).version, 1)
    },
  },
  {
    name: 'append() refuses an id that belongs to another event: other data, type or stream, or only some of them',
    run: async (store) => {
      const stream = newStream()
      const id = randomUUID()
      await store.append(stream, [{ type: 'A', id, data: { a: 1 } }])
      const before = await store.head()
      const others: [string, NewEvent[]][] = [
        [stream, [{ type: 'A', id, data: { a: 2 } }]],
        [stream, [{ type: 'B', id, data: { a: 1 } }]],
        [newStream(), [{ type: 'A', id, data: { a: 1 } }]],
        [stream, [{ type: 'A', id, data: { a: 1 } }, { type: 'New' }]],
      ]
      for (const [name, events] of others) await refused(store.append(name, events), 'EVENTS_ID_TAKEN')
      assert.deepEqual(await store.head(), before)
    },
  },
]

const several: readonly EventStoreCase[] = [
  {
    name: 'appendAll() writes all its streams or none',
    run: async (store) => {
      const [a, b] = [newStream(), newStream()]
      const before = await store.head()
      const both = await store.appendAll([
        { stream: a, events: numbered(2), expected: 'none' },
        { stream: b, events: numbered(1), expected: 'none' },
      ])
      assert.deepEqual(
        both.map(({ stream, version, position }) => [stream, version, position - before.position]),
        [
          [a, 2, 2],
          [b, 1, 3],
        ],
      )
      const stale = store.appendAll([
        { stream: a, events: numbered(1), expected: 2 },
        { stream: b, events: numbered(1), expected: 0 },
      ])
      assert.equal((await refused(stale, 'EVENTS_VERSION_CONFLICT')).details['stream'], b)
      assert.deepEqual([(await store.readStream(a)).version, (await store.readStream(b)).version], [2, 1])
      assert.equal((await store.head()).position, before.position + 3)
    },
  },
  {
    name: 'appendAll() of many that cross each other neither blocks nor tears',
    run: async (store) => {
      const [a, b] = [newStream(), newStream()]
      await Promise.all(
        Array.from({ length: 30 }, (_, at) =>
          store.appendAll((at % 2 ? [a, b] : [b, a]).map((stream) => ({ stream, events: numbered(1) }))),
        ),
      )
      assert.deepEqual([(await store.readStream(a)).version, (await store.readStream(b)).version], [30, 30])
    },
  },
  {
    name: 'appendAll() repeated gives the first results; with one stream twice, or none, it is refused',
    run: async (store) => {
      const parts = [newStream(), newStream()].map((stream) => ({ stream, events: [{ type: 'A', id: randomUUID() }] }))
      const first = await store.appendAll(parts)
      assert.deepEqual(
        await store.appendAll(parts),
        first.map((appended) => ({ ...appended, isRepeat: true })),
      )
      await refused(store.appendAll([]), 'EVENTS_APPEND_INVALID')
      const stream = newStream()
      const twice = [1, 2].map(() => ({ stream, events: numbered(1) }))
      await refused(store.appendAll(twice), 'EVENTS_APPEND_INVALID')
      const half = [...parts.slice(0, 1), { stream, events: numbered(1) }]
      await refused(store.appendAll(half), 'EVENTS_ID_TAKEN')
    },
  },
  {
    name: 'append() with a condition fails when an event of its tags has come since, and only then',
    run: async (store) => {
      const course = `course:${randomUUID()}`
      const seats = (student: string) => [
        { type: 'Subscribed', data: { student }, tags: [course, `student:${student}`] },
      ]
      const start = (await store.head()).position
      await store.append(newStream(), seats('ada'), { condition: { tags: [course], after: start } })
      const late = store.append(newStream(), seats('bob'), { condition: { tags: [course], after: start } })
      assert.equal((await refused(late, 'EVENTS_CONDITION_FAILED')).details['position'], start + 1)
      const looked = (await store.readFeed({ position: start, epoch: 0 }, { tags: [course] })).events
      assert.deepEqual(
        looked.map(({ data, tags }) => [data, tags.length]),
        [[{ student: 'ada' }, 2]],
      )
      const after = (await store.head()).position
      await store.append(newStream(), seats('bob'), { condition: { tags: [course], after } })
      const other = { tags: [course], types: ['Cancelled'], after: start }
      await store.append(newStream(), seats('cleo'), { condition: other })
      await refused(
        store.append(newStream(), seats('dan'), { condition: { tags: [], after } }),
        'EVENTS_APPEND_INVALID',
      )
    },
  },
  {
    name: 'append() of many with one condition lets exactly one through',
    run: async (store) => {
      const tag = `seat:${randomUUID()}`
      const after = (await store.head()).position
      const all = await Promise.allSettled(
        Array.from({ length: 10 }, () =>
          store.append(newStream(), [{ type: 'Taken', tags: [tag] }], { condition: { tags: [tag], after } }),
        ),
      )
      assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 1)
    },
  },
]

const reading: readonly EventStoreCase[] = [
  {
    name: 'readStream() reads a part, forwards and backwards, and nothing of a stream that is not there',
    run: async (store) => {
      const stream = newStream()
      await store.append(stream, numbered(10))
      const versions = async (options: Parameters<EventStore['readStream']>[1]) =>
        (await store.readStream(stream, options)).events.map(({ version }) => version)
      assert.deepEqual(await versions({ from: 8 }), [8, 9, 10])
      assert.deepEqual(await versions({ from: 3, limit: 2 }), [3, 4])
      assert.deepEqual(await versions({ direction: 'backwards', limit: 3 }), [10, 9, 8])
      assert.deepEqual(await versions({ direction: 'backwards', from: 2 }), [2, 1])
      assert.deepEqual(await versions({ from: 11 }), [])
      assert.equal((await store.readStream(stream, { from: 11 })).version, 10)
      const none = newStream()
      assert.deepEqual(await store.readStream(none), { stream: none, version: 0, state: 'none', events: [] })
    },
  },
  {
    name: 'readFeed() hands each event over once, in order, by types and pages, and says where to go on',
    run: async (store) => {
      const before = await store.head()
      const stream = newStream()
      for (const type of ['A', 'B', 'A', 'C']) await store.append(stream, [{ type }])
      const page = await store.readFeed(before, { limit: 2 })
      assert.deepEqual(
        page.events.map(({ type }) => type),
        ['A', 'B'],
      )
      assert.equal(page.next.position, before.position + 2)
      assert.equal(page.head, before.position + 4)
      const rest = await store.readFeed(page.next, { types: ['C', 'never'] })
      assert.deepEqual(
        rest.events.map(({ type }) => type),
        ['C'],
      )
      assert.equal(rest.next.position, page.head)
      assert.deepEqual((await store.readFeed(rest.next)).events, [])
      assert.equal((await store.readFeed(before, { types: [] })).next.position, page.head)
    },
  },
  {
    name: 'readFeed() refuses a position that the log does not have',
    run: async (store) => {
      const { position, epoch } = await store.head()
      await refused(store.readFeed({ position: position + 1, epoch }), 'EVENTS_POSITION_AHEAD')
      await store.readFeed(feedStart, { limit: 1 })
    },
  },
  {
    name: 'readFeed() while many append never skips and never reorders',
    run: async (store) => {
      const before = (await store.head()).position
      const total = 400
      const seen: number[] = []
      const reader = (async () => {
        let next = { position: before, epoch: 0 }
        while (seen.length < total) {
          const page = await store.readFeed(next, { limit: 50 })
          seen.push(...page.events.map(({ position }) => position))
          next = page.next
        }
      })()
      const writer = async (writer: number) => {
        for (let turn = 0; turn < 20; turn++) await store.append(newStream(`writer-${writer}`), numbered(1))
      }
      await Promise.all([reader, ...Array.from({ length: 20 }, (_, at) => writer(at))])
      assert.deepEqual(
        seen,
        Array.from({ length: total }, (_, at) => before + at + 1),
      )
    },
  },
  {
    name: 'recorded times never go back with the position',
    run: async (store) => {
      const before = (await store.head()).position
      for (let turn = 0; turn < 5; turn++) await store.append(newStream(), numbered(1))
      const times = (await feedFrom(store, before)).map(({ recordedAt }) => recordedAt.getTime())
      assert.deepEqual(
        times,
        [...times].sort((a, b) => a - b),
      )
      assert.ok(times.every((time) => time > Date.UTC(2020, 0, 1)))
    },
  },
  {
    name: 'waitBeyond() wakes for an append, at once for what is there already, and stops with its signal',
    run: async (store) => {
      const { position } = await store.head()
      const waiting = store.waitBeyond(position, new AbortController().signal)
      await store.append(newStream(), numbered(1))
      await waiting
      await store.waitBeyond(position, new AbortController().signal)
      const stop = new AbortController()
      const stopped = store.waitBeyond(position + 1_000_000, stop.signal)
      stop.abort(new Error('enough'))
      await assert.rejects(stopped, /enough/)
    },
  },
  {
    name: 'streams() lists names in order, by prefix and in pages',
    run: async (store) => {
      const prefix = `list-${randomUUID()}-`
      for (const name of ['b', 'a', 'É', 'B', 'ab']) await store.append(`${prefix}${name}`, numbered(1))
      const list = async (options: object) =>
        (await store.streams({ prefix, ...options })).map(({ stream }) => stream.slice(prefix.length))
      assert.deepEqual(await list({}), ['B', 'a', 'ab', 'b', 'É'])
      assert.deepEqual(await list({ limit: 2, after: `${prefix}a` }), ['ab', 'b'])
      assert.deepEqual(await store.streams({ prefix: `${prefix}B` }), [
        { stream: `${prefix}B`, version: 1, state: 'open' },
      ])
    },
  },
]

const ending: readonly EventStoreCase[] = [
  {
    name: 'archive() closes a stream and takes it out of the feed, though it can be read',
    run: async (store) => {
      const [stream, other] = [newStream(), newStream()]
      const before = await store.head()
      await store.append(stream, numbered(2))
      await store.append(other, numbered(1))
      await store.archive(stream)
      await store.archive(stream)
      const { events, state } = await store.readStream(stream)
      assert.deepEqual([events.length, state], [2, 'archived'])
      const page = await store.readFeed(before)
      assert.deepEqual(
        page.events.map((event) => event.stream),
        [other],
      )
      assert.equal(page.next.position, before.position + 3)
      assert.equal((await store.readFeed(before, { includeArchived: true })).events.length, 3)
      const error = await refused(store.append(stream, numbered(1)), 'EVENTS_STREAM_CLOSED')
      assert.deepEqual(error.details, { stream, state: 'archived' })
    },
  },
  {
    name: 'truncate() erases what is old but for what a snapshot has yet to see, and the stream goes on',
    run: async (store) => {
      const stream = newStream()
      const before = await store.head()
      await store.append(stream, numbered(5))
      await store.writeSnapshot(stream, { name: 'sum', version: 1 }, { version: 2, state: 3 })
      await refused(store.truncate(stream, 4), 'EVENTS_ERASURE_REFUSED')
      await store.writeSnapshot(stream, { name: 'sum', version: 1 }, { version: 3, state: 6 })
      assert.equal(await store.truncate(stream, 4), 3)
      assert.equal(await store.truncate(stream, 4), 0)
      assert.deepEqual(
        (await store.readStream(stream)).events.map(({ version }) => version),
        [4, 5],
      )
      assert.deepEqual(
        (await store.readFeed(before)).events.map(({ version }) => version),
        [4, 5],
      )
      assert.deepEqual(await store.readSnapshot(stream, { name: 'sum', version: 1 }), { version: 3, state: 6 })
      assert.equal((await store.append(stream, numbered(1), { expected: 5 })).version, 6)
    },
  },
  {
    name: 'tombstone() erases a stream, closes it for ever and leaves others alone',
    run: async (store) => {
      const [stream, other] = [newStream(), newStream()]
      const before = await store.head()
      const events = [{ type: 'Private', id: randomUUID(), data: { name: 'Ada' } }]
      const first = await store.append(stream, events)
      await store.append(other, numbered(1))
      assert.equal(await store.tombstone(stream), 1)
      assert.equal(await store.tombstone(stream), 0)
      assert.deepEqual(await store.readStream(stream), { stream, version: 1, state: 'tombstoned', events: [] })
      assert.deepEqual(
        (await store.readFeed(before)).events.map((event) => event.stream),
        [other],
      )
      for (const expected of ['any', 'none', 'exists', 1] as const)
        await refused(store.append(stream, numbered(1), { expected }), 'EVENTS_STREAM_CLOSED')
      // A repeat is still recognised.
      assert.deepEqual(await store.append(stream, events), { ...first, isRepeat: true })
      await refused(store.tombstone(newStream()), 'EVENTS_STREAM_NOT_FOUND')
    },
  },
]

const snapshots: readonly EventStoreCase[] = [
  {
    name: 'readSnapshot() gives the newest state of a shape, and drops those of an earlier one',
    run: async (store) => {
      const stream = newStream()
      const shape = { name: 'order', version: 2 }
      assert.equal(await store.readSnapshot(stream, shape), undefined)
      await store.writeSnapshot(stream, shape, { version: 10, state: { total: 5, text: '\u0000 "' } })
      await store.writeSnapshot(stream, shape, { version: 7, state: { total: 1 } })
      assert.deepEqual(await store.readSnapshot(stream, shape), { version: 10, state: { total: 5, text: '\u0000 "' } })
      assert.equal(await store.readSnapshot(stream, { ...shape, name: 'other' }), undefined)
      // Older code that runs beside neither reads nor replaces it.
      assert.equal(await store.readSnapshot(stream, { ...shape, version: 1 }), undefined)
      await store.writeSnapshot(stream, { ...shape, version: 1 }, { version: 20, state: {} })
      assert.equal((await store.readSnapshot(stream, shape))?.version, 10)
      assert.equal(await store.readSnapshot(stream, { ...shape, version: 3 }), undefined)
      assert.equal(await store.readSnapshot(stream, shape), undefined)
    },
  },
]

export const eventStoreConformance: readonly EventStoreCase[] = [
  ...appending,
  ...repeating,
  ...several,
  ...reading,
  ...ending,
  ...snapshots,
]

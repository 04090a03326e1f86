/** What all message streams must pass, as data so that any test runner can run it. Each case uses topics and sources of its own. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { isError } from '@keelson/kernel'
import type { FeedPosition } from '../store/event-store.ts'
import type { NewMessage } from './message.ts'
import type { Delivery, MessageStreams } from './message-streams.ts'

export interface MessageStreamsCase {
  readonly name: string
  run(streams: MessageStreams): Promise<void>
}

const start: FeedPosition = { position: 0, epoch: 0 }
const at = (position: number, epoch = 1): FeedPosition => ({ position, epoch })

function newTopic(): string {
  return `topic-${randomUUID()}`
}

function message(topic: string, position: number, epoch = 1): NewMessage {
  const body = { number: position, text: 'ä "quoted"\n' }
  return { topic, position, epoch, key: `key-${position % 3}`, type: 'Counted', at: position * 1_000, body }
}

/** Publishes positions 1 … count of a source named as its topic. */
async function filled(streams: MessageStreams, count: number): Promise<string> {
  const topic = newTopic()
  const messages = Array.from({ length: count }, (_, index) => message(topic, index + 1))
  await streams.publish({ source: topic, after: start, next: at(count), messages })
  return topic
}

async function withGroup(streams: MessageStreams, count: number): Promise<string> {
  const topic = await filled(streams, count)
  assert.equal(await streams.createGroup(topic, 'g', start), true)
  return topic
}

async function refused(work: () => Promise<unknown>, code: string): Promise<void> {
  const error = await (async () => work())().then(
    () => assert.fail(`not refused, though ${code} is due`),
    (reason: unknown) => reason,
  )
  assert.ok(isError(error, code), `not ${code}: ${String(error)}`)
}

const ids = (messages: readonly { readonly id: string }[]) => messages.map(({ id }) => id)
const idsOf = (deliveries: readonly Delivery[]) => deliveries.map(({ message: { id } }) => id)
const receiptsOf = (deliveries: readonly Delivery[]) => deliveries.map(({ receipt }) => receipt)

async function stateOf(streams: MessageStreams, topic: string) {
  const [state] = await streams.groups(topic)
  assert.ok(state)
  return state
}

const publishing: readonly MessageStreamsCase[] = [
  {
    name: 'publish() gives messages back as they were, in order and with their own ids',
    run: async (streams) => {
      const topic = await filled(streams, 5)
      const read = await streams.read(topic, start)
      assert.deepEqual(ids(read), ['1-1', '1-2', '1-3', '1-4', '1-5'])
      assert.deepEqual(read[3], { ...message(topic, 4), id: '1-4' })
      assert.deepEqual(ids(await streams.read(topic, at(2), { limit: 2 })), ['1-3', '1-4'])
      assert.deepEqual(await streams.last(topic), at(5))
      assert.deepEqual(await streams.cursor(topic), at(5))
    },
  },
  {
    name: 'publish() changes nothing when the cursor is elsewhere, and says where it is',
    run: async (streams) => {
      const topic = await filled(streams, 3)
      for (const after of [start, at(2), at(4), at(3, 2)]) {
        const next = { epoch: 3, position: 9 }
        const published = await streams.publish({ source: topic, after, next, messages: [message(topic, 8, 3)] })
        assert.deepEqual(published, { isPublished: false, cursor: at(3) })
      }
      assert.equal((await streams.read(topic, start)).length, 3)
    },
  },
  {
    name: 'publish() of several publishers at once leaves each position there once',
    run: async (streams) => {
      const topic = newTopic()
      const publisher = async () => {
        for (let cursor = start; cursor.position < 60; ) {
          const next = at(cursor.position + 5)
          const messages = [1, 2, 3, 4, 5].map((step) => message(topic, cursor.position + step))
          cursor = (await streams.publish({ source: topic, after: cursor, next, messages })).cursor
        }
      }
      await Promise.all([publisher(), publisher(), publisher()])
      const read = await streams.read(topic, start, { limit: 1_000 })
      assert.deepEqual(
        read.map(({ position }) => position),
        Array.from({ length: 60 }, (_, index) => index + 1),
      )
    },
  },
  {
    name: 'publish() moves the cursor over what is published to several topics or to none',
    run: async (streams) => {
      const [source, other] = [newTopic(), newTopic()]
      const messages = [message(source, 2), message(other, 3), message(source, 7)]
      await streams.publish({ source, after: start, next: at(10), messages })
      await streams.publish({ source, after: at(10), next: at(20), messages: [] })
      assert.deepEqual(await streams.cursor(source), at(20))
      assert.deepEqual(ids(await streams.read(source, start)), ['1-2', '1-7'])
      assert.deepEqual(ids(await streams.read(other, start)), ['1-3'])
    },
  },
  {
    name: 'publish() puts lower positions of a later epoch after those of an earlier one',
    run: async (streams) => {
      const topic = await filled(streams, 5)
      await streams.publish({ source: topic, after: at(5), next: at(4, 2), messages: [message(topic, 4, 2)] })
      assert.deepEqual(ids(await streams.read(topic, at(4))), ['1-5', '2-4'])
      assert.deepEqual(await streams.last(topic), at(4, 2))
    },
  },
  {
    name: 'publish() refuses a topic that belongs to another source, and then publishes nothing',
    run: async (streams) => {
      const topic = await filled(streams, 1)
      const [source, own] = [newTopic(), newTopic()]
      const messages = [message(own, 1), message(topic, 2)]
      await refused(() => streams.publish({ source, after: start, next: at(2), messages }), 'MESSAGES_TOPIC_TAKEN')
      assert.deepEqual(await streams.read(own, start), [])
      assert.deepEqual(await streams.cursor(source), start)
    },
  },
  {
    name: 'publish() refuses bad names and positions that do not ascend',
    run: async (streams) => {
      const topic = newTopic()
      const publish = (messages: NewMessage[], next = at(9), source = topic) =>
        refused(() => streams.publish({ source, after: start, next, messages }), 'MESSAGES_INVALID')
      await publish([message(topic, 2), message(topic, 2)])
      await publish([message(topic, 2), message(topic, 1)])
      await publish([message(topic, 10)])
      await publish([message(topic, 1.5)])
      await publish([message('', 1)])
      await publish([message('a b', 1)])
      await publish([message(topic, 1)], at(9), 'x'.repeat(201))
      await publish([], start)
      assert.deepEqual(await streams.read(topic, start), [])
    },
  },
  {
    name: 'read() waits for the first message, and no longer than it is told or wanted',
    run: async (streams) => {
      const topic = await filled(streams, 1)
      assert.deepEqual(await streams.read(topic, at(1), { waitMs: 20 }), [])
      const waiting = streams.read(topic, at(1), { waitMs: 20_000 })
      await streams.publish({ source: topic, after: at(1), next: at(2), messages: [message(topic, 2)] })
      assert.deepEqual(ids(await waiting), ['1-2'])
      const ending = new AbortController()
      const aborted = streams.read(topic, at(2), { waitMs: 20_000, signal: ending.signal })
      ending.abort()
      assert.deepEqual(await aborted, [])
      assert.deepEqual(await streams.read(topic, at(2), { waitMs: 20_000, signal: ending.signal }), [])
    },
  },
]

const groups: readonly MessageStreamsCase[] = [
  {
    name: 'take() gives each message to one consumer of a group, and to each group',
    run: async (streams) => {
      const topic = await withGroup(streams, 10)
      await streams.createGroup(topic, 'other', at(7))
      const first = await streams.take(topic, 'g', 'a', { limit: 4 })
      const second = await streams.take(topic, 'g', 'b', { limit: 100 })
      assert.deepEqual(idsOf(first), ['1-1', '1-2', '1-3', '1-4'])
      assert.equal(second.length, 6)
      assert.deepEqual(await streams.take(topic, 'g', 'a'), [])
      assert.deepEqual(idsOf(await streams.take(topic, 'other', 'a')), ['1-8', '1-9', '1-10'])
      assert.deepEqual(first[0], {
        message: { ...message(topic, 1), id: '1-1' },
        receipt: first[0]?.receipt,
        deliveries: 1,
      })
    },
  },
  {
    name: 'take() waits for the first message, and no longer than it is told or wanted',
    run: async (streams) => {
      const topic = newTopic()
      await streams.createGroup(topic, 'g', start)
      assert.deepEqual(await streams.take(topic, 'g', 'a', { waitMs: 20 }), [])
      const waiting = streams.take(topic, 'g', 'a', { waitMs: 20_000 })
      await streams.publish({ source: topic, after: start, next: at(1), messages: [message(topic, 1)] })
      assert.deepEqual(idsOf(await waiting), ['1-1'])
      const ending = new AbortController()
      const aborted = streams.take(topic, 'g', 'a', { waitMs: 20_000, signal: ending.signal })
      ending.abort()
      assert.deepEqual(await aborted, [])
    },
  },
  {
    name: 'a group that is not there is refused by name; creating it twice, or before its topic, does no harm',
    run: async (streams) => {
      const topic = newTopic()
      const holder = { topic, group: 'g', consumer: 'a' }
      await refused(() => streams.take(topic, 'g', 'a'), 'MESSAGES_GROUP_LOST')
      await refused(() => streams.claim(topic, 'g', 'a', { idleMs: 0 }), 'MESSAGES_GROUP_LOST')
      await refused(() => streams.extend(holder, ['1-1']), 'MESSAGES_GROUP_LOST')
      assert.equal(await streams.createGroup(topic, 'g', start), true)
      assert.equal(await streams.createGroup(topic, 'g', at(5)), false)
      assert.deepEqual(await streams.take(topic, 'g', 'a'), [])
      await streams.publish({ source: topic, after: start, next: at(1), messages: [message(topic, 1)] })
      assert.deepEqual(idsOf(await streams.take(topic, 'g', 'a')), ['1-1'])
      assert.equal(await streams.dropGroup(topic, 'g'), true)
      assert.equal(await streams.dropGroup(topic, 'g'), false)
      await refused(() => streams.take(topic, 'g', 'a', { waitMs: 20_000 }), 'MESSAGES_GROUP_LOST')
      await refused(() => streams.take(topic, 'g h', 'a'), 'MESSAGES_INVALID')
    },
  },
  {
    name: 'acknowledge() ends what was taken, once, and groups() tells how far a group is',
    run: async (streams) => {
      const topic = await withGroup(streams, 5)
      const taken = await streams.take(topic, 'g', 'a', { limit: 3 })
      const [one, two, three] = receiptsOf(taken)
      assert.ok(one && two && three)
      assert.equal(await streams.acknowledge(topic, 'g', [one, three]), 2)
      assert.equal(await streams.acknowledge(topic, 'g', [one]), 0)
      const state = await stateOf(streams, topic)
      assert.deepEqual(
        { ...state, waiting: state.waiting ?? 2 },
        { group: 'g', finished: at(1), taken: at(3), held: 1, waiting: 2, deadLetters: 0 },
      )
      await streams.acknowledge(topic, 'g', [two])
      assert.deepEqual((await stateOf(streams, topic)).finished, at(3))
      assert.deepEqual(await streams.groups(newTopic()), [])
    },
  },
  {
    name: 'claim() takes over what another consumer holds, counts it, and leaves what is not stuck',
    run: async (streams) => {
      const topic = await withGroup(streams, 3)
      await streams.take(topic, 'g', 'dead')
      assert.deepEqual((await streams.claim(topic, 'g', 'b', { idleMs: 60_000 })).deliveries, [])
      const { deliveries, lost } = await streams.claim(topic, 'g', 'b', { idleMs: 0, limit: 2 })
      assert.deepEqual(
        deliveries.map((one) => [one.message.id, one.deliveries]),
        [
          ['1-1', 2],
          ['1-2', 2],
        ],
      )
      assert.deepEqual(lost, [])
      assert.deepEqual(deliveries[0]?.message, { ...message(topic, 1), id: '1-1' })
      const holder = { topic, group: 'g', consumer: 'b' }
      const all = ['1-1', '1-2', '1-3'].map(
        (id) => deliveries.find(({ message: one }) => one.id === id)?.receipt ?? '1-3',
      )
      assert.deepEqual(await streams.extend(holder, all), receiptsOf(deliveries))
      assert.equal((await streams.extend(holder, receiptsOf(deliveries), { isRetry: true })).length, 2)
      const again = await streams.claim(topic, 'g', 'c', { idleMs: 0, limit: 1 })
      assert.deepEqual(
        again.deliveries.map((one) => [one.message.id, one.deliveries]),
        [['1-1', 4]],
      )
      assert.deepEqual(await streams.extend(holder, receiptsOf(again.deliveries)), [])
    },
  },
  {
    name: 'finish() moves a group forward and never back, and makes it when it is not there',
    run: async (streams) => {
      const topic = await filled(streams, 5)
      await streams.finish(topic, 'g', at(3))
      assert.deepEqual((await stateOf(streams, topic)).finished, at(3))
      await streams.finish(topic, 'g', at(2))
      assert.deepEqual((await stateOf(streams, topic)).finished, at(3))
      await streams.finish(topic, 'g', at(4))
      assert.deepEqual(idsOf(await streams.take(topic, 'g', 'a')), ['1-5'])
    },
  },
]

const deathAndAfter: readonly MessageStreamsCase[] = [
  {
    name: 'bury() keeps a message with its reason, and replay() gives it to the same group alone',
    run: async (streams) => {
      const topic = await withGroup(streams, 4)
      await streams.createGroup(topic, 'other', at(4))
      const holder = { topic, group: 'g', consumer: 'a' }
      const taken = await streams.take(topic, 'g', 'a')
      const [one, two, three] = receiptsOf(taken)
      assert.ok(one && two && three)
      assert.equal(await streams.bury(holder, two, { reason: 'no such "order"', deliveries: 5 }), true)
      assert.equal(await streams.bury(holder, two, { reason: 'again', deliveries: 5 }), false)
      assert.equal(await streams.bury({ ...holder, consumer: 'b' }, one, { reason: 'not his', deliveries: 1 }), false)
      assert.equal(await streams.bury(holder, three, { reason: 'another', deliveries: 1 }), true)
      const dead = await streams.deadLetters(topic, 'g')
      assert.deepEqual(
        dead.map(({ message: letter, reason, deliveries }) => [letter, reason, deliveries]),
        [
          [{ ...message(topic, 2), id: '1-2' }, 'no such "order"', 5],
          [{ ...message(topic, 3), id: '1-3' }, 'another', 1],
        ],
      )
      assert.ok(dead[0] && dead[1] && Math.abs(dead[0].at.getTime() - dead[1].at.getTime()) < 60_000)
      assert.deepEqual(ids(await streams.deadLetters(topic, 'g', { limit: 1 })), [dead[0].id])
      assert.deepEqual(ids(await streams.deadLetters(topic, 'g', { after: dead[0].id })), [dead[1].id])
      assert.equal((await stateOf(streams, topic)).deadLetters, 2)

      assert.equal(await streams.replay(topic, 'g', [dead[0].id]), 1)
      assert.equal(await streams.replay(topic, 'g', [dead[0].id]), 0)
      assert.deepEqual(ids(await streams.deadLetters(topic, 'g')), [dead[1].id])
      assert.deepEqual(await streams.take(topic, 'other', 'a'), [])
      const [again] = await streams.take(topic, 'g', 'a')
      assert.deepEqual([again?.message, again?.deliveries], [{ ...message(topic, 2), id: '1-2' }, 1])
      assert.ok(again)
      const claimed = await streams.claim(topic, 'g', 'b', { idleMs: 0, limit: 10 })
      assert.ok(idsOf(claimed.deliveries).includes('1-2'))
      assert.equal(
        await streams.bury({ ...holder, consumer: 'b' }, again.receipt, { reason: 'still', deliveries: 2 }),
        true,
      )
      const [, last] = await streams.deadLetters(topic, 'g')
      assert.deepEqual([last?.message.id, last?.reason], ['1-2', 'still'])
      await streams.replay(topic, 'g', last ? [last.id] : [])
      const [twice] = await streams.take(topic, 'g', 'a')
      assert.equal(await streams.acknowledge(topic, 'g', twice ? [twice.receipt] : []), 1)
      assert.deepEqual(await streams.take(topic, 'g', 'a'), [])
    },
  },
  {
    name: 'trim() keeps what is wanted by number and by time',
    run: async (streams) => {
      const topic = await filled(streams, 10)
      assert.deepEqual(await streams.trim(topic, { entries: 8 }), { removed: 2 })
      assert.deepEqual(await streams.trim(topic, { since: 5_000 }), { removed: 2 })
      assert.deepEqual(await streams.trim(topic, { entries: 100, since: 0 }), { removed: 0 })
      assert.equal((await streams.read(topic, start))[0]?.id, '1-5')
      assert.deepEqual(await streams.trim(topic, { entries: 0 }), { removed: 6 })
      assert.deepEqual(await streams.last(topic), at(10))
      assert.deepEqual(await streams.trim(newTopic(), { entries: 0 }), { removed: 0 })
    },
  },
  {
    name: 'trim() takes nothing that a group has yet to finish, and says which group',
    run: async (streams) => {
      const topic = await withGroup(streams, 10)
      assert.deepEqual(await streams.trim(topic, { entries: 0 }), { removed: 0, heldBy: 'g' })
      const taken = await streams.take(topic, 'g', 'a', { limit: 6 })
      await streams.acknowledge(topic, 'g', receiptsOf(taken).toSpliced(3, 1))
      assert.deepEqual(await streams.trim(topic, { since: 9_000 }), { removed: 3, heldBy: 'g' })
      await streams.acknowledge(topic, 'g', receiptsOf(taken).slice(3, 4))
      assert.deepEqual(await streams.trim(topic, { entries: 0 }), { removed: 3, heldBy: 'g' })
      assert.deepEqual(idsOf(await streams.take(topic, 'g', 'a')), ['1-7', '1-8', '1-9', '1-10'])
    },
  },
  {
    name: 'trim() removes thousands, and a dead letter outlives its message',
    run: async (streams) => {
      const topic = newTopic()
      for (let from = 0; from < 3_000; from += 500) {
        const messages = Array.from({ length: 500 }, (_, index) => message(topic, from + index + 1))
        const after = from === 0 ? start : at(from)
        await streams.publish({ source: topic, after, next: at(from + 500), messages })
      }
      await streams.createGroup(topic, 'g', start)
      const [first] = await streams.take(topic, 'g', 'a', { limit: 1 })
      await streams.bury({ topic, group: 'g', consumer: 'a' }, first?.receipt ?? '', { reason: 'bad', deliveries: 1 })
      await streams.finish(topic, 'g', at(2_990))
      assert.deepEqual(await streams.trim(topic, { entries: 5 }), { removed: 2_990, heldBy: 'g' })
      assert.equal((await streams.deadLetters(topic, 'g'))[0]?.message.id, '1-1')
    },
  },
]

export const messageStreamsConformance: readonly MessageStreamsCase[] = [...publishing, ...groups, ...deathAndAfter]

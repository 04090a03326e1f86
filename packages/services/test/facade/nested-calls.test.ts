/** The context of a call reaches the calls it makes, and their keys come from its own, whatever lies between. */
import {
  type CallContext,
  command,
  createCall,
  currentCall,
  defineContract,
  deriveCall,
  namedCall,
  query,
  runInCall,
  subscription,
} from '@keelson/kernel'
import { createFakeClock } from '@keelson/kernel/testing'
import { breaker, bulkhead, cache, deadline, fallback, hedge, idempotent, retry } from '@keelson/resilience'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { defineService } from '../../src/service/service.ts'
import { startForTest } from '../../src/testing.ts'
import { later, outcome } from './backend.ts'
import { busy } from './busy.ts'

const Text = z.string()
const Texts = z.array(z.string())
const Inner = defineContract('inner', '1.0.0', {
  who: query({ output: Text }),
  each: subscription({ output: Text }),
  key: command({ output: Text }),
  other: command({ output: Text }),
})
const inners = {
  bare: query({ output: Text }),
  policed: query({ output: Text }, deadline('5s'), retry(), breaker(), bulkhead()),
  hedged: query({ output: Text }, hedge()),
  cached: query({ output: Text }, cache()),
  instead: query(
    { output: Text },
    fallback(() => askInner()),
  ),
  stream: subscription({ output: Text }),
}
const Outer = defineContract('outer', '1.0.0', inners)
/** What a fallback does is not given the facades of its service. */
let askInner = (): Promise<string> => Promise.resolve('')

/** A context with a part that a later version adds to the origin. */
function callWithMore(options: Parameters<typeof createCall>[0] = {}): CallContext {
  const call = createCall({ correlationId: 'job-7', subject: 'ada', ...options })
  return deriveCall(call, { origin: Object.freeze({ ...call.origin, realm: 'north' }) })
}

function describeCall({ origin, caller, signal, deadlineAt }: CallContext): string {
  const { correlationId, identity, realm } = origin as CallContext['origin'] & { realm?: string }
  const end = `${signal.aborted ? 'aborted' : 'alive'} ${deadlineAt === undefined ? 'endless' : 'bounded'}`
  return `${correlationId} ${identity.subject} ${realm} from ${caller || 'nobody'} ${end}`
}

async function start(sampling = 0) {
  const inner = defineService(Inner, {
    start: () => ({
      who: (_, call) => describeCall(call),
      async *each(_, call) {
        yield describeCall(call)
        yield describeCall(currentCall())
      },
      key: (_, call) => call.key?.text ?? 'none',
      other: (_, call) => call.key?.text ?? 'none',
    }),
  })
  const outer = defineService(Outer, {
    uses: { inner: Inner },
    start: ({ inner }) => {
      askInner = () => inner.who()
      const ask = async () => {
        await Promise.resolve()
        return inner.who()
      }
      return {
        bare: ask,
        policed: ask,
        hedged: ask,
        cached: ask,
        instead: () => Promise.reject(busy()),
        async *stream() {
          yield await inner.who()
          yield* inner.each()
        },
      }
    },
  })
  const system = await startForTest({ services: [inner, outer], config: { telemetry: { sampling } } })
  return { system, outer: system.get(Outer), [Symbol.asyncDispose]: () => system.close() }
}

describe('the context of a call', () => {
  const asGiven = 'job-7 ada north from outer alive bounded'

  it.each([0, 1])('reaches nested calls, given or found, under every policy (sampling %i)', async (sampling) => {
    await using running = await start(sampling)
    const call = callWithMore({ deadlineAt: performance.now() + 60_000 })
    for (const name of ['bare', 'policed', 'hedged', 'instead'] as const) {
      expect(await running.outer[name](undefined, call), name).toBe(asGiven)
      expect(await runInCall(call, () => running.outer[name]()), name).toBe(asGiven)
    }
    // An answer for a cache is made for its reader, but nobody's end is its end.
    expect(await running.outer.cached(undefined, call)).toBe(asGiven)
    const items: string[] = []
    for await (const item of running.outer.stream(undefined, call)) items.push(item)
    expect(items.slice(0, 2)).toEqual([asGiven, asGiven])
    expect(items[2]).toMatch(/^job-7 ada north /)
  })

  it('may be given in part, and the rest is that of the current one', async () => {
    await using running = await start()
    const signal = AbortSignal.abort()
    await runInCall(callWithMore(), async () => {
      expect(await running.outer.bare(undefined, { signal })).toBe('job-7 ada north from outer aborted endless')
      const spread = { ...currentCall(), deadlineAt: performance.now() + 60_000 }
      expect(await running.outer.bare(undefined, spread)).toBe(asGiven)
    })
  })

  it('is that of the call itself where it waited for the end of another, and where its time ran out', async () => {
    const clock = createFakeClock()
    const answers = [later<void>(), later<void>()]
    const found: string[] = []
    const Queue = defineContract('queue', '1.0.0', {
      one: query({}, bulkhead({ concurrency: 1, queue: 5 })),
      late: query(
        { output: Text },
        deadline('1s'),
        fallback(() => askInner()),
      ),
      alive: query({ output: Text }),
    })
    const queue = defineService(Queue, {
      start: () => ({
        one: async () => {
          found.push(currentCall().origin.correlationId)
          await answers[found.length - 1]?.promise
        },
        late: (_, { signal }) =>
          new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
        alive: (_, call) => `${call.origin.correlationId} ${call.signal.aborted}`,
      }),
    })
    await using system = await startForTest({ services: [queue], clock })
    const { one, late, alive } = system.get(Queue)
    askInner = () => alive()
    const calls = ['a', 'b'].map((correlationId) => one(undefined, createCall({ correlationId })))
    for (const answer of answers) answer.resolve()
    await Promise.all(calls)
    expect(found).toEqual(['a', 'b'])
    const called = late(undefined, createCall({ correlationId: 'c' }))
    await clock.advance(1_100)
    expect(await called).toBe('c false')
  })
})

describe('the key of a call', () => {
  const Work = defineContract('work', '1.0.0', {
    plain: command({ output: Texts }),
    policed: command({ output: Texts }, deadline('1m'), breaker(), bulkhead()),
    repeated: command({ output: Texts }, idempotent(), retry({ initial: 1 })),
    deeper: command({ output: Texts }),
  })

  async function startWork() {
    const runs: string[][] = []
    const inner = defineService(Inner, {
      start: () => ({
        who: () => '',
        each: async function* () {},
        key: (_, call) => call.key?.text ?? 'none',
        other: (_, call) => call.key?.text ?? 'none',
      }),
    })
    const work = defineService(Work, {
      uses: { inner: Inner },
      start: ({ inner }) => {
        const ask = async (_: void, call: CallContext) => {
          const keys = [await inner.key(), await inner.key(undefined, call), await inner.other()]
          runs.push(keys)
          return keys
        }
        return {
          plain: ask,
          policed: ask,
          repeated: async (input, call) => {
            const keys = await ask(input, call)
            if (runs.length % 3 !== 0) throw busy()
            return keys
          },
          deeper: async (_, call) => [
            call.key?.text ?? 'none',
            ...(await Promise.all(
              (runs.length % 2 ? ['sail', 'rope'] : ['rope', 'sail'])
                .map((name) => inner.key(undefined, namedCall(call, name)))
                .toReversed(),
            )),
          ],
        }
      },
    })
    const clock = createFakeClock()
    const system = await startForTest({ services: [inner, work], clock })
    return { system, clock, runs, work: system.get(Work), [Symbol.asyncDispose]: () => system.close() }
  }

  it('gives each nested call its own, the same in each repetition, given or found', async () => {
    await using running = await startWork()
    const call = createCall({ key: 'order-1' })
    const keys = await running.work.plain(undefined, call)
    expect(new Set(keys).size).toBe(3)
    expect(await running.work.plain(undefined, call)).toEqual(keys)
    expect(await running.work.policed(undefined, call)).toEqual(keys)
    expect(await running.work.plain(undefined, createCall({ key: 'order-2' }))).not.toEqual(keys)
    expect(await running.work.plain()).toEqual(['none', 'none', 'none'])
  })

  it('counts nested calls anew in each try', async () => {
    await using running = await startWork()
    const called = outcome(running.work.repeated(undefined, createCall({ key: 'order-1' })))
    for (let i = 0; i < 4; i++) await running.clock.advance(1_000)
    const keys = await called
    expect(running.runs).toEqual([keys, keys, keys])
    expect(new Set(running.runs[0]).size).toBe(3)
  })

  it('tells nested calls apart by name where one is given', async () => {
    await using running = await startWork()
    const call = createCall({ key: 'order-1' })
    const [own, ...named] = await running.work.deeper(undefined, call)
    expect(own).toBe('order-1')
    running.runs.push([])
    const [, ...again] = await running.work.deeper(undefined, call)
    expect(new Set(named).size).toBe(2)
    expect(again.toReversed()).toEqual(named)
  })

  it('is that of one call: calls of a job that runs under it are told apart', async () => {
    await using running = await startWork()
    const { plain } = running.work
    const job = () => runInCall(createCall({ key: 'nightly' }), async () => [await plain(), await plain()])
    const [first, second] = await job()
    expect(first).not.toEqual(second)
    expect(await job()).toEqual([first, second])
  })
})

import {
  type CallContext,
  command,
  createCall,
  defineContract,
  defineErrors,
  deriveCall,
  query,
  rootCall,
} from '@keelson/kernel'
import { createFakeClock } from '@keelson/kernel/testing'
import {
  around,
  breaker,
  bulkhead,
  cache,
  deadline,
  fallback,
  flag,
  idempotent,
  invalidates,
  PoliciesConfig,
  rateLimit,
  retry,
} from '@keelson/resilience'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { Registry } from '../../src/registry/registry.ts'
import { defineService } from '../../src/service/service.ts'
import { startForTest } from '../../src/testing.ts'
import { later, outcome, startBackend } from './backend.ts'
import { busy } from './busy.ts'

const errors = defineErrors({
  BUSY_UNTIL: {
    kind: 'unavailable',
    retryable: true,
    when: 'In tests.',
    message: (_: { retryAfterMs: number }) => 'Busy for a while',
  },
  BROKEN: { kind: 'unavailable', when: 'In tests.', message: (_: object) => 'Broken' },
  UNKNOWN: { kind: 'not-found', when: 'In tests.', message: (_: object) => 'Unknown' },
})

describe('a deadline', () => {
  it('answers the caller in time, aborts the implementation, and lets what comes later go', async () => {
    const answer = later<{ n: number }>()
    let signal: AbortSignal | undefined
    await using backend = await startBackend([deadline('1s')], (_, call) => {
      signal = call.signal
      return answer.promise
    })
    const call = outcome(backend.fetch())
    await backend.clock.advance(999)
    expect(signal?.aborted).toBe(false)
    await backend.clock.advance(30)
    expect(await call).toBe('DEADLINE_EXCEEDED')
    expect(signal?.aborted).toBe(true)
    answer.resolve({ n: 1 })
    expect(backend.state().deadline).toEqual({ exceeded: 1 })
  })

  it('shorter than a sweep passes on time', async () => {
    await using backend = await startBackend([deadline(5)], () => new Promise(() => {}))
    const long = outcome(backend.fetch(0, deriveCall(rootCall, { deadlineAt: 4 })))
    const short = outcome(backend.fetch(1))
    await backend.clock.advance(8)
    expect(await Promise.all([long, short])).toEqual(['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED'])
  })

  it('refuses a call whose caller no longer waits, without running it', async () => {
    let runs = 0
    await using backend = await startBackend([deadline('1s')], () => ({ n: ++runs }))
    await backend.clock.advance(100)
    expect(await outcome(backend.fetch(0, deriveCall(rootCall, { deadlineAt: 50 })))).toBe('DEADLINE_EXCEEDED')
    expect(runs).toBe(0)
  })

  it('is what is left of it for the calls that the implementation makes, named or not', async () => {
    const Inner = defineContract('inner', '1.0.0', { left: query({ output: z.number() }, deadline('10s')) })
    const Outer = defineContract('outer', '1.0.0', {
      look: query({ output: z.array(z.number()) }, deadline('2s')),
    })
    const clock = createFakeClock()
    const inner = defineService(Inner, {
      start: () => ({ left: (_: unknown, call: CallContext) => (call.deadlineAt ?? 0) - clock.monotonic() }),
    })
    const outer = defineService(Outer, {
      uses: { inner: Inner },
      start: ({ inner, clock }) => ({
        look: async (_: unknown, call: CallContext) => {
          await clock.sleep(500)
          return [await inner.left(), await inner.left(undefined, call), await inner.left(undefined, rootCall)]
        },
      }),
    })
    await using system = await startForTest({ services: [inner, outer], clock })
    const looked = system.get(Outer).look()
    await clock.advance(500)
    expect(await looked).toEqual([1500, 1500, 10_000])
  })
})

describe('a retry', () => {
  const failing = (times: number, error: () => Error) => {
    let tries = 0
    return { tries: () => tries, run: () => (++tries <= times ? Promise.reject(error()) : { n: tries }) }
  }

  it('tries again after a random part of a wait that doubles', async () => {
    const { run, tries } = failing(2, () => busy())
    await using backend = await startBackend([retry({ initial: '100ms' })], run)
    const call = backend.fetch()
    await backend.clock.advance(0)
    await backend.clock.advance(49)
    expect(tries()).toBe(1)
    await backend.clock.advance(1)
    expect(tries()).toBe(2)
    await backend.clock.advance(100)
    expect(await call).toEqual({ n: 3 })
    expect(backend.state().retry).toMatchObject({ retries: 2, exhausted: 0 })
  })

  it.each([
    ['an error that is not retryable', () => errors.BROKEN({})],
    ['an error without a name', () => new Error('plain')],
  ])('does not repeat %s', async (_, error) => {
    const { run, tries } = failing(1, error)
    await using backend = await startBackend([retry()], run)
    await outcome(backend.fetch())
    expect(tries()).toBe(1)
  })

  it('waits as long as the error asks, and not at all when the deadline comes first', async () => {
    const { run, tries } = failing(1, () => errors.BUSY_UNTIL({ retryAfterMs: 700 }))
    await using backend = await startBackend([retry(), deadline('1s')], run)
    const call = backend.fetch()
    await backend.clock.advance(0)
    await backend.clock.advance(699)
    expect(tries()).toBe(1)
    await backend.clock.advance(1)
    expect(await call).toEqual({ n: 2 })
    const hasty = failing(1, () => errors.BUSY_UNTIL({ retryAfterMs: 1001 }))
    await using other = await startBackend([retry(), deadline('1s')], hasty.run)
    expect(await outcome(other.fetch())).toBe('BUSY_UNTIL')
    // A try that the deadline forbids is none, and costs nothing of the budget.
    expect(other.state().retry).toEqual({ retries: 0, exhausted: 0, tokens: 10 })
  })

  it('repeats a command only when it is declared idempotent, whatever key a call brings', async () => {
    for (const { saves, call, tries } of [
      { saves: [retry({ initial: 1 })], call: rootCall, tries: 1 },
      { saves: [retry({ initial: 1 })], call: createCall({ key: 'k' }), tries: 1 },
      { saves: [retry({ initial: 1 }), idempotent()], call: rootCall, tries: 2 },
    ]) {
      const subject = failing(1, () => busy())
      await using backend = await startBackend([], subject.run, { saves })
      const saved = outcome(backend.save(0, call))
      await backend.clock.advance(0)
      await backend.clock.advance(10)
      await saved
      expect(subject.tries()).toBe(tries)
    }
  })

  it('stops when the caller gives up', async () => {
    const caller = new AbortController()
    await using backend = await startBackend([retry({ initial: '1h', longest: '1h' })], () => Promise.reject(busy()))
    const call = outcome(backend.fetch(0, deriveCall(rootCall, { signal: caller.signal })))
    await backend.clock.advance(1)
    caller.abort()
    expect(await call).toBe('CALL_CANCELLED')
  })
})

describe('a breaker', () => {
  it('opens after failures in a row, tries one call after a while, and closes when that succeeds', async () => {
    let isWell = false
    let runs = 0
    await using backend = await startBackend([breaker({ consecutive: 3, openFor: '5s' })], () => {
      runs++
      return isWell ? { n: 1 } : Promise.reject(busy())
    })
    for (let i = 0; i < 3; i++) await outcome(backend.fetch())
    await expect(backend.fetch()).rejects.toMatchObject({ code: 'CIRCUIT_OPEN', details: { retryAfterMs: 5000 } })
    expect(runs).toBe(3)
    expect(await backend.host.health()).toMatchObject({
      status: 'degraded',
      checks: { 'fetch breaker': { status: 'degraded', message: 'open, refused 1 calls so far' } },
    })
    await backend.clock.advance(5000)
    expect(await outcome(backend.fetch())).toBe('BUSY')
    expect(await outcome(backend.fetch())).toBe('CIRCUIT_OPEN')
    isWell = true
    await backend.clock.advance(5000)
    expect(await Promise.all([outcome(backend.fetch()), outcome(backend.fetch())])).toEqual([{ n: 1 }, { n: 1 }])
    expect(backend.state().breaker).toMatchObject({ state: 'closed', opened: 2 })
  })

  it('learns nothing from a call that was admitted before it opened', async () => {
    const answers: ReturnType<typeof later<{ n: number }>>[] = []
    await using backend = await startBackend([breaker({ consecutive: 1, openFor: '1s' })], () => {
      const answer = later<{ n: number }>()
      answers.push(answer)
      return answer.promise
    })
    const [slow, slower, failing] = [0, 1, 2].map((id) => outcome(backend.fetch(id)))
    answers[2]?.reject(busy())
    await failing
    await backend.clock.advance(1000)
    const probe = outcome(backend.fetch(3))
    await backend.clock.advance(0)
    answers[0]?.resolve({ n: 0 })
    expect(await slow).toEqual({ n: 0 })
    expect(backend.state().breaker).toMatchObject({ state: 'half-open', opened: 1 })
    answers[1]?.reject(busy())
    await slower
    expect(backend.state().breaker).toMatchObject({ state: 'half-open', opened: 1 })
    expect(await outcome(backend.fetch(4))).toBe('CIRCUIT_OPEN')
    answers[3]?.resolve({ n: 3 })
    await probe
    expect(backend.state().breaker?.state).toBe('closed')
  })

  it('lets only so many calls probe at the same time', async () => {
    let answer = later<{ n: number }>()
    await using backend = await startBackend([breaker({ consecutive: 1, openFor: '1s' })], () => answer.promise)
    answer.reject(busy())
    await outcome(backend.fetch())
    answer = later()
    await backend.clock.advance(1000)
    const probe = backend.fetch()
    expect(await outcome(backend.fetch())).toBe('CIRCUIT_OPEN')
    answer.resolve({ n: 1 })
    expect(await probe).toEqual({ n: 1 })
    expect(backend.state().breaker?.state).toBe('closed')
  })

  it('opens at a share of failures within its window, which slides', async () => {
    let fails = true
    await using backend = await startBackend(
      [breaker({ consecutive: 1000, rate: 0.5, minimum: 10, over: '10s' })],
      () => (fails ? Promise.reject(busy()) : { n: 1 }),
    )
    for (let i = 0; i < 9; i++) await outcome(backend.fetch())
    await backend.clock.advance(20_000)
    fails = false
    for (let i = 0; i < 6; i++) await backend.fetch()
    fails = true
    for (let i = 0; i < 5; i++) await outcome(backend.fetch())
    expect(backend.state().breaker?.state).toBe('closed')
    await outcome(backend.fetch())
    expect(backend.state().breaker?.state).toBe('open')
  })

  it("does not count what is the caller's fault", async () => {
    await using backend = await startBackend([breaker({ consecutive: 2 })], () => Promise.reject(errors.UNKNOWN({})))
    for (let i = 0; i < 5; i++) expect(await outcome(backend.fetch())).toBe('UNKNOWN')
  })

  it('counts a call that its deadline ended as a failure, whatever it answers later', async () => {
    const answer = later<{ n: number }>()
    await using backend = await startBackend([deadline(100), breaker({ consecutive: 1 })], () => answer.promise)
    const call = outcome(backend.fetch())
    await backend.clock.advance(150)
    answer.resolve({ n: 1 })
    expect(await call).toBe('DEADLINE_EXCEEDED')
    expect(await outcome(backend.fetch())).toBe('CIRCUIT_OPEN')
    expect(backend.host.metrics()['fetch']).toEqual({ calls: 2, failures: 2 })
  })
})

describe('a bulkhead', () => {
  it('runs so many, lets so many wait in order, and refuses the rest', async () => {
    const answers: ReturnType<typeof later<{ n: number }>>[] = []
    const started: number[] = []
    await using backend = await startBackend([bulkhead({ concurrency: 2, queue: 2 })], ({ id }) => {
      started.push(id)
      const answer = later<{ n: number }>()
      answers.push(answer)
      return answer.promise
    })
    const calls = [0, 1, 2, 3, 4].map((id) => outcome(backend.fetch(id)))
    expect(await calls[4]).toBe('BULKHEAD_FULL')
    expect(started).toEqual([0, 1])
    expect(backend.state().bulkhead).toEqual({ running: 2, waiting: 2, refused: 1, limit: 2, abandoned: 0 })
    answers[1]?.resolve({ n: 1 })
    await calls[1]
    expect(started).toEqual([0, 1, 2])
    answers[0]?.reject(errors.BROKEN({}))
    answers[2]?.resolve({ n: 2 })
    await Promise.all([calls[0], calls[2]])
    answers[3]?.resolve({ n: 3 })
    expect(await Promise.all(calls)).toEqual(['BROKEN', { n: 1 }, { n: 2 }, { n: 3 }, 'BULKHEAD_FULL'])
    expect(backend.state().bulkhead).toMatchObject({ running: 0, waiting: 0 })
  })

  it('forgets who waits when the deadline passes or the caller gives up', async () => {
    await using backend = await startBackend(
      [deadline(100), bulkhead({ concurrency: 1, queue: 5 })],
      () => new Promise(() => {}),
    )
    const caller = new AbortController()
    const calls = [
      outcome(backend.fetch(0)),
      outcome(backend.fetch(1)),
      outcome(backend.fetch(2, deriveCall(rootCall, { signal: caller.signal }))),
    ]
    caller.abort()
    expect(await calls[2]).toBe('CALL_CANCELLED')
    expect(backend.state().bulkhead?.waiting).toBe(1)
    await backend.clock.advance(150)
    expect(await Promise.all(calls)).toEqual(['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED', 'CALL_CANCELLED'])
    // What hangs still holds its place: that is what the bound is for.
    expect(backend.state().bulkhead).toMatchObject({ running: 1, waiting: 0 })
  })
})

describe('a rate limit', () => {
  it('lets a burst through, then one call each interval, and says when to come back', async () => {
    await using backend = await startBackend([rateLimit({ limit: 10, per: '1s', burst: 2 })], () => ({ n: 1 }))
    await backend.fetch()
    await backend.fetch()
    await expect(backend.fetch()).rejects.toMatchObject({
      code: 'RATE_LIMITED',
      kind: 'rate-limited',
      details: { retryAfterMs: 100 },
    })
    await backend.clock.advance(100)
    expect(await outcome(backend.fetch())).toEqual({ n: 1 })
    expect(await outcome(backend.fetch())).toBe('RATE_LIMITED')
  })

  it('is one for each subject when asked', async () => {
    await using backend = await startBackend([rateLimit({ limit: 1, by: 'subject' })], () => ({ n: 1 }))
    const outcomes = ['ann', 'bob', 'ann'].map((subject) => outcome(backend.fetch(0, createCall({ subject }))))
    expect(await Promise.all(outcomes)).toEqual([{ n: 1 }, { n: 1 }, 'RATE_LIMITED'])
  })
})

describe('a fallback', () => {
  it('answers for trouble, and not for what the caller did wrong', async () => {
    let error = errors.BROKEN({})
    const instead = fallback((input: { id: number }) => ({ n: -input.id }))
    await using backend = await startBackend([instead], () => Promise.reject(error))
    expect(await backend.fetch(7)).toEqual({ n: -7 })
    error = errors.UNKNOWN({})
    expect(await outcome(backend.fetch())).toBe('UNKNOWN')
    expect(backend.state().fallback).toEqual({ answered: 1 })
  })

  it('that throws is the failure of the call', async () => {
    const instead = fallback(() => {
      throw errors.UNKNOWN({})
    })
    await using backend = await startBackend([instead], () => Promise.reject(errors.BROKEN({})))
    expect(await outcome(backend.fetch())).toBe('UNKNOWN')
  })

  it('can be turned off', async () => {
    const instead = fallback(() => ({ n: 0 }))
    const config = { policies: { services: { backend: { fallback: false } } } }
    await using backend = await startBackend([instead], () => Promise.reject(errors.BROKEN({})), { config })
    expect(await outcome(backend.fetch())).toBe('BROKEN')
  })
})

describe('a cache', () => {
  it('keeps answers for their time, by input and subject, and counts', async () => {
    let made = 0
    await using backend = await startBackend([cache({ ttl: '10s' })], () => ({ n: ++made }))
    const ask = async (id: number, subject?: string) => (await backend.fetch(id, createCall({ subject }))).n
    expect([await ask(1), await ask(1), await ask(2), await ask(1, 'ann')]).toEqual([1, 1, 2, 3])
    await backend.clock.advance(10_000)
    expect(await ask(1)).toBe(4)
    expect(backend.state().cache).toEqual({ hits: 1, misses: 4, stale: 0 })
  })

  it('makes each answer once, however many ask', async () => {
    const answer = later<{ n: number }>()
    let made = 0
    await using backend = await startBackend([cache()], () => {
      made++
      return answer.promise
    })
    const calls = Array.from({ length: 1000 }, () => backend.fetch())
    answer.resolve({ n: 1 })
    expect(new Set((await Promise.all(calls)).map(({ n }) => n))).toEqual(new Set([1]))
    expect(made).toBe(1)
  })

  it('makes an answer under its own deadline, while each who waits for it leaves as his own caller does', async () => {
    const answer = later<{ n: number }>()
    const calls: CallContext[] = []
    await using backend = await startBackend([cache()], (_, call) => {
      calls.push(call)
      return answer.promise
    })
    const leaving = new AbortController()
    const hasty = outcome(backend.fetch(0, deriveCall(rootCall, { deadlineAt: 50 })))
    const left = outcome(backend.fetch(0, deriveCall(rootCall, { signal: leaving.signal })))
    const patient = outcome(backend.fetch())
    leaving.abort()
    expect(await left).toBe('CALL_CANCELLED')
    await backend.clock.advance(80)
    expect([await hasty, calls.length, calls[0]?.signal.aborted]).toEqual(['DEADLINE_EXCEEDED', 1, false])
    answer.resolve({ n: 2 })
    expect(await patient).toEqual({ n: 2 })
  })

  it.each([
    ['the deadline of the operation', [deadline('1s')]],
    ['the time that making an answer may take', []],
  ])('ends a making that hangs by %s, in the background too', async (_, annotations) => {
    let made = 0
    let hangs = true
    await using backend = await startBackend(
      [...annotations, cache({ ttl: '10s', refreshAhead: 0.5, within: '1s' })],
      () => (++made && hangs ? new Promise(() => {}) : { n: made }),
    )
    const hanging = [outcome(backend.fetch()), outcome(backend.fetch())]
    await backend.clock.advance(1100)
    expect(await Promise.all(hanging)).toEqual(['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED'])
    hangs = false
    expect(await backend.fetch()).toEqual({ n: 2 })
    await backend.clock.advance(6000)
    hangs = true
    expect([await backend.fetch(), made]).toEqual([{ n: 2 }, 3])
    hangs = false
    // The refresh hangs; nobody waits for it once the answer at hand is too old, and it ends.
    await backend.clock.advance(4000)
    expect([await backend.fetch(), await backend.fetch()]).toEqual([{ n: 4 }, { n: 4 }])
  })

  it('answers with what it has within the grace when there is nothing newer to be had', async () => {
    let isWell = true
    await using backend = await startBackend([cache({ ttl: '1s', grace: '1m' })], () =>
      isWell ? { n: 1 } : Promise.reject(errors.BROKEN({})),
    )
    await backend.fetch()
    isWell = false
    await backend.clock.advance(30_000)
    expect(await backend.fetch()).toEqual({ n: 1 })
    expect(backend.state().cache?.stale).toBe(1)
    await backend.clock.advance(31_000)
    expect(await outcome(backend.fetch())).toBe('BROKEN')
  })

  it('makes a new answer in the background before the old one has passed', async () => {
    let made = 0
    await using backend = await startBackend([cache({ ttl: '10s', refreshAhead: 0.8 })], async () => ({ n: ++made }))
    await backend.fetch()
    await backend.clock.advance(8000)
    expect(await backend.fetch()).toEqual({ n: 1 })
    await backend.clock.advance(2000)
    expect(await backend.fetch()).toEqual({ n: 2 })
    expect(made).toBe(2)
  })

  it('forgets answers by the tags of a command, also one that is being made', async () => {
    let slow: ReturnType<typeof later<{ n: number }>> | undefined
    let made = 0
    await using backend = await startBackend(
      [cache({ tags: (input: { id: number }) => [`doc:${input.id}`] })],
      async () => ({ n: ++made, ...(slow && (await slow.promise)) }),
      { saves: [invalidates((input: { id: number }) => [`doc:${input.id}`])] },
    )
    const first = [(await backend.fetch(1)).n, (await backend.fetch(2)).n]
    await backend.save(1)
    expect([...first, (await backend.fetch(1)).n, (await backend.fetch(2)).n]).toEqual([1, 2, 4, 2])
    slow = later()
    const inFlight = backend.fetch(3)
    const gate = slow
    slow = undefined
    await backend.save(3)
    gate.resolve({ n: 99 })
    expect(await inFlight).toEqual({ n: 99 })
    expect((await backend.fetch(3)).n).not.toBe(99)
  })

  it('shares answers that nobody can change', async () => {
    await using backend = await startBackend([cache()], () => ({ n: 1 }))
    await backend.fetch()
    const kept = await backend.fetch()
    expect(() => Object.assign(kept, { n: 2 })).toThrow(TypeError)
  })

  it('is warm before anybody asks', async () => {
    let made = 0
    await using backend = await startBackend([cache({ warm: [{ id: 1 }, { id: 2 }] })], () => ({ n: ++made }))
    expect(made).toBe(2)
    expect(await backend.fetch(2)).toEqual({ n: 2 })
  })
})

describe('a flag', () => {
  it('opens an operation for whom it is on, and follows the configuration', async () => {
    const config = { flags: { beta: { subjects: ['ann'] } } }
    await using backend = await startBackend([flag('beta')], () => ({ n: 1 }), { config })
    const ask = (subject: string) => outcome(backend.fetch(0, createCall({ subject })))
    expect([await ask('ann'), await ask('bob')]).toEqual([{ n: 1 }, 'OPERATION_DISABLED'])
    await backend.system.configuration.update('flags.beta', true)
    expect(await ask('bob')).toEqual({ n: 1 })
  })
})

describe("a policy of one's own", () => {
  it('runs around each try, inside the others', async () => {
    const seen: string[] = []
    const named = (name: string) =>
      around(async (input: { id: number }, _call, next: () => Promise<{ n: number }>) => {
        seen.push(`${name} ${input.id}`)
        const { n } = await next()
        return { n: n * 10 + 1 }
      })
    await using backend = await startBackend([named('outer'), named('inner'), retry({ initial: 1 })], () => {
      if (seen.length < 4) return Promise.reject(busy())
      return { n: 3 }
    })
    const call = backend.fetch(5)
    await backend.clock.advance(0)
    await backend.clock.advance(10)
    expect(await call).toEqual({ n: 311 })
    expect(seen).toEqual(['outer 5', 'inner 5', 'outer 5', 'inner 5'])
  })
})

describe('chaos', () => {
  const chaos = { share: 0.5, latency: '200ms', error: true }
  const policies = (chaosAllowed: boolean) => ({ policies: { chaosAllowed, services: { backend: { chaos } } } })

  it('strikes nobody unless the configuration allows it', async () => {
    await using backend = await startBackend([], () => ({ n: 1 }), { config: policies(false), random: () => 0 })
    expect(await outcome(backend.fetch())).toEqual({ n: 1 })
  })

  it('strikes a share of the calls with latency and errors', async () => {
    const draws = [0.1, 0.9]
    await using backend = await startBackend([], () => ({ n: 1 }), {
      config: policies(true),
      random: () => draws.shift() ?? 0,
    })
    const struck = outcome(backend.fetch())
    expect(await outcome(backend.fetch())).toEqual({ n: 1 })
    await backend.clock.advance(200)
    expect(await struck).toBe('CHAOS_INJECTED')
    expect(backend.state().chaos).toEqual({ struck: 1 })
  })

  it('strikes the calls of one service only', async () => {
    const Inner = defineContract('inner', '1.0.0', { ask: query({ output: z.number() }) })
    const Outer = defineContract('outer', '1.0.0', { ask: query({ output: z.number() }) })
    const config = {
      policies: { chaosAllowed: true, services: { inner: { chaos: { callers: ['outer'], error: true } } } },
    }
    await using system = await startForTest({
      services: [
        defineService(Inner, { start: () => ({ ask: () => 1 }) }),
        defineService(Outer, { uses: { inner: Inner }, start: ({ inner }) => ({ ask: () => inner.ask() }) }),
      ],
      config: config as never,
    })
    expect(await system.get(Inner).ask()).toBe(1)
    expect(await outcome(system.get(Outer).ask())).toBe('CHAOS_INJECTED')
  })
})

describe('settings', () => {
  it('come from the contract, the configuration of the service and of the operation, each with its origin', async () => {
    const config = {
      policies: {
        defaults: { deadline: '10s', bulkhead: { concurrency: 9 } },
        services: { backend: { retry: { budget: 0.2 }, bulkhead: false, operations: { fetch: { deadline: '1s' } } } },
      },
    }
    await using backend = await startBackend([retry({ attempts: 5 })], () => ({ n: 1 }), { config })
    expect(backend.host.policies()[0]?.policies).toEqual([
      {
        policy: 'deadline',
        settings: [{ name: '', value: '1s', origin: 'policies.services.backend.operations.fetch.deadline' }],
      },
      {
        policy: 'retry',
        settings: [
          { name: 'attempts', value: 5, origin: 'contract' },
          { name: 'initial', value: '50ms', origin: 'default' },
          { name: 'longest', value: '2s', origin: 'default' },
          { name: 'budget', value: 0.2, origin: 'policies.services.backend.retry.budget' },
        ],
      },
    ])
    expect(backend.host.policies()[1]?.policies.map(({ policy }) => policy)).toEqual(['deadline', 'retry'])
  })

  it('change while calls are in flight, which leave through the plan they entered by', async () => {
    const answers: ReturnType<typeof later<{ n: number }>>[] = []
    await using backend = await startBackend([bulkhead({ concurrency: 1, queue: 1 }), deadline('1s')], () => {
      const answer = later<{ n: number }>()
      answers.push(answer)
      return answer.promise
    })
    const calls = [outcome(backend.fetch()), outcome(backend.fetch())]
    await backend.system.configuration.update('policies.services.backend.bulkhead.concurrency', 2)
    expect(answers.length).toBe(2)
    await backend.system.configuration.update('policies.services.backend.bulkhead', false)
    calls.push(outcome(backend.fetch()))
    await backend.system.configuration.update('policies.services.backend', {
      bulkhead: { concurrency: 1, queue: 0 },
      deadline: '5s',
    })
    expect(await outcome(backend.fetch())).toBe('BULKHEAD_FULL')
    answers[0]?.resolve({ n: 1 })
    answers[2]?.resolve({ n: 3 })
    await Promise.all([calls[0], calls[2]])
    await backend.clock.advance(1100)
    expect(await Promise.all(calls)).toEqual([{ n: 1 }, 'DEADLINE_EXCEEDED', { n: 3 }])
    answers[1]?.resolve({ n: 2 })
    await backend.clock.advance(1)
    expect(backend.state().bulkhead).toMatchObject({ running: 0, waiting: 0 })
  })

  it('of a whole service put no command into a cache', async () => {
    let saved = 0
    const config = { policies: { defaults: { cache: { ttl: '1h' } }, services: { backend: { cache: {} } } } }
    await using backend = await startBackend([], () => ({ n: ++saved }), { config })
    expect([await backend.save(), await backend.save(), await backend.fetch(), await backend.fetch()]).toEqual(
      [1, 2, 3, 3].map((n) => ({ n })),
    )
  })

  it('hold for every instance of a service, each with a state of its own', async () => {
    const Backend = defineContract('backend', '1.0.0', { fetch: query({}) })
    const registry = new Registry({
      policies: PoliciesConfig.parse({ services: { backend: { breaker: { consecutive: 1 } } } }),
    })
    const backend = defineService(Backend, { start: () => ({ fetch: () => Promise.reject(busy()) }) })
    for (const instance of ['a', 'b']) registry.register(backend, { instance })
    await registry.start()
    const [a, b] = ['a', 'b'].map((instance) => registry.resolve(Backend, instance))
    expect([await outcome(Promise.resolve(a?.fetch())), await outcome(Promise.resolve(a?.fetch()))]).toEqual([
      'BUSY',
      'CIRCUIT_OPEN',
    ])
    expect(await outcome(Promise.resolve(b?.fetch()))).toBe('BUSY')
  })

  it.each([
    [() => deadline('soon' as never), 'is not a duration'],
    [() => bulkhead({ concurrency: 0 }), 'concurrency'],
    [() => bulkhead({ adaptive: true, least: 9, concurrency: 8 }), 'least: is above `concurrency`'],
    [() => retry({ tries: 3 } as never), 'tries'],
  ])('that make no sense are refused by name', (make, words) => {
    expect(make).toThrow(expect.objectContaining({ code: 'POLICY_INVALID', message: expect.stringContaining(words) }))
  })

  it('for a service that is not there are told of', async () => {
    const config = { policies: { services: { bakend: { deadline: '1s' }, backend: { operations: { fetsh: {} } } } } }
    await using backend = await startBackend([], () => ({ n: 1 }), { config })
    expect(JSON.stringify(backend.system.registry.log)).toBeDefined()
    const log = backend.system.registry.log as unknown as { records: readonly { fields: object; message: string }[] }
    expect(log.records).toContainEqual(
      expect.objectContaining({
        fields: { paths: ['policies.services.bakend', 'policies.services.backend.operations.fetsh'] },
      }),
    )
  })
})

it('a command may not be cached, nor a query invalidate', () => {
  // @ts-expect-error only queries are cached
  command({}, cache({ ttl: '1s' }))
  // @ts-expect-error only commands invalidate
  query({}, idempotent())
})

/** What policies begin ends, whoever leaves and however the implementation answers; and each failure is laid to whose fault it is. */
import {
  type CallContext,
  createCall,
  defineContract,
  deriveCall,
  type ErrorKind,
  KeelsonError,
  query,
  rootCall,
} from '@keelson/kernel'
import { breaker, bulkhead, cache, deadline, fallback, flag, invalidates, rateLimit, retry } from '@keelson/resilience'
import { describe, expect, it } from 'vitest'
import { remoteOverHttp } from '../../src/rest/clients/remote-over-http.ts'
import { http } from '../../src/rest/http.ts'
import { startForTest } from '../../src/testing.ts'
import { later, outcome, startBackend } from './backend.ts'
import { busy } from './busy.ts'

/** As query builders return it: no promise of the language, and its work is done anew whenever `then` is called. */
function lazy<T>(run: () => Promise<T>): Promise<T> {
  let reads = 0
  const get = () => {
    if (++reads > 1) throw new Error('read twice')
    return (resolve: (value: T) => void, reject: (error: unknown) => void) => void run().then(resolve, reject)
  }
  return hostile<T>(get)
}

/** An object whose `then` is what `get` gives. */
function hostile<T>(get: () => unknown): Promise<T> {
  // The compiler takes whatever is assignable to a promise.
  return Object.defineProperty({}, 'then', { get }) as Promise<T>
}

const failed = (kind: ErrorKind) => new KeelsonError({ code: 'FAILED', message: 'failed', kind })

describe('whatever has then', () => {
  it('is waited for, by each policy and without any', async () => {
    await using plain = await startBackend([], () => lazy(async () => ({ n: 1 })))
    expect(await plain.fetch()).toEqual({ n: 1 })
    await using slow = await startBackend([deadline('50ms')], () => lazy(() => new Promise(() => {})))
    const call = outcome(slow.fetch())
    await slow.clock.advance(80)
    expect(await call).toBe('DEADLINE_EXCEEDED')

    let tries = 0
    await using bad = await startBackend(
      [breaker({ consecutive: 2 }), fallback(() => lazy(async () => ({ n: -1 })))],
      () =>
        lazy(async () => {
          tries++
          throw new Error('down')
        }),
    )
    for (let i = 0; i < 4; i++) expect(await bad.fetch()).toEqual({ n: -1 })
    expect(tries).toBe(2)

    const answers: ReturnType<typeof later<{ n: number }>>[] = []
    await using held = await startBackend([bulkhead({ concurrency: 1, queue: 1 }), cache()], () => {
      const answer = later<{ n: number }>()
      answers.push(answer)
      return lazy(() => answer.promise)
    })
    const [first, second] = [held.fetch(1), held.fetch(2)]
    await held.clock.advance(0)
    expect(held.state().bulkhead).toMatchObject({ running: 1, waiting: 1 })
    answers[0]?.resolve({ n: 1 })
    await first
    answers[1]?.resolve({ n: 2 })
    expect(await second).toEqual({ n: 2 })
  })

  it('that throws when it is read, or when it is called, is a failure like any other', async () => {
    const down = () => {
      throw busy()
    }
    for (const get of [down, () => down]) {
      await using backend = await startBackend([bulkhead({ concurrency: 1 }), breaker()], () => hostile(get))
      expect(await outcome(backend.fetch())).toBe('BUSY')
      expect(backend.state().bulkhead?.running).toBe(0)
      await using plain = await startBackend([], () => hostile(get))
      expect(await outcome(plain.fetch())).toBe('BUSY')
    }
  })
})

describe('100,000 calls', () => {
  it('that wait for a place, and are then answered at once, all end', async () => {
    const first = later<{ n: number }>()
    let runs = 0
    await using backend = await startBackend([bulkhead({ concurrency: 1, queue: 100_000 })], () =>
      ++runs === 1 ? first.promise : { n: runs },
    )
    const calls = Array.from({ length: 100_000 }, () => backend.fetch())
    first.resolve({ n: 1 })
    const answers = await Promise.all(calls)
    expect(answers.at(-1)).toEqual({ n: 100_000 })
    expect(backend.state().bulkhead).toMatchObject({ running: 0, waiting: 0 })
  })
})

describe('a caller', () => {
  it('who leaves, or came with little time of its own, teaches the breaker nothing', async () => {
    await using backend = await startBackend([breaker({ consecutive: 2 }), deadline('1s')], ({ id }, call) =>
      id === 0 ? backend.clock.sleep(60, call.signal).then(() => ({ n: 1 })) : { n: id },
    )
    for (let i = 0; i < 5; i++) {
      const leaving = new AbortController()
      const left = outcome(backend.fetch(0, { ...rootCall, signal: leaving.signal }))
      await backend.clock.advance(10)
      leaving.abort()
      expect(await left).toBe('CALL_CANCELLED')
      const hasty = outcome(backend.fetch(0, { ...rootCall, deadlineAt: backend.clock.monotonic() + 30 }))
      await backend.clock.advance(50)
      expect(await hasty).toBe('DEADLINE_EXCEEDED')
    }
    expect(backend.state().breaker).toMatchObject({ state: 'closed', opened: 0 })
  })

  it('who leaves is not tried for again, nor answered by a fallback', async () => {
    let runs = 0
    const leaving = new AbortController()
    await using backend = await startBackend([retry({ initial: 1 }), fallback(() => ({ n: -1 }))], () => {
      runs++
      leaving.abort()
      return Promise.reject(new DOMException('gone', 'AbortError'))
    })
    expect(await outcome(backend.fetch(0, { ...rootCall, signal: leaving.signal }))).toBe('CALL_CANCELLED')
    expect(runs).toBe(1)
  })

  it('leaves no listener on its signal, however its calls ended', async () => {
    let listeners = 0
    const { signal } = new AbortController()
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...given: Parameters<typeof add>) => {
      listeners++
      add(...given)
    }
    signal.removeEventListener = (...given: Parameters<typeof remove>) => {
      listeners--
      remove(...given)
    }
    let runs = 0
    await using backend = await startBackend(
      [deadline('1s'), cache({ ttl: 1 }), retry({ initial: 1 }), bulkhead({ concurrency: 1, queue: 50 }), breaker()],
      (_, call) => (call.signal.aborted || ++runs % 2 === 1 ? Promise.reject(busy()) : { n: runs }),
    )
    const calls = Array.from({ length: 40 }, (_, id) => outcome(backend.fetch(id % 20, { ...rootCall, signal })))
    for (let i = 0; i < 50; i++) await backend.clock.advance(40)
    await Promise.all(calls)
    expect(listeners).toBe(0)
  })
})

describe('a breaker', () => {
  it('takes refusals of what was asked wrongly for no failures, and for no successes', async () => {
    const kinds: readonly ErrorKind[] = [
      ...(['invalid', 'not-found', 'conflict', 'forbidden', 'too-large'] as const),
      ...(['unsupported', 'cancelled', 'rate-limited'] as const),
    ]
    let kind: ErrorKind = 'unavailable'
    await using backend = await startBackend([breaker({ consecutive: 3 })], () => Promise.reject(failed(kind)))
    await outcome(backend.fetch())
    await outcome(backend.fetch())
    for (kind of kinds) await outcome(backend.fetch())
    expect(backend.state().breaker?.state).toBe('closed')
    kind = 'timeout'
    await outcome(backend.fetch())
    expect(backend.state().breaker?.state).toBe('open')
  })

  it('is not lost with its probe: one that hangs is replaced, one whose caller leaves gives its place back', async () => {
    let answer: () => Promise<{ n: number }> = () => Promise.reject(busy())
    await using backend = await startBackend([breaker({ consecutive: 1, openFor: '5s' })], () => answer())
    await outcome(backend.fetch())
    const hanging = later<{ n: number }>()
    answer = () => hanging.promise
    await backend.clock.advance(5000)
    const lost = backend.fetch()
    expect(await outcome(backend.fetch())).toBe('CIRCUIT_OPEN')
    await backend.clock.advance(5000)
    const leaving = new AbortController()
    void outcome(backend.fetch(0, { ...rootCall, signal: leaving.signal }))
    expect(await outcome(backend.fetch())).toBe('CIRCUIT_OPEN')
    leaving.abort()
    answer = async () => ({ n: 1 })
    expect(await backend.fetch()).toEqual({ n: 1 })
    expect(backend.state().breaker?.state).toBe('closed')
    hanging.resolve({ n: 2 })
    expect(await lost).toEqual({ n: 2 })
  })
})

describe('a bulkhead', () => {
  it('gets the place of a call back whose implementation hangs, once, and says that it goes on', async () => {
    const answer = later<{ n: number }>()
    await using backend = await startBackend([deadline('2s'), bulkhead({ concurrency: 1, queue: 1 })], ({ id }) =>
      id === 0 ? answer.promise : { n: id },
    )
    const hanging = outcome(backend.fetch(0))
    await backend.clock.advance(2_100)
    expect(await hanging).toBe('DEADLINE_EXCEEDED')
    const waiting = outcome(backend.fetch(1))
    await backend.clock.advance(1_800)
    expect(backend.state().bulkhead).toMatchObject({ running: 1, waiting: 1, abandoned: 0 })
    await backend.clock.advance(200)
    expect(await waiting).toEqual({ n: 1 })
    expect(backend.state().bulkhead).toMatchObject({ running: 0, waiting: 0, abandoned: 1 })
    expect((await backend.host.health()).checks['fetch abandoned']).toMatchObject({ status: 'degraded' })
    answer.resolve({ n: 0 })
    await backend.clock.advance(0)
    expect(backend.state().bulkhead).toMatchObject({ running: 0, abandoned: 0 })
  })

  it('gets it back at once when the implementation ends after its caller', async () => {
    const answer = later<{ n: number }>()
    const leaving = new AbortController()
    await using backend = await startBackend([bulkhead({ concurrency: 1 }), breaker()], () => answer.promise)
    void outcome(backend.fetch(0, deriveCall(rootCall, { signal: leaving.signal, deadlineAt: 50 })))
    await backend.clock.advance(100)
    expect(backend.state().bulkhead).toMatchObject({ running: 1 })
    answer.resolve({ n: 0 })
    await backend.clock.advance(0)
    expect(backend.state().bulkhead).toMatchObject({ running: 0, abandoned: 0 })
  })
})

describe('a cache', () => {
  const tagged = cache({ tags: ({ id }: { id: number }) => [`doc:${id}`] })
  const saves = [invalidates(({ id }: { id: number }) => [`doc:${id}`])]

  it('gives nobody who reads after an invalidation what was made before it', async () => {
    const answers: ReturnType<typeof later<{ n: number }>>[] = []
    let isSaving = false
    await using backend = await startBackend(
      [tagged],
      () => {
        if (isSaving) return { n: 0 }
        const answer = later<{ n: number }>()
        answers.push(answer)
        return answer.promise
      },
      { saves },
    )
    const before = backend.fetch(1)
    isSaving = true
    await backend.save(1)
    isSaving = false
    const [after, joined] = [backend.fetch(1), backend.fetch(1)]
    answers[1]?.resolve({ n: 2 })
    expect([await after, await joined]).toEqual([{ n: 2 }, { n: 2 }])
    // The older one lands later, and does not replace the newer.
    answers[0]?.resolve({ n: 1 })
    expect([await before, await backend.fetch(1), answers.length]).toEqual([{ n: 1 }, { n: 2 }, 2])
  })

  it('makes an answer once however often something else is invalidated meanwhile', async () => {
    for (const annotation of [tagged, cache()]) {
      const answer = later<{ n: number }>()
      let made = 0
      await using backend = await startBackend(
        [annotation],
        ({ id }) => {
          if (id === 2) return { n: 2 }
          made++
          return answer.promise
        },
        { saves },
      )
      const calls: Promise<unknown>[] = []
      for (let i = 0; i < 100; i++) {
        calls.push(backend.fetch(1))
        await backend.save(2)
      }
      answer.resolve({ n: 1 })
      await Promise.all(calls)
      expect(made).toBe(1)
    }
  })

  it('lets a command that took effect after its deadline make answers stale all the same', async () => {
    let made = 0
    const saved = later<{ n: number }>()
    await using backend = await startBackend([tagged], ({ id }) => (id === 1 ? { n: ++made } : saved.promise), {
      saves: [invalidates(() => ['doc:1']), deadline('1s')],
    })
    await backend.fetch(1)
    const late = outcome(backend.save(2))
    await backend.clock.advance(1100)
    expect(await late).toBe('DEADLINE_EXCEEDED')
    saved.resolve({ n: 0 })
    await backend.clock.advance(0)
    expect(await backend.fetch(1)).toEqual({ n: 2 })
  })

  it('keeps what the contract lets out, and gives no two callers one object that either may change', async () => {
    const answer = later<{ n: number }>()
    await using backend = await startBackend([cache()], () => answer.promise)
    const calls = [backend.fetch(), backend.fetch(), backend.fetch()]
    // As an implementation may well return it: the compiler does not catch fields that the contract does not know.
    answer.resolve({ n: 1, secret: 'x' } as { n: number })
    const [a, b, c] = await Promise.all(calls)
    expect([a, b, c, await backend.fetch()]).toEqual([{ n: 1 }, { n: 1 }, { n: 1 }, { n: 1 }])
    Object.assign(a ?? {}, { n: 2 })
    Object.assign(b ?? {}, { n: 3 })
    expect([c, await backend.fetch()]).toEqual([{ n: 1 }, { n: 1 }])
  })

  it('lays the limit of one calling service to no other that waits for the same answer', async () => {
    await using backend = await startBackend([cache(), rateLimit({ limit: 1, per: '1h', by: 'subject' })], () => ({
      n: 1,
    }))
    const ask = (id: number, subject: string) => outcome(backend.fetch(id, createCall({ subject })))
    expect([await ask(1, 'ann'), await ask(2, 'ann'), await ask(2, 'bob')]).toEqual([
      { n: 1 },
      'RATE_LIMITED',
      { n: 1 },
    ])
  })
})

describe('a retry', () => {
  it('waits no longer than `longest`, with and without a deadline', async () => {
    const error = new KeelsonError({
      code: 'LATER',
      message: '',
      kind: 'unavailable',
      retryable: true,
      details: { retryAfterMs: 3_600_000 },
    })
    for (const annotations of [[retry()], [retry(), deadline('10h')]]) {
      await using backend = await startBackend(annotations, () => Promise.reject(error))
      expect(await outcome(backend.fetch())).toBe('LATER')
      expect(backend.clock.sleeping).toBeLessThanOrEqual(1)
    }
  })
})

describe('a fallback', () => {
  it('that never answers ends with the deadline, or as long again after it', async () => {
    for (const [implementation, atMs] of [
      [() => Promise.reject(busy()), 1_050],
      [() => new Promise<{ n: number }>(() => {}), 2_100],
    ] as const) {
      await using backend = await startBackend([deadline('1s'), fallback(() => new Promise(() => {}))], implementation)
      const call = outcome(backend.fetch())
      await backend.clock.advance(atMs)
      expect(await call).toBe('DEADLINE_EXCEEDED')
      expect(backend.host.metrics()['fetch']).toEqual({ calls: 1, failures: 1 })
    }
  })
})

describe('a service that closes', () => {
  it('answers what it had accepted, also what waits for a place or for its next try', async () => {
    let runs = 0
    const backend = await startBackend(
      [bulkhead({ concurrency: 1, queue: 10 }), retry({ initial: 10 })],
      async ({ id }) => {
        await backend.clock.sleep(50)
        if (++runs === 1) throw busy()
        return { n: id }
      },
    )
    const calls = [1, 2, 3].map((id) => outcome(backend.fetch(id)))
    await backend.clock.advance(10)
    const closing = backend.system.close()
    await backend.clock.advance(10)
    expect(await outcome(backend.fetch(4))).toBe('SERVICE_NOT_RUNNING')
    await backend.clock.advance(1000)
    expect(await Promise.all(calls)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
    await closing
  })
})

describe('a call of a peer', () => {
  it('runs what protects the callee, and leaves to its caller what has run there', async () => {
    let runs = 0
    await using backend = await startBackend(
      [
        deadline('1s'),
        retry({ initial: 1 }),
        breaker({ consecutive: 1 }),
        fallback(() => ({ n: -1 })),
        bulkhead({ concurrency: 1 }),
        cache(),
      ],
      ({ id }) => {
        runs++
        if (id === 0) throw busy()
        return id === 1 ? new Promise(() => {}) : { n: id }
      },
    )
    const call = (id: number, context: CallContext = rootCall) => backend.host.callForPeer('fetch', { id }, context)
    expect([await outcome(call(0)), await outcome(call(0)), runs]).toEqual(['BUSY', 'BUSY', 2])
    expect([await call(2), await call(2), runs]).toEqual([{ n: 2 }, { n: 2 }, 3])
    const hanging = outcome(call(1, { ...rootCall, deadlineAt: backend.clock.monotonic() + 100 }))
    expect(await outcome(call(3))).toBe('BULKHEAD_FULL')
    await backend.clock.advance(150)
    expect(await hanging).toBe('DEADLINE_EXCEEDED')
    expect(backend.state().breaker).toMatchObject({ state: 'closed' })
  })
})

describe('a service that a peer runs', () => {
  it('has here what protects its callers only', async () => {
    const Books = defineContract('books', '1.0.0', {
      list: query(
        {},
        http('GET /v1/books'),
        deadline('1s'),
        retry(),
        flag('beta'),
        cache(),
        bulkhead(),
        rateLimit({ limit: 9 }),
      ),
    })
    const url = 'http://127.0.0.1:1'
    for (const [isPeer, policies] of [
      [true, ['deadline', 'rateLimit', 'retry', 'bulkhead']],
      [false, ['deadline', 'flag', 'cache', 'rateLimit', 'retry', 'bulkhead']],
    ] as const) {
      const remote = remoteOverHttp(Books, { url, isPeer, fetch: () => Promise.reject(new Error('unreachable')) })
      await using system = await startForTest({ services: [remote] })
      expect(await outcome(system.get(Books).list())).toBe(isPeer ? 'PEER_UNREACHABLE' : 'OPERATION_DISABLED')
      expect(Object.keys(system.registry.host('books').policyState('list'))).toEqual(policies)
    }
  })
})

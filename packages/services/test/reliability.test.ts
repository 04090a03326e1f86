/** The table of `docs/explanation/reliability.md`, row by row. */
import { defineAdapter, defineContract, query } from '@keelson/kernel'
import {
  breaker,
  bulkhead,
  CacheStore,
  cache,
  deadline,
  fallback,
  RateLimitStore,
  rateLimit,
  retry,
} from '@keelson/resilience'
import { describe, expect, it } from 'vitest'
import { defineService } from '../src/service/service.ts'
import { startForTest } from '../src/testing.ts'
import { outcome, startBackend } from './facade/backend.ts'
import { busy } from './facade/busy.ts'

describe('a dependency', () => {
  it('that is slow costs its callers their deadline and no more', async () => {
    await using backend = await startBackend([deadline('200ms')], async ({ id }) => {
      await backend.clock.sleep(id)
      return { n: id }
    })
    const calls = [50, 150, 5000].map((ms) => outcome(backend.fetch(ms)))
    await backend.clock.advance(0)
    await backend.clock.advance(230)
    expect(await Promise.all(calls)).toEqual([{ n: 50 }, { n: 150 }, 'DEADLINE_EXCEEDED'])
  })

  it('that fails is left alone within a few calls, and what can do without it goes on', async () => {
    let runs = 0
    await using backend = await startBackend([breaker(), fallback(() => ({ n: -1 }))], () => {
      runs++
      return Promise.reject(busy())
    })
    const answers = await Promise.all(Array.from({ length: 5 }, () => backend.fetch()))
    for (let i = 0; i < 95; i++) answers.push(await backend.fetch())
    expect(answers).toEqual(Array.from({ length: 100 }, () => ({ n: -1 })))
    expect(runs).toBe(5)
  })

  it('that hangs holds no more places than its bulkhead has, and each caller hears in time', async () => {
    await using backend = await startBackend(
      [deadline('1s'), bulkhead({ concurrency: 3, queue: 2 })],
      () => new Promise(() => {}),
    )
    const calls = Array.from({ length: 10 }, () => outcome(backend.fetch()))
    await backend.clock.advance(1100)
    const outcomes = await Promise.all(calls)
    expect(outcomes.filter((one) => one === 'DEADLINE_EXCEEDED').length).toBe(5)
    expect(outcomes.filter((one) => one === 'BULKHEAD_FULL').length).toBe(5)
    expect(backend.state().bulkhead?.running).toBe(3)
  })

  it('that flaps is refused while it is down and back within the time its breaker stays open', async () => {
    let isWell = true
    await using backend = await startBackend([breaker({ consecutive: 3, openFor: '2s' })], () =>
      isWell ? { n: 1 } : Promise.reject(busy()),
    )
    for (let second = 0; second < 60; second++) {
      isWell = Math.floor(second / 10) % 2 === 0
      for (let i = 0; i < 10; i++) await outcome(backend.fetch())
      // Two seconds after it has come back, at the latest, everything is answered again.
      if (isWell && second % 10 >= 3) expect(await outcome(backend.fetch())).toEqual({ n: 1 })
      await backend.clock.advance(1000)
    }
    const { opened = 0, refused = 0 } = backend.state().breaker ?? {}
    expect(opened).toBeGreaterThan(2)
    expect(refused).toBeGreaterThan(200)
  })
})

describe('ten times the load', () => {
  it('is shed by name in the order of arrival; what runs is unharmed, and all is well at once afterwards', async () => {
    await using backend = await startBackend(
      [bulkhead({ concurrency: 10, queue: 10 }), deadline('1s')],
      async ({ id }) => {
        await backend.clock.sleep(100)
        return { n: id }
      },
    )
    const outcomes: Promise<unknown>[] = []
    // It serves 100 a second, and 1,000 come.
    for (let tick = 0; tick < 100; tick++) {
      for (let i = 0; i < 10; i++) outcomes.push(outcome(backend.fetch(tick * 10 + i)))
      await backend.clock.advance(10)
    }
    await backend.clock.advance(1000)
    const settled = await Promise.all(outcomes)
    const shed = settled.filter((one) => one === 'BULKHEAD_FULL').length
    const served = settled.flatMap((one) => (typeof one === 'object' && one ? [(one as { n: number }).n] : []))
    expect(served.length + shed).toBe(1000)
    expect(served.length).toBeGreaterThanOrEqual(100)
    expect(served).toEqual(served.toSorted((a, b) => a - b))
    const after = outcome(backend.fetch(7))
    await backend.clock.advance(0)
    await backend.clock.advance(100)
    expect(await after).toEqual({ n: 7 })
    expect(backend.state().bulkhead).toMatchObject({ running: 0, waiting: 0 })
  })
})

describe('a retry storm', () => {
  it('adds less than a fifth to the load, however much fails', async () => {
    let runs = 0
    await using backend = await startBackend([retry({ attempts: 5, initial: 1 })], () => {
      runs++
      return Promise.reject(busy())
    })
    const calls = 1000
    for (let i = 0; i < calls; i++) {
      const call = outcome(backend.fetch())
      await backend.clock.advance(0)
      await backend.clock.advance(40)
      expect(await call).toBe('BUSY')
    }
    expect(runs / calls).toBeLessThan(1.2)
    expect(backend.state().retry?.exhausted).toBeGreaterThan(500)
  })
})

describe('a stampede', () => {
  it('of 1,000 makes one answer, and one failure', async () => {
    let made = 0
    let fails = true
    await using backend = await startBackend([cache({ ttl: '1s' })], async () => {
      made++
      await backend.clock.sleep(50)
      if (fails) throw busy()
      return { n: 1 }
    })
    for (const expected of ['BUSY', { n: 1 }]) {
      const calls = Array.from({ length: 1000 }, () => outcome(backend.fetch()))
      await backend.clock.advance(0)
      await backend.clock.advance(50)
      expect((await Promise.all(calls)).every((one) => JSON.stringify(one) === JSON.stringify(expected))).toBe(true)
      fails = false
    }
    expect(made).toBe(2)
  })
})

describe('a store that is gone', () => {
  it('neither fails calls nor keeps them waiting: answers are made, limits let through', async () => {
    const gone = () => Promise.reject(new Error('connection refused'))
    const Backend = defineContract('backend', '1.0.0', {
      fetch: query({}, cache({ ttl: '1m' }), rateLimit({ limit: 1, per: '1h' })),
    })
    let made = 0
    await using system = await startForTest({
      services: [defineService(Backend, { start: () => ({ fetch: () => void made++ }) })],
      adapters: [
        defineAdapter({
          name: 'gone',
          provides: CacheStore,
          start: () => ({ get: gone, set: gone, invalidate: gone }),
        }),
        defineAdapter({ name: 'gone-too', provides: RateLimitStore, start: () => ({ take: gone }) }),
      ],
    })
    for (let i = 0; i < 3; i++) await system.get(Backend).fetch()
    expect(made).toBe(3)
  })
})

describe('a clock', () => {
  it('that is set back or forward moves no deadline, breaker or limit: only kept answers know the time of day', async () => {
    let offset = 0
    await using backend = await startBackend([deadline('1s'), cache({ ttl: '10s' })], () => ({ n: offset }))
    const { now } = backend.clock
    backend.clock.now = () => now() + offset
    await backend.fetch()
    offset = 3_600_000
    expect(await backend.fetch()).toEqual({ n: 3_600_000 })
    const hanging = outcome(backend.fetch(1))
    offset = -3_600_000
    expect(await hanging).toEqual({ n: 3_600_000 })
    await backend.clock.advance(2000)
    expect(backend.state().deadline?.exceeded).toBe(0)
  })
})

describe('an event loop that was blocked', () => {
  it('ends the calls whose time has passed meanwhile, and answers those that still have some', async () => {
    await using backend = await startBackend([deadline('1s')], ({ id }) =>
      backend.clock.sleep(id).then(() => ({ n: id })),
    )
    const late = outcome(backend.fetch(1500))
    const early = outcome(backend.fetch(300))
    await backend.clock.advance(0)
    // One leap: no sweep runs in between.
    await backend.clock.advance(2000)
    expect([await early, await late]).toEqual([{ n: 300 }, 'DEADLINE_EXCEEDED'])
  })
})

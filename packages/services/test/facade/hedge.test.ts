import { type CallContext, createCall } from '@keelson/kernel'
import { breaker, bulkhead, deadline, hedge, idempotent, retry } from '@keelson/resilience'
import { describe, expect, it } from 'vitest'
import { later, outcome, startBackend } from './backend.ts'
import { busy } from './busy.ts'

type Attempt = ReturnType<typeof later<{ n: number }>> & { readonly call: CallContext }

/** A backend that answers after 10 ms until it has learnt how long that is, and from then on when the test says so. */
async function startHedged(annotations: readonly unknown[] = [], options: Parameters<typeof startBackend>[2] = {}) {
  const attempts: Attempt[] = []
  let isManual = false
  const backend = await startBackend(
    [hedge({ budget: 1 }), ...annotations],
    async (_, call) => {
      if (!isManual) {
        await backend.clock.sleep(10)
        return { n: 0 }
      }
      const attempt = { ...later<{ n: number }>(), call }
      attempts.push(attempt)
      return attempt.promise
    },
    options,
  )
  const learning = Array.from({ length: 60 }, (_, id) => backend.fetch(id))
  await backend.clock.advance(10)
  await Promise.all(learning)
  isManual = true
  return { ...backend, attempts }
}

/** As `fetch` has been learnt: how long `save` takes. */
async function learnSaves({ save, clock, attempts }: Awaited<ReturnType<typeof startHedged>>): Promise<void> {
  const learning = Array.from({ length: 60 }, (_, id) => save(id))
  await clock.advance(5)
  for (const attempt of attempts) attempt.resolve({ n: 0 })
  await Promise.all(learning)
}

describe('hedge()', () => {
  it('makes a call again after the measured percentile, and takes the first answer', async () => {
    await using backend = await startHedged()
    const { clock, attempts } = backend
    const call = backend.fetch()
    await clock.advance(9)
    expect(attempts).toHaveLength(1)
    await clock.advance(3)
    expect(attempts).toHaveLength(2)
    const [first, second] = attempts
    second?.resolve({ n: 2 })
    expect(await call).toEqual({ n: 2 })
    expect([first?.call.signal.aborted, second?.call.signal.aborted]).toEqual([true, false])
    first?.resolve({ n: 1 })
    expect(backend.state().hedge).toMatchObject({ hedged: 1, won: 1 })
  })

  it('tells the second attempt when the first has answered, and makes none when it answers in time', async () => {
    await using backend = await startHedged()
    const { clock, attempts } = backend
    const quick = backend.fetch()
    await clock.advance(5)
    attempts[0]?.resolve({ n: 1 })
    expect(await quick).toEqual({ n: 1 })
    await clock.advance(100)
    expect(attempts).toHaveLength(1)
    const call = backend.fetch()
    await clock.advance(12)
    const [, first, second] = attempts
    expect(second?.call.signal.aborted).toBe(false)
    first?.resolve({ n: 3 })
    expect(await call).toEqual({ n: 3 })
    expect(second?.call.signal.aborted).toBe(true)
    second?.reject(busy())
    expect(backend.state().hedge).toMatchObject({ hedged: 1, won: 0 })
  })

  it('fails only when both attempts have, with the error of the first, and is then retried as any call', async () => {
    await using backend = await startHedged([retry({ initial: '1s' })])
    const { clock, attempts } = backend
    const call = backend.fetch()
    await clock.advance(12)
    attempts[0]?.reject(busy())
    await clock.advance(0)
    expect(backend.state().retry?.retries).toBe(0)
    attempts[1]?.reject(new Error('the second'))
    await clock.advance(0)
    expect(backend.state().retry?.retries).toBe(1)
    await clock.advance(500)
    expect(attempts).toHaveLength(3)
    attempts[2]?.resolve({ n: 3 })
    expect(await call).toEqual({ n: 3 })
  })

  it('answers by the first attempt when the second fails', async () => {
    await using backend = await startHedged()
    const { clock, attempts } = backend
    const call = backend.fetch()
    await clock.advance(12)
    attempts[1]?.reject(busy())
    await clock.advance(5)
    attempts[0]?.resolve({ n: 1 })
    expect(await call).toEqual({ n: 1 })
  })

  it('ends both attempts at the deadline', async () => {
    await using backend = await startHedged([deadline('1s')])
    const { clock, attempts } = backend
    const call = outcome(backend.fetch())
    await clock.advance(12)
    await clock.advance(1_100)
    expect(await call).toBe('DEADLINE_EXCEEDED')
    expect(attempts.map(({ call: { signal } }) => signal.aborted)).toEqual([true, true])
  })

  it('makes no second attempt without room, while the breaker is not closed, or beyond its budget', async () => {
    await using full = await startHedged([bulkhead({ concurrency: 60 })])
    const calls = Array.from({ length: 60 }, (_, id) => full.fetch(id))
    await full.clock.advance(50)
    expect(full.attempts).toHaveLength(60)
    for (const attempt of full.attempts) attempt.resolve({ n: 1 })
    await Promise.all(calls)
    await full.clock.advance(0)
    expect(full.state().bulkhead?.running).toBe(0)

    await using open = await startHedged([breaker({ consecutive: 1 })])
    const hanging = open.fetch()
    const failing = outcome(open.fetch(1))
    await open.clock.advance(0)
    open.attempts[1]?.reject(busy())
    await failing
    await open.clock.advance(50)
    expect(open.attempts).toHaveLength(2)
    open.attempts[0]?.resolve({ n: 1 })
    await hanging

    await using poor = await startHedged()
    const many = Array.from({ length: 40 }, (_, id) => poor.fetch(id))
    await poor.clock.advance(50)
    // What a quiet operation may spend at once.
    expect(poor.attempts).toHaveLength(50)
    for (const attempt of poor.attempts) attempt.resolve({ n: 1 })
    await Promise.all(many)
  })

  it('leaves commands alone that might take effect twice', async () => {
    await using backend = await startHedged([], { saves: [hedge({ budget: 1 })] })
    await learnSaves(backend)
    const plain = backend.save()
    await backend.clock.advance(50)
    expect(backend.attempts).toHaveLength(61)
    const keyed = backend.save(1, createCall({ key: 'once' }))
    await backend.clock.advance(50)
    expect(backend.attempts).toHaveLength(62)
    for (const attempt of backend.attempts) attempt.resolve({ n: 1 })
    await Promise.all([plain, keyed])

    await using safe = await startHedged([], { saves: [hedge({ budget: 1 }), idempotent()] })
    await learnSaves(safe)
    const repeated = safe.save()
    await safe.clock.advance(50)
    expect(safe.attempts).toHaveLength(62)
    safe.attempts.at(-1)?.resolve({ n: 1 })
    expect(await repeated).toEqual({ n: 1 })
  })
})

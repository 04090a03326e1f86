import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { withinTime } from '../../src/index.ts'
import { createFakeClock } from '../../src/testing.ts'

describe('withinTime()', () => {
  const late = new Error('late')
  const limited = (signal?: AbortSignal) => {
    const clock = createFakeClock()
    return { clock, limit: { timeoutMs: 100, clock, timedOut: () => late, signal } }
  }
  const never = () => new Promise<never>(() => {})

  test('settles as the work does, and leaves no timer and no listener behind', async () => {
    const { signal } = new AbortController()
    const { clock, limit } = limited(signal)
    expect(await withinTime(() => 'at once', limit)).toBe('at once')
    await expect(withinTime(() => Promise.reject(new Error('no')), limit)).rejects.toThrow('no')
    const throws = () => {
      throw new Error('thrown')
    }
    await expect(withinTime(throws, limit)).rejects.toThrow('thrown')
    expect(clock.sleeping).toBe(0)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('rejects when the time is up, and tells the work by its signal', async () => {
    const { clock, limit } = limited()
    const given: AbortSignal[] = []
    const waiting = withinTime((signal) => {
      given.push(signal)
      return never()
    }, limit)
    const rejected = expect(waiting).rejects.toBe(late)
    await clock.advance(99)
    expect(given[0]?.aborted).toBe(false)
    await clock.advance(1)
    await rejected
    expect(given[0]?.reason).toBe(late)
  })

  test('ends with its signal, and begins nothing once that has aborted', async () => {
    const caller = new AbortController()
    const { clock, limit } = limited(caller.signal)
    const waiting = withinTime((signal) => new Promise((_, reject) => signal.addEventListener('abort', reject)), limit)
    caller.abort('enough')
    await expect(waiting).rejects.toBe('enough')
    expect(clock.sleeping).toBe(0)
    let hasBegun = false
    const begin = () => {
      hasBegun = true
    }
    await expect(withinTime(begin, limit)).rejects.toBe('enough')
    expect(hasBegun).toBe(false)
  })

  test('ignores work that fails after its time', async () => {
    const { clock, limit } = limited()
    const work = Promise.withResolvers<never>()
    const rejected = expect(withinTime(() => work.promise, limit)).rejects.toBe(late)
    await clock.advance(100)
    await rejected
    work.reject(new Error('too late to be told'))
    await clock.advance(0)
  })
})

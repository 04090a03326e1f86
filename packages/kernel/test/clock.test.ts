import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { systemClock } from '../src/index.ts'

describe('systemClock', () => {
  test('tells wall-clock time, and a time that never goes back', () => {
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(10_000)
    const first = systemClock.monotonic()
    expect(systemClock.monotonic()).toBeGreaterThanOrEqual(first)
  })

  test('sleep() resolves after its delay and leaves no listener behind', async () => {
    const { signal } = new AbortController()
    const before = systemClock.monotonic()
    await systemClock.sleep(5, signal)
    // A timer may fire a fraction of a millisecond early.
    expect(systemClock.monotonic() - before).toBeGreaterThan(3)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test("sleep() rejects with the signal's reason as soon as it aborts, and leaves no timer behind", async () => {
    vi.useFakeTimers()
    try {
      const controller = new AbortController()
      const sleeping = systemClock.sleep(60_000, controller.signal)
      expect(vi.getTimerCount()).toBe(1)
      controller.abort('enough')
      await expect(sleeping).rejects.toBe('enough')
      await expect(systemClock.sleep(60_000, controller.signal)).rejects.toBe('enough')
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  test('sleep() takes delays longer than a timer of Node can', async () => {
    vi.useFakeTimers()
    try {
      const month = 31 * 86_400_000
      let isAwake = false
      void systemClock.sleep(month).then(() => {
        isAwake = true
      })
      await vi.advanceTimersByTimeAsync(month - 1)
      expect(isAwake).toBe(false)
      await vi.advanceTimersByTimeAsync(1)
      expect(isAwake).toBe(true)
    } finally {
      vi.useRealTimers()
    }
  })
})

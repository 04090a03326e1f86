import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { createFakeClock } from '../src/testing.ts'

describe('createFakeClock()', () => {
  test('stands still until it is moved', async () => {
    const clock = createFakeClock({ now: 1_000 })
    expect([clock.now(), clock.monotonic()]).toEqual([1_000, 0])
    await clock.advance(1.5)
    expect([clock.now(), clock.monotonic()]).toEqual([1_001, 1.5])
  })

  test('wakes sleepers in the order of their time, each at its own', async () => {
    const clock = createFakeClock()
    const woken: string[] = []
    const sleeper = async (name: string, delayMs: number) => {
      await clock.sleep(delayMs)
      woken.push(`${name} at ${clock.monotonic()}`)
    }
    const all = [
      sleeper('late', 30),
      sleeper('early', 10),
      sleeper('tie', 30),
      sleeper('never', 31),
      sleeper('zero', 0),
    ]
    expect(clock.sleeping).toBe(5)
    await clock.advance(30)
    expect(woken).toEqual(['zero at 0', 'early at 10', 'late at 30', 'tie at 30'])
    expect(clock.sleeping).toBe(1)
    await clock.advance(1)
    await Promise.all(all)
  })

  test('lets a loop sleep again and again within one move', async () => {
    const clock = createFakeClock()
    const ticks: number[] = []
    const loop = async () => {
      while (ticks.length < 5) {
        await clock.sleep(100)
        await Promise.resolve()
        ticks.push(clock.monotonic())
      }
    }
    const looping = loop()
    await clock.advance(450)
    expect(ticks).toEqual([100, 200, 300, 400])
    expect(clock.monotonic()).toBe(450)
    await clock.advance(50)
    await looping
  })

  test("sleep() rejects with the signal's reason when it aborts, and forgets the signal when it wakes", async () => {
    const clock = createFakeClock()
    const controller = new AbortController()
    const sleeping = clock.sleep(10, controller.signal)
    controller.abort('enough')
    await expect(sleeping).rejects.toBe('enough')
    await expect(clock.sleep(10, controller.signal)).rejects.toBe('enough')
    expect(clock.sleeping).toBe(0)
    const { signal } = new AbortController()
    const woken = clock.sleep(10, signal)
    await clock.advance(10)
    await woken
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})

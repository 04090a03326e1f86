import { describe, expect, it } from 'vitest'
import { judgeDelay, watchEventLoop } from '../../src/system/event-loop-delay.ts'

describe('watchEventLoop()', () => {
  it('is well without samples, and leaves nothing open', () => {
    const before = process.getActiveResourcesInfo().toSorted()
    const delay = watchEventLoop()
    expect(delay.read()).toEqual({ status: 'ok' })
    delay.close()
    expect(process.getActiveResourcesInfo().toSorted()).toEqual(before)
  })

  it('fails when the loop is late on average, and says by how much', () => {
    expect(judgeDelay(1_000)).toEqual({ status: 'ok' })
    expect(judgeDelay(1_500)).toEqual({ status: 'failed', message: 'the event loop is 1500 ms late on average' })
  })
})

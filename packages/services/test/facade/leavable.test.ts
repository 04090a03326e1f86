import { describe, expect, it } from 'vitest'
import { leavable } from '../../src/facade/leavable.ts'

const never = new AbortController().signal

/** A source that notes what happens to it, and whose items the test gives. */
function held() {
  const notes: string[] = []
  const items: PromiseWithResolvers<number>[] = []
  async function* source(signal: AbortSignal) {
    notes.push('opened')
    try {
      for (;;) {
        const next = Promise.withResolvers<number>()
        items.push(next)
        signal.addEventListener('abort', () => next.reject(signal.reason))
        yield await next.promise
      }
    } finally {
      notes.push('closed')
    }
  }
  return { notes, items, source }
}

describe('leavable()', () => {
  it('opens its source with the first item, and not for a reader who leaves before', async () => {
    const { notes, source } = held()
    const reader = leavable(never, source)
    expect(await reader.return()).toEqual({ done: true, value: undefined })
    expect(await reader.next()).toEqual({ done: true, value: undefined })
    expect(notes).toEqual([])
  })

  it('lets go at once of whoever waits for a silent source, and has the source close', async () => {
    const { notes, source } = held()
    const reader = leavable(never, source)
    const waiting = reader.next()
    await new Promise(setImmediate)
    await reader.return()
    expect(await waiting).toEqual({ done: true, value: undefined })
    await reader.released
    expect(notes).toEqual(['opened', 'closed'])
  })

  it('lets go of a source that takes no notice of its signal, as soon as that gives its next item', async () => {
    const item = Promise.withResolvers<number>()
    let isClosed = false
    const reader = leavable(never, async function* () {
      try {
        yield await item.promise
      } finally {
        isClosed = true
      }
    })
    const waiting = reader.next()
    await new Promise(setImmediate)
    await reader.return()
    expect([await waiting, isClosed]).toEqual([{ done: true, value: undefined }, false])
    item.resolve(1)
    await reader.released
    expect(isClosed).toBe(true)
  })

  it('has closed its source when a loop over it is left', async () => {
    const { notes, items, source } = held()
    const reader = leavable(never, source)
    setTimeout(() => items[0]?.resolve(1))
    for await (const item of reader) {
      expect(item).toBe(1)
      break
    }
    expect(notes).toEqual(['opened', 'closed'])
  })

  it('ends with the reason of its caller, once, and without a listener left behind', async () => {
    const { notes, source } = held()
    const caller = new AbortController()
    const reader = leavable(caller.signal, source)
    const waiting = reader.next()
    await new Promise(setImmediate)
    caller.abort(new Error('left'))
    await expect(waiting).rejects.toMatchObject({ code: 'REQUEST_CANCELLED', cause: { message: 'left' } })
    expect(await reader.next()).toEqual({ done: true, value: undefined })
    await reader.released
    expect(notes).toEqual(['opened', 'closed'])
  })

  it('gives the items in order to several who wait, then the failure to the first and the end to the rest', async () => {
    const told: unknown[] = []
    const reader = leavable(
      never,
      async function* () {
        yield 1
        throw new Error('boom')
      },
      { ended: (error) => told.push(error) },
    )
    const [first, second, third] = [reader.next(), reader.next(), reader.next()]
    expect(await first).toEqual({ done: false, value: 1 })
    await expect(second).rejects.toThrow('boom')
    expect(await third).toEqual({ done: true, value: undefined })
    expect(told).toMatchObject([{ message: 'boom' }])
  })
})

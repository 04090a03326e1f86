import { describe, expect, test } from 'vitest'
import {
  beginCall,
  type CallContext,
  CallKey,
  createCall,
  currentCall,
  deriveCall,
  detachCall,
  namedCall,
  rootCall,
  runInCall,
} from '../src/index.ts'

describe('CallKey', () => {
  test('is 1 to 255 visible ASCII characters, or refused by name', () => {
    for (const text of ['k', '~'.repeat(255), '"quoted"']) expect(CallKey.of(text).text).toBe(text)
    for (const text of ['', 'order 42', 'k\n', 'é', 'x'.repeat(256), 'a, b'])
      expect(() => CallKey.of(text)).toThrow(expect.objectContaining({ code: 'IDEMPOTENCY_KEY_INVALID' }))
    expect(() => createCall({ key: '' })).toThrow(expect.objectContaining({ code: 'IDEMPOTENCY_KEY_INVALID' }))
  })

  test('of a piece of work takes any name', () => {
    expect(CallKey.from('import/7/step').text).toBe('import/7/step')
    const odd = ['', 'tür', 'x'.repeat(300), '\ud800'].map((name) => CallKey.from(name).text)
    expect(new Set(odd).size).toBe(4)
    for (const text of odd) expect(CallKey.of(text).text).toBe(text)
  })

  test('is that of the call itself until something runs under it', () => {
    const key = CallKey.of('k')
    expect(key.of('carts.add')).toBe(key)
    expect(key.begin().text).toBe('k')
  })

  test('gives each call of a run a key of its own, and each run the same ones', () => {
    const run = (key: CallKey) =>
      ['carts.add', 'carts.add', 'stock.take', 'carts.add'].map((operation) => key.of(operation).text)
    const first = run(CallKey.of('k').begin())
    expect(new Set(first).size).toBe(4)
    expect(run(CallKey.of('k').begin())).toEqual(first)
    expect(run(CallKey.of('other').begin())).not.toEqual(first)
    for (const text of first) expect(text).toMatch(/^[\w-]{43}$/)
  })

  test('tells calls apart by name where their order may vary', () => {
    const run = (names: readonly string[]) => {
      const key = CallKey.of('k').begin()
      return Object.fromEntries(names.map((name) => [name, key.named(name).of('stock.take').text]))
    }
    expect(run(['rope', 'sail'])).toEqual(run(['sail', 'rope']))
    // A name is not a number, and no name runs into another.
    const key = CallKey.of('k').begin()
    expect(key.named('1').of('stock.take').text).not.toBe(key.of('stock.take').text)
  })
})

describe('a call made from another', () => {
  /** A part that a later version adds to the origin. */
  const withMore = (call: CallContext) =>
    deriveCall(call, { origin: Object.freeze({ ...call.origin, realm: 'north' }) })

  test('has its origin by reference, whatever is added to that', () => {
    const call = withMore(createCall({ subject: 'ada', tenant: 'acme', roles: ['clerk'], key: 'k' }))
    expect(call.origin).toMatchObject({ realm: 'north', key: 'k', identity: { subject: 'ada', tenant: 'acme' } })
    for (const derived of [
      deriveCall(call, { signal: AbortSignal.abort(), caller: 'shop', deadlineAt: 7 }),
      namedCall(call, 'line-1'),
      beginCall(call),
      detachCall(call),
      runInCall(call, currentCall),
    ])
      expect(derived.origin).toBe(call.origin)
    expect(Object.isFrozen(createCall().origin.identity.roles)).toBe(true)
  })

  test('keeps what is not changed, and asks for the signal only when it is wanted', () => {
    let asked = 0
    const outer: CallContext = {
      ...createCall({ deadlineAt: 7, caller: 'shop' }),
      get signal() {
        asked++
        return AbortSignal.abort()
      },
    }
    const inner = deriveCall(deriveCall(outer, { caller: 'carts' }), {})
    expect([inner.caller, inner.deadlineAt, asked]).toEqual(['carts', 7, 0])
    expect(inner.signal.aborted).toBe(true)
  })

  test('in the background has nobody who waits, and no key', () => {
    const call = createCall({ key: 'k', deadlineAt: 7, signal: AbortSignal.abort(), caller: 'shop' })
    expect(detachCall(call)).toMatchObject({ caller: 'shop', deadlineAt: undefined, key: undefined })
    expect(detachCall(call).signal).toBe(rootCall.signal)
  })

  test('is under a run of its own where a key is entered', () => {
    const call = createCall({ key: 'k' })
    const keys = () => [1, 2].map(() => currentCall().key?.of('carts.add').text)
    const [first, second] = runInCall(call, keys)
    expect(first).not.toBe(second)
    expect(runInCall(call, keys)).toEqual([first, second])
    // Entered again within one run, it goes on counting.
    const third = runInCall(call, () => {
      keys()
      const running = currentCall()
      return runInCall(createCall(), () => runInCall(running, () => currentCall().key?.of('carts.add').text))
    })
    expect([first, second]).not.toContain(third)
  })
})

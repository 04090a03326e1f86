import { describe, expect, test } from 'vitest'
import { boundedJson, defineErrors, errorFromData, errorToData, KeelsonError, reasonOf } from '../src/index.ts'

/** An error with details that the types would refuse. */
function errorWith(details: unknown): KeelsonError {
  return new KeelsonError({ code: 'TOO_MANY', message: 'x', kind: 'conflict', details: details as never })
}

function detailsOf(details: unknown): unknown {
  const data = errorToData(errorWith(details))
  expect(JSON.parse(JSON.stringify(data))).toEqual(data)
  return data.details
}

function nested(levels: number): unknown {
  let value: unknown = 'inmost'
  for (let level = 0; level < levels; level++) value = level % 2 ? [value] : { value }
  return value
}

describe('errorToData()', () => {
  test('goes to JSON and back with the kind and whether to try again', () => {
    const error = new KeelsonError({
      code: 'BUSY',
      message: 'The printer is busy',
      kind: 'rate-limited',
      retryable: true,
      details: { printer: 'p1', jobs: [1, null, { id: 'a' }] },
      cause: new Error('secret'),
    })
    const data = JSON.parse(JSON.stringify(errorToData(error)))
    expect(data).not.toHaveProperty('cause')
    const back = errorFromData(data)
    expect(back).toMatchObject({ ...data, name: 'KeelsonError' })
    expect(back && errorToData(back)).toEqual(data)
  })

  test('names what JSON cannot hold', () => {
    const circle: Record<string, unknown> = { count: 10n }
    circle['self'] = circle
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
    const hostile = {
      circle,
      infinite: Number.POSITIVE_INFINITY,
      missing: undefined,
      action: () => {},
      token: Symbol('s'),
      bytes: new Uint8Array(3),
      date: new Date(0),
      broken: new Date(Number.NaN),
      error: new TypeError('secret'),
      seen: new Set([1]),
      revoked: revoked.proxy,
      get thrown() {
        throw new Error('unreadable')
      },
      odd: {
        toJSON() {
          throw new Error('unreadable')
        },
      },
      huge: 1n << 5_000_000n,
    }
    expect(detailsOf(hostile)).toEqual({
      circle: { count: '10', self: '[circular]' },
      infinite: 'Infinity',
      action: '[function]',
      token: '[symbol]',
      bytes: '[3 bytes]',
      date: '1970-01-01T00:00:00.000Z',
      broken: null,
      error: '[TypeError]',
      seen: [1],
      revoked: '[unreadable]',
      thrown: '[unreadable]',
      odd: '[unreadable]',
      huge: '[bigint]',
    })
  })

  test('cuts what is endlessly deep, wide or long', () => {
    expect(JSON.stringify(detailsOf({ deep: nested(100_000) }))).toContain('[too deep]')
    expect(JSON.stringify(detailsOf({ list: new Array(1_000_000) })).length).toBeLessThan(20_000)
    expect(JSON.stringify(detailsOf({ text: 'x'.repeat(10_000_000) })).length).toBeLessThan(40_000)
    const wide = Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`name${n}`, nested(10)]))
    expect(JSON.stringify(detailsOf(wide)).length).toBeLessThan(200_000)
    const forever = { toJSON: () => ({ toJSON: forever.toJSON }) }
    expect(detailsOf({ forever })).toEqual({ forever: '[too deep]' })
    const data = errorToData(new KeelsonError({ code: 'X', message: 'y'.repeat(100_000), kind: 'invalid' }))
    expect(data.message).toMatch(/^y{4096}…\[95904 more\]$/)
  })

  test('keeps a property called "__proto__" and drops details that are no object', () => {
    const details = detailsOf(JSON.parse('{"__proto__":{"isAdmin":true}}'))
    expect(Object.keys(Object(details))).toEqual(['__proto__'])
    for (const other of [null, 'text', 7, ['list'], () => {}]) expect(detailsOf(other)).toEqual({})
  })
})

describe('errorFromData()', () => {
  const good = { code: 'X', message: 'm', kind: 'invalid', retryable: false, details: {} }

  test('takes nothing for an error that does not say its code, message and kind', () => {
    expect(errorFromData(good)?.code).toBe('X')
    for (const other of [
      undefined,
      'X',
      [],
      {},
      { ...good, code: '' },
      { ...good, code: 7 },
      { ...good, code: 'X'.repeat(300) },
      { ...good, message: null },
      { ...good, kind: 'toString' },
      { ...good, kind: undefined },
      { ...good, retryable: 'yes' },
    ])
      expect(errorFromData(other)).toBeUndefined()
  })

  test('cuts the details that another process sent', () => {
    const text = `{"d":${'['.repeat(50_000)}${']'.repeat(50_000)}}`
    const error = errorFromData({ ...good, details: JSON.parse(text) })
    expect(JSON.stringify(error?.details)).toContain('[too deep]')
    expect(errorFromData({ ...good, details: 'none' })?.details).toEqual({})
  })
})

test('boundedJson() keeps to its bounds', () => {
  const bounds = { depth: 2, entries: 3, characters: 100 }
  expect(boundedJson([1, 2, 3, 4], bounds)).toEqual([1, 2, 3, '[cut]'])
  expect(boundedJson({ a: { b: { c: 1 } } }, bounds)).toEqual({ a: { b: '[too deep]' } })
  expect(boundedJson({ a: 1, b: 2, c: 3, d: 4 }, bounds)).toEqual({ a: 1, b: 2, c: 3, '…': '[cut]' })
  expect(boundedJson(undefined, bounds)).toBeNull()
})

test('reasonOf() has words for anything that can be thrown', () => {
  const { STORE_FULL } = defineErrors({
    STORE_FULL: { kind: 'unavailable', when: 'Always.', message: (d: { path: string }) => `"${d.path}" is full` },
  })
  expect(reasonOf(STORE_FULL({ path: '/a' }))).toBe('"/a" is full')
  expect(reasonOf('text')).toBe('text')
  expect(reasonOf(undefined)).toBe('undefined')
  expect(reasonOf({ message: 'from another realm' })).toBe('from another realm')
  expect(reasonOf(Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }))).toBe('ECONNREFUSED')
  expect(reasonOf(new TypeError())).toBe('TypeError')
  expect(reasonOf(Object.create(null))).toBe('it cannot be read')
})

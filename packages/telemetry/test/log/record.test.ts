import { describe, expect, test } from 'vitest'
import type { LogFields } from '../../src/index.ts'
import { oneLine, safeFields, safeMessage } from '../../src/log/record.ts'

describe('safeFields()', () => {
  test('shows what JSON cannot carry in words', () => {
    expect(
      safeFields({
        big: 12n,
        nan: Number.NaN,
        date: new Date(0),
        url: new URL('https://host/path'),
        map: new Map([['a', new Set([1])]]),
        bytes: new Uint8Array(3),
        pattern: /a+/g,
        absent: undefined,
        list: [undefined, Symbol('s')],
      }),
    ).toEqual({
      big: '12',
      nan: 'NaN',
      date: '1970-01-01T00:00:00.000Z',
      url: 'https://host/path',
      map: { a: [1] },
      bytes: '[3 bytes]',
      pattern: '/a+/g',
      list: [null, 'Symbol(s)'],
    })
  })

  test('marks circles and throwing getters and keeps the rest', () => {
    const node: Record<string, unknown> = { name: 'node' }
    node['self'] = node
    const getter = Object.defineProperty({ fine: 1 }, 'bad', {
      enumerable: true,
      get() {
        throw new Error('no')
      },
    })
    expect(safeFields({ node, getter })).toEqual({
      node: { name: 'node', self: '[circular]' },
      getter: { fine: 1, bad: '[unreadable]' },
    })
  })

  test('shows a value that is met twice, but not inside itself, both times', () => {
    const shared = { id: 1 }
    expect(safeFields({ a: shared, b: [shared] })).toEqual({ a: { id: 1 }, b: [{ id: 1 }] })
  })

  test('keeps a key called __proto__ as a key', () => {
    const safe = safeFields({ value: JSON.parse('{"__proto__":{"admin":true}}') })
    expect(JSON.stringify(safe)).toBe('{"value":{"__proto__":{"admin":true}}}')
    expect(Object.getPrototypeOf(safe['value'])).toBe(Object.prototype)
  })

  test('takes an error in place of the fields, as untyped callers pass it', () => {
    const fields: unknown = new RangeError('out')
    // The cast stands for a caller without types.
    expect(safeFields(fields as LogFields)).toMatchObject({ error: { name: 'RangeError', message: 'out' } })
  })

  test('shows each error of an AggregateError', () => {
    const error = new AggregateError([new Error('first'), new Error('second')], 'all failed')
    expect(safeFields({ error })).toMatchObject({ error: { errors: [{ message: 'first' }, { message: 'second' }] } })
  })

  test('says how much it left out', () => {
    const { text, list } = safeFields({
      text: 'x'.repeat(10_000),
      list: Array.from({ length: 2_000 }, (_, index) => index),
    })
    expect(String(text)).toMatch(/^x{8192}…\[1808 more\]$/)
    expect(list).toHaveLength(999)
    expect(list).toContain('[more left out]')
  })
})

test('safeMessage() takes passwords out of URLs', () => {
  expect(
    safeMessage('cannot reach postgres://app:p%40ss@db:5432/x and redis://:pw@cache, see https://host:80/a@b'),
  ).toBe('cannot reach postgres://app:[redacted]@db:5432/x and redis://:[redacted]@cache, see https://host:80/a@b')
  expect(safeMessage(`amqp://app:${'k'.repeat(3_000)}@host`)).toBe('amqp://app:[redacted]@host')
})

test('oneLine() leaves letters of all scripts and emoji alone', () => {
  const text = 'Grüße, Ελλάδα, 漢字, العربية, 👩‍🚀'
  expect(oneLine(text)).toBe(text)
  expect(oneLine('a\u202eb')).toBe('a\\u202eb')
})

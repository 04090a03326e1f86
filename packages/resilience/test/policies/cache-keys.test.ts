import { expect, test } from 'vitest'
import { CacheKeys } from '../../src/policies/cache-keys.ts'

const keys = new CacheKeys('a.b')

test('inputs that JSON tells apart have the key of their JSON, whatever was asked for before', () => {
  const inputs: unknown[] = [null, '', 'x', 'xx', 0, 1, 1.5, -1, 257, 2 ** 40, true, false, {}, [], [1], { id: [1] }]
  for (let id = 0; id < 600; id++)
    inputs.push({ id }, { id: String(id) }, { id, on: id % 2 === 0 }, { id: null, other: id }, { other: id })
  for (let round = 0; round < 3; round++)
    for (const input of inputs) {
      expect(keys.of(structuredClone(input), '')).toBe(`a.b:${JSON.stringify(input)}`)
      expect(keys.of(structuredClone(input), '"ada"')).toBe(`a.b:${JSON.stringify(input)}@"ada"`)
    }
})

test('no two inputs that differ have one key', () => {
  class Point {
    toJSON = () => [1, 2]
  }
  const bytes = new Uint8Array([1, 2])
  const inputs: unknown[] = [
    ...[undefined, null, 0, -0, 1, '1', 1n, Number.NaN, Number.POSITIVE_INFINITY, '', 'undefined', 'null', '@"ada"'],
    ...[
      {},
      [],
      new Set(),
      new Map(),
      { a: undefined },
      { b: undefined },
      { a: null },
      [undefined],
      [null],
      new Array(1),
    ],
    ...[
      new Set(['a']),
      new Set(['b', 'c']),
      new Set(['b']),
      new Map([['a', 1]]),
      new Map([['a', '1']]),
      { a: 1 },
      ['a', 1],
    ],
    ...[new Date(0), new Date(1), new Date(Number.NaN), new Date(0).toISOString(), { a: new Date(0) }],
    ...[
      bytes,
      bytes.buffer,
      new Int8Array(bytes),
      [1, 2],
      Buffer.from([1, 2, 3]),
      new Point(),
      { deep: [{ a: -0 }] },
      { deep: [{ a: 0 }] },
    ],
    ...['x'.repeat(1000), 'x'.repeat(1001), { text: 'y'.repeat(1000) }, { a: 0 }, { a: -0 }, { a: Number.NaN }],
  ]
  for (const identity of ['', '"ada"', '"b@c"']) {
    const made = inputs.map((input) => keys.of(input, identity))
    expect(new Set(made).size).toBe(inputs.length)
    // And the same again from the memory of what was asked before.
    expect(inputs.map((input) => keys.of(input, identity))).toEqual(made)
    for (const key of made) expect(key.length).toBeLessThan(320)
  }
  expect(keys.of('x', '"ada"')).not.toBe(keys.of('x@"ada"', ''))
})

test('an input that its implementation changes does not stand for another', () => {
  const input = { id: 1 }
  expect(keys.of(input, '')).toBe('a.b:{"id":1}')
  input.id = 257
  expect(keys.of({ id: 257 }, '')).toBe('a.b:{"id":257}')
})

test('what nothing tells apart is refused by name', () => {
  class Secret {
    readonly #value = 1
    value = () => this.#value
  }
  const endless: unknown[] = []
  endless.push(endless)
  for (const [input, path] of [
    [{ a: { run: () => 1 } }, 'a.run'],
    [{ list: [new Secret()] }, 'list.0'],
    [new WeakMap(), ''],
    [Symbol('x'), ''],
    [{ [Symbol('x')]: 1, inner: {} }, ''],
    [endless, expect.stringContaining('0.0')],
  ] as const)
    expect(() => keys.of(input, '')).toThrow(
      expect.objectContaining({
        code: 'CACHE_KEY_UNUSABLE',
        details: expect.objectContaining({ operation: 'a.b', path }),
      }),
    )
})

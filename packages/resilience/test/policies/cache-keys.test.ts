import { expect, test } from 'vitest'
import { CacheKeys } from '../../src/policies/cache-keys.ts'

test('keys are those of the JSON of the input, whatever was asked for before', () => {
  const keys = new CacheKeys('a.b')
  const inputs: unknown[] = [
    undefined,
    null,
    '',
    'x',
    'xx',
    0,
    1,
    1.5,
    -1,
    257,
    2 ** 40,
    true,
    false,
    {},
    [],
    [1],
    { id: [1] },
  ]
  for (let id = 0; id < 600; id++)
    inputs.push({ id }, { id: String(id) }, { id, on: id % 2 === 0 }, { id: null, other: id }, { other: id })
  const expected = (input: unknown) => (input === undefined ? 'a.b' : `a.b:${JSON.stringify(input)}`)
  for (let round = 0; round < 3; round++)
    for (const input of inputs) {
      expect(keys.of(structuredClone(input), undefined)).toBe(expected(input))
      expect(keys.of(structuredClone(input), 'ada')).toBe(`${expected(input)}@ada`)
    }
})

test('an input that its implementation changes, a Date and an object with a method do not stand for others', () => {
  const keys = new CacheKeys('a.b')
  const input = { id: 1 }
  expect(keys.of(input, undefined)).toBe('a.b:{"id":1}')
  input.id = 257
  expect(keys.of({ id: 257 }, undefined)).toBe('a.b:{"id":257}')
  expect(keys.of({}, undefined)).toBe('a.b:{}')
  expect(keys.of(new Date(0), undefined)).toBe('a.b:"1970-01-01T00:00:00.000Z"')
  expect(keys.of({ toJSON: () => 'own' }, undefined)).toBe('a.b:"own"')
  expect(keys.of({ at: new Date(0) }, undefined)).toBe('a.b:{"at":"1970-01-01T00:00:00.000Z"}')
})

import { expect, test } from 'vitest'
import * as z from 'zod'
import { jsonSchemaOf, unknownKeys } from '../../src/index.ts'

const pathsIn = (value: unknown, schema: z.ZodType) =>
  unknownKeys(value, jsonSchemaOf(schema, 'input', 'x')).map(({ path }) => path)
const Entry = z.object({ name: z.string(), list: z.array(z.object({ id: z.number() })).optional() })

test('unknownKeys() finds keys at any depth that the schema does not know', () => {
  expect(pathsIn({ name: 'x', other: 1, list: [{ id: 1 }, { id: 2, extra: 3 }] }, Entry)).toEqual([
    'other',
    'list.1.extra',
  ])
  expect(pathsIn({ name: 'x', list: [{ id: 1 }] }, Entry)).toEqual([])
})

test('unknownKeys() takes no key for known because every object inherits it', () => {
  expect(pathsIn(JSON.parse('{"name":"x","__proto__":{},"constructor":1}'), Entry)).toEqual([
    '__proto__',
    'constructor',
  ])
})

test('unknownKeys() leaves open objects and other types to the validator', () => {
  expect(pathsIn({ anything: 1 }, z.record(z.string(), z.number()))).toEqual([])
  expect(pathsIn({ a: 1, b: 2 }, z.looseObject({ a: z.number() }))).toEqual([])
  expect(pathsIn('text', Entry)).toEqual([])
  expect(unknownKeys({ a: 1 }, undefined)).toEqual([])
})

test('unknownKeys() looks through names, combinations and choices', () => {
  const Address = z.object({ street: z.string() }).meta({ id: 'Address' })
  const Person = z.object({ address: Address, friends: z.array(z.union([Address, z.object({ name: z.string() })])) })
  const value = { address: { street: 'a', isAdmin: true }, friends: [{ street: 'a', name: 'b' }, { age: 1 }] }
  expect(pathsIn(value, Person)).toEqual(['address.isAdmin', 'friends.1.age'])
  expect(pathsIn([{ street: 'a', x: 1 }], z.tuple([Address]))).toEqual(['0.x'])
  const both = {
    allOf: [
      { type: 'object', properties: { a: {} } },
      { type: 'object', properties: { b: {} } },
    ],
  }
  expect(unknownKeys({ a: 1, b: 2, c: 3 }, both).map(({ path }) => path)).toEqual(['c'])
})

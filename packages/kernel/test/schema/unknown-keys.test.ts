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

import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { coerceText, isRecord, jsonSchemaOf, propertiesOf } from '../../src/index.ts'

const schemaOf = (schema: z.ZodType) => jsonSchemaOf(schema, 'input', 'a test')

describe('coerceText()', () => {
  test.each([
    [z.string(), '42', '42'],
    [z.number(), '4.2', 4.2],
    [z.int(), '-42', -42],
    [z.number(), '1e3', 1000],
    [z.boolean(), 'true', true],
    [z.boolean(), 'false', false],
    [z.null(), 'null', null],
    [z.int().nullable(), '7', 7],
    [z.int().nullable(), 'null', null],
    [z.number().optional(), '5', 5],
    [z.number().default(1), '5', 5],
    [z.literal([1, 2]), '2', 2],
    [z.literal(true), 'true', true],
    [z.enum(['1', '2']), '2', '2'],
    [z.union([z.number(), z.boolean()]), 'true', true],
    [z.object({ a: z.number() }), '{"a":1}', { a: 1 }],
    [z.array(z.int()), '5', [5]],
    [z.any(), '5', '5'],
  ])('%# turns text into the type that the schema asks for', (schema, text, value) => {
    expect(coerceText(text, schemaOf(schema))).toEqual(value)
  })

  test.each([
    [z.number(), 'four'],
    [z.number(), ''],
    [z.number(), ' '],
    [z.number(), 'Infinity'],
    [z.number(), 'NaN'],
    [z.boolean(), 'yes'],
    [z.boolean(), '1'],
    [z.object({}), '{"a":'],
  ])('%# leaves what does not fit for validation to report', (schema, text) => {
    expect(coerceText(text, schemaOf(schema))).toBe(text)
  })

  test('keeps text that may be text, though it looks like a number', () => {
    expect(coerceText('42', schemaOf(z.union([z.string(), z.number()])))).toBe('42')
    expect(coerceText('null', schemaOf(z.string().nullable()))).toBe('null')
    expect(coerceText('42', undefined)).toBe('42')
  })

  test('takes repeated names as the items of a list', () => {
    expect(coerceText(['1', '2', 'x'], schemaOf(z.array(z.number())))).toEqual([1, 2, 'x'])
    expect(coerceText(['1'], schemaOf(z.number()))).toBe(1)
    expect(coerceText(['1', '2'], schemaOf(z.number()))).toEqual(['1', '2'])
  })
})

test('propertiesOf() gives the schemas of an object, and nothing of anything else', () => {
  expect(Object.keys(propertiesOf(schemaOf(z.object({ a: z.string(), b: z.number() }))))).toEqual(['a', 'b'])
  expect(propertiesOf(schemaOf(z.string()))).toEqual({})
  expect(propertiesOf(undefined)).toEqual({})
})

test('isRecord() takes objects, not lists and not null', () => {
  expect([{}, Object.create(null)].every(isRecord)).toBe(true)
  expect([[], null, undefined, 'x', 1].some(isRecord)).toBe(false)
})

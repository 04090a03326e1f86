import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { coerceText, isRecord, jsonSchemaOf, propertiesOf, requiredOf, typesOf } from '../../src/index.ts'

const schemaOf = (schema: z.ZodType) => jsonSchemaOf(schema, 'input', 'a test')

const Limit = z.int().meta({ id: 'Limit' })

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
    [z.any(), '5', 5],
    [z.any(), 'five', 'five'],
    [Limit, '5', 5],
    [z.union([Limit, z.boolean()]), 'true', true],
    [z.intersection(z.string(), z.string().min(2)), '42', '42'],
    [z.literal([1, 'x', null, true]), 'null', null],
    [z.literal([1, 'x', null, true]), '1', 1],
    [z.literal(['1', 2]), '1', '1'],
    [z.union([z.string(), z.array(z.string())]), 'a', 'a'],
    [z.union([z.int(), z.array(z.string())]), 'a', ['a']],
    [z.array(z.string()).nullable(), 'null', null],
    [z.array(z.array(z.int())), '[1,2]', [[1, 2]]],
    [z.tuple([z.int(), z.string()]), ['1', '2'], [1, '2']],
    [z.object({ a: z.string() }).nullable(), '{"a":"1"}', { a: '1' }],
    [z.number(), '-0', 0],
    [z.number(), '1e21', 1e21],
    [z.number(), '1000000000000000000000', 1e21],
  ])('%# turns text into the type that the schema asks for', (schema, text, value) => {
    expect(coerceText(text, schemaOf(schema))).toEqual(value)
  })

  test.each([
    [z.number(), 'four'],
    [z.number(), ''],
    [z.number(), ' '],
    [z.number(), 'Infinity'],
    [z.number(), 'NaN'],
    [z.number(), ' 5'],
    [z.number(), '0x10'],
    [z.number(), '1.'],
    [z.number(), '+1'],
    [z.number(), '1e400'],
    [z.number(), '1e-400'],
    [z.number(), '9007199254740993'],
    [z.object({ id: z.number() }), '{"id":9007199254740993}'],
    [z.boolean(), 'yes'],
    [z.boolean(), '1'],
    [z.object({}), '{"a":'],
  ])('%# leaves what does not fit for validation to report', (schema, text) => {
    expect(coerceText(text, schemaOf(schema))).toBe(text)
  })

  test('takes text for the more special type where both are admitted', () => {
    expect(coerceText('42', schemaOf(z.union([z.string(), z.number()])))).toBe(42)
    expect(coerceText('null', schemaOf(z.string().nullable()))).toBe(null)
    expect(coerceText('42', undefined)).toBe('42')
  })

  test('takes repeated names as the items of a list', () => {
    expect(coerceText(['1', '2', 'x'], schemaOf(z.array(z.number())))).toEqual([1, 2, 'x'])
    expect(coerceText(['1'], schemaOf(z.number()))).toBe(1)
    expect(coerceText(['1', '2'], schemaOf(z.number()))).toEqual(['1', '2'])
  })
})

describe('the parts of a schema', () => {
  const Named = z.object({ kind: z.literal('a'), n: z.int() }).meta({ id: 'Named' })
  const either = schemaOf(
    z.discriminatedUnion('kind', [Named, z.object({ kind: z.literal('b'), s: z.string().optional() })]),
  )
  const both = {
    allOf: [{ $ref: '#/$defs/A' }, { required: ['b'] }],
    $defs: { A: { properties: { a: {}, b: true }, required: ['a'] } },
  }

  test('propertiesOf() gives the schemas of an object, whatever names, combines or chooses it', () => {
    expect(Object.keys(propertiesOf(schemaOf(z.object({ a: z.string(), b: z.number() }))))).toEqual(['a', 'b'])
    expect(Object.keys(propertiesOf(either))).toEqual(['kind', 'n', 's'])
    expect(propertiesOf(either)['kind']).toMatchObject({ anyOf: [{ const: 'a' }, { const: 'b' }] })
    expect(Object.keys(propertiesOf(both))).toEqual(['a', 'b'])
    expect(Object.keys(propertiesOf(schemaOf(z.record(z.enum(['x', 'y']), z.int()))))).toEqual(['x', 'y'])
    expect([propertiesOf(schemaOf(z.string())), propertiesOf(undefined)]).toEqual([{}, {}])
  })

  test('requiredOf() gives what no valid object lacks', () => {
    expect([...requiredOf(either)]).toEqual(['kind'])
    expect([...requiredOf(both)]).toEqual(['a', 'b'])
  })

  test('typesOf() follows references, and ends at those that lead to themselves', () => {
    expect([...typesOf({ $ref: '#/$defs/A', $defs: { A: { type: ['integer', 'null'] } } })]).toEqual(['null', 'number'])
    expect([
      ...typesOf({ allOf: [{ type: ['string', 'array'] }, { anyOf: [{ const: 'x' }, { type: 'null' }] }] }),
    ]).toEqual(['string'])
    expect(typesOf({ $ref: '#' }).size).toBe(6)
  })
})

test('isRecord() takes objects, not lists and not null', () => {
  expect([{}, Object.create(null)].every(isRecord)).toBe(true)
  expect([[], null, undefined, 'x', 1].some(isRecord)).toBe(false)
})

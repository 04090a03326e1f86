import { expect, test } from 'vitest'
import { fits } from '../../src/schema/schema-fit.ts'

test.each([
  [{ type: 'integer', minimum: 1, exclusiveMaximum: 5, multipleOf: 2 }, [2, 4], [1, 6, 2.5, '2']],
  [{ multipleOf: 0.1 }, [0.3, 1], [0.35]],
  [{ enum: [1, '1', null, { a: [1] }] }, [1, '1', null, { a: [1] }], [true, { a: [] }]],
  [{ type: 'string', minLength: 1, maxLength: 2, pattern: '^\\p{L}+$' }, ['é', 'ab'], ['', 'abc', '1']],
  [{ pattern: '^[\\w\\-.]+$' }, ['a-b', 5], ['a b']],
  [{ prefixItems: [{ type: 'string' }], items: false, minItems: 1 }, [['a']], [[], [1], ['a', 'b']]],
  [{ type: 'array', uniqueItems: true, contains: { const: 1 } }, [[1, 2]], [[2], [1, 1]]],
  [{ required: ['a'], properties: { a: true, b: false } }, [{ a: 1, c: 2 }], [{}, { a: 1, b: 1 }]],
  [
    { patternProperties: { '^x': { type: 'number' } }, additionalProperties: false },
    [{ x1: 1 }],
    [{ x1: '' }, { y: 1 }],
  ],
  [{ propertyNames: { enum: ['a'] }, maxProperties: 1 }, [{ a: 1 }, {}], [{ b: 1 }]],
  [{ oneOf: [{ type: 'number' }, { type: 'integer' }] }, [0.5], [1, 'x']],
  [{ allOf: [{ minimum: 1 }, { not: { const: 2 } }], anyOf: [{ maximum: 3 }] }, [1, 3], [2, 4, 0]],
  [JSON.parse('{"if":{"type":"string"},"then":{"minLength":1},"else":{"type":"null"}}'), ['a', null], ['', 1]],
  [{ $ref: '#/$defs/a~1b', $defs: { 'a/b': { items: { $ref: '#' } } } }, [[], [[]]], []],
  [{ $ref: '#' }, [], [1]],
])('fits() %#', (schema, valid, invalid) => {
  expect(valid.filter((value) => !fits(value, schema, schema))).toEqual([])
  expect(invalid.filter((value) => fits(value, schema, schema))).toEqual([])
})

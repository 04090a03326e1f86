import { expect, test } from 'vitest'
import * as z from 'zod'
import { jsonSchemaOf, problemsOf } from '../../src/index.ts'

test('jsonSchemaOf() tells what is given from what comes out', () => {
  const schema = z.object({ limit: z.number().default(10) })
  expect(jsonSchemaOf(schema, 'input', 'x')).not.toHaveProperty('required')
  expect(jsonSchemaOf(schema, 'output', 'x')).toHaveProperty('required', ['limit'])
})

test('jsonSchemaOf() describes a schema once', () => {
  const schema = z.object({ a: z.string() })
  expect(jsonSchemaOf(schema, 'input', 'x')).toBe(jsonSchemaOf(schema, 'input', 'y'))
  expect(jsonSchemaOf(schema, 'input', 'x')).not.toHaveProperty('$schema')
})

test('problemsOf() writes paths with dots, whatever shape the validator gives them', () => {
  const issues = [{ message: 'a', path: ['hits', 0, { key: 'score' }] }, { message: 'b', path: [] }, { message: 'c' }]
  expect(problemsOf(issues)).toEqual([
    { path: 'hits.0.score', message: 'a' },
    { path: '', message: 'b' },
    { path: '', message: 'c' },
  ])
})

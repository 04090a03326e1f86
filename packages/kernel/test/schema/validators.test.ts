/** Three validators that know nothing of each other describe the same contract. */
import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import {
  contractsDocument,
  defineContract,
  errorsOf,
  isContractError,
  isError,
  jsonSchemaOf,
  propertiesOf,
  query,
} from '../../src/index.ts'

const contracts = {
  zod: defineContract('notes', '1.0.0', {
    find: query({
      input: z.object({ text: z.string().min(1), limit: z.int().optional() }),
      output: z.array(z.object({ kind: z.enum(['a', 'b']) })),
      errors: { NOT_FOUND: z.object({ text: z.string() }) },
    }),
  }),
  valibot: defineContract('notes', '1.0.0', {
    find: query({
      input: toStandardJsonSchema(
        v.object({ text: v.pipe(v.string(), v.minLength(1)), limit: v.optional(v.pipe(v.number(), v.integer())) }),
      ),
      output: toStandardJsonSchema(v.array(v.object({ kind: v.picklist(['a', 'b']) }))),
      errors: { NOT_FOUND: toStandardJsonSchema(v.object({ text: v.string() })) },
    }),
  }),
  arktype: defineContract('notes', '1.0.0', {
    find: query({
      input: type({ text: 'string >= 1', 'limit?': 'number.integer' }),
      output: type({ kind: "'a' | 'b'" }).array(),
      errors: { NOT_FOUND: type({ text: 'string' }) },
    }),
  }),
}

describe.each(Object.entries(contracts))('a contract written with %s', (_, contract) => {
  const { input, output } = contract.operations.find

  test('describes itself in JSON Schema', () => {
    const schema = input && jsonSchemaOf(input, 'input', 'input')
    expect(propertiesOf(schema)).toMatchObject({ text: { type: 'string', minLength: 1 }, limit: { type: 'integer' } })
    expect(schema?.['required']).toEqual(['text'])
    expect(output && jsonSchemaOf(output, 'output', 'output')).toMatchObject({
      type: 'array',
      items: { properties: { kind: { enum: ['a', 'b'] } } },
    })
    expect(() => JSON.stringify(contractsDocument([contract]))).not.toThrow()
  })

  test('accepts and refuses the same values', async () => {
    const isAccepted = async (value: unknown) => !(await input?.['~standard'].validate(value))?.issues
    expect(await isAccepted({ text: 'x', limit: 3 })).toBe(true)
    expect(await isAccepted({ text: '' })).toBe(false)
    expect(await isAccepted({ text: 'x', limit: 0.5 })).toBe(false)
    expect(await isAccepted({})).toBe(false)
  })

  test('makes and recognises its declared errors', () => {
    const { find } = contracts.zod.operations
    const error = errorsOf(contract.operations.find).NOT_FOUND({ text: 'keel' })
    expect(error).toMatchObject({ code: 'NOT_FOUND', kind: 'not-found', details: { text: 'keel' } })
    expect(isContractError(error, find, 'NOT_FOUND')).toBe(true)
  })
})

test('valibot without its wrapper is refused with what to do', () => {
  try {
    defineContract('notes', '1.0.0', { find: query({ input: v.object({ text: v.string() }) }) })
    expect.fail('it was accepted')
  } catch (error) {
    expect(isError(error, 'SCHEMA_WITHOUT_JSON') && error.message).toMatch(
      /notes\.find input \(.*validators\.test\.ts:\d+:\d+\).*toStandardJsonSchema of @valibot\/to-json-schema/,
    )
  }
})

test('an input with a name of its own still shows its fields', () => {
  const Named = z.object({ text: z.string() }).meta({ id: 'ValidatorsNamed' })
  expect(Object.keys(propertiesOf(jsonSchemaOf(Named, 'input', 'x')))).toEqual(['text'])
})

test('a recursive schema describes itself by reference', () => {
  const Node = z.object({
    value: z.string(),
    get kids() {
      return z.array(Node)
    },
  })
  const contract = defineContract('trees', '1.0.0', { get: query({ input: Node, output: z.object({ root: Node }) }) })
  expect(JSON.stringify(contractsDocument([contract]))).toContain('"$ref"')
})

import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { command, defineContract, facadeWords, isError, query, type Schema, subscription } from '../../src/index.ts'

const Text = z.object({ text: z.string() })

/** The error that defining a contract with these throws. */
function refusal(name: string, version: string, operations: Parameters<typeof defineContract>[2]): string {
  try {
    defineContract(name, version, operations)
  } catch (error) {
    if (isError(error)) return `${error.code}: ${error.message}`
    throw error
  }
  return expect.fail('it was accepted')
}

describe('defineContract()', () => {
  test('gives the contract as data', () => {
    const search = query({ summary: 'Finds texts.', input: Text, output: z.array(Text) })
    const contract = defineContract('full-text2', '1.2.3-beta.1', {
      search,
      clear: command({}),
      changes: subscription({ output: Text }),
    })
    expect(contract).toMatchObject({ kind: 'contract', name: 'full-text2', version: '1.2.3-beta.1' })
    expect(contract.operations.search).toBe(search)
    expect(Object.values(contract.operations).map(({ kind }) => kind)).toEqual(['query', 'command', 'subscription'])
    expect(contract.operations.clear).toMatchObject({
      summary: '',
      input: undefined,
      output: undefined,
      annotations: [],
    })
  })

  test.each(['', 'Text', 'full_text', '-text', 'text-', 'full--text', '2text', 'té', 'a b', '__proto__'])(
    'refuses the name "%s"',
    (name) => {
      expect(refusal(name, '1.0.0', {})).toContain('CONTRACT_INVALID')
    },
  )

  test.each(['', '1', '1.0', 'v1.0.0', '1.0.0 ', '1.0.x'])('refuses the version "%s"', (version) => {
    expect(refusal('text', version, {})).toContain('CONTRACT_INVALID')
  })

  test.each(facadeWords)('refuses an operation named like the facade\'s own "%s"', (word) => {
    expect(refusal('text', '1.0.0', { [word]: query({}) })).toContain('is a word of the facade')
  })

  test.each(['Find', 'find-all', 'find_all', '2find', '', 'finde é'])('refuses the operation name "%s"', (name) => {
    expect(refusal('text', '1.0.0', { [name]: query({}) })).toContain('CONTRACT_INVALID')
  })

  test('refuses schemas that JSON cannot carry, and says which', () => {
    const dated = z.object({ at: z.date() })
    expect(refusal('text', '1.0.0', { find: query({ input: dated }) })).toMatch(
      /^SCHEMA_WITHOUT_JSON: .*text\.find input/,
    )
    expect(refusal('text', '1.0.0', { find: query({ output: dated }) })).toMatch(
      /^SCHEMA_WITHOUT_JSON: .*text\.find output/,
    )
    expect(refusal('text', '1.0.0', { find: query({ output: z.bigint() }) })).toContain('SCHEMA_WITHOUT_JSON')
    expect(refusal('text', '1.0.0', { find: query({ output: z.string().transform(Number) }) })).toContain(
      'SCHEMA_WITHOUT_JSON',
    )
  })

  test('refuses a validator that offers no JSON Schema, by its name', () => {
    const schema: Schema = { '~standard': { version: 1, vendor: 'homemade', validate: (value) => ({ value }) } }
    expect(refusal('text', '1.0.0', { find: query({ input: schema }) })).toContain('homemade')
  })
})

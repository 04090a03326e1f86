import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { jsonSchemaOf } from '../../src/index.ts'
import { fits } from '../../src/schema/schema-fit.ts'
import { schemaValues } from '../../src/testing.ts'

const Tree = z.object({
  value: z.int(),
  get children() {
    return z.array(Tree).max(3)
  },
})
const schemas: Record<string, z.ZodType> = {
  object: z.object({ a: z.string(), b: z.int().min(1).max(3).optional(), c: z.boolean().default(true) }),
  strict: z.strictObject({ a: z.string().min(2).max(3) }),
  union: z.discriminatedUnion('k', [
    z.object({ k: z.literal('a'), n: z.number().gt(0).lt(1) }).meta({ id: 'A' }),
    z.object({ k: z.literal('b'), at: z.iso.datetime() }),
  ]),
  both: z.object({ a: z.int() }).and(z.object({ b: z.enum(['x', 'y']) })),
  tuple: z.tuple([z.int(), z.string()]).rest(z.boolean()),
  list: z.array(z.number().multipleOf(0.1).min(0).max(2)).min(1).max(4),
  record: z.record(z.string().regex(/^[a-c]{1,2}$/), z.int().nullable()),
  named: z.record(z.enum(['p', 'q']), z.int()),
  patterns: z.object({ a: z.string().regex(/^(?:ab|c\d{2,3})[^x]+\.\w?$/), u: z.string().regex(/^\p{L}+$/u) }),
  formats: z.object({
    mail: z.email(),
    id: z.uuid(),
    at: z.iso.datetime(),
    day: z.iso.date(),
    url: z.url(),
    ip: z.ipv4(),
  }),
  literals: z.literal([1, '1', null, true]),
  tree: Tree,
}

describe('schemaValues()', () => {
  test.each(Object.entries(schemas))(
    'makes values that the validator takes, and others that it refuses: %s',
    (_, schema) => {
      const values = schemaValues(jsonSchemaOf(schema, 'input', 'a test'), 7)
      for (let n = 0; n < 100; n++) {
        const valid = values.valid()
        expect(schema.safeParse(valid).error?.issues, JSON.stringify(valid)).toBeUndefined()
      }
      const invalid = Array.from({ length: 50 }, values.invalid)
      const refused = invalid.filter((value) => !schema.safeParse(value).success)
      // A default or a format may make good for what the schema alone would refuse.
      expect(refused.length).toBeGreaterThan(25)
    },
  )

  test('gives the same values for the same seed, and others for another', () => {
    const made = (seed: number) => {
      const values = schemaValues({ type: 'object', properties: { a: { type: 'number' }, b: {} } }, seed)
      return JSON.stringify(Array.from({ length: 20 }, values.valid))
    }
    expect(made(1)).toBe(made(1))
    expect(made(1)).not.toBe(made(2))
  })

  test('comes to the edges: empty, bounds, texts that look like something else', () => {
    const schema = {
      type: 'array',
      maxItems: 2,
      items: { anyOf: [{ type: 'integer', minimum: -3, maximum: 3 }, { type: 'string' }] },
    }
    const values = schemaValues(schema, 3)
    const all = Array.from({ length: 400 }, values.valid) as unknown[][]
    const seen = new Set(all.flat())
    expect(all.some((list) => list.length === 0)).toBe(true)
    expect([-3, 3, 0, '', 'null', '__proto__', '0x10'].filter((edge) => !seen.has(edge))).toEqual([])
  })

  test('says so when there is no value, and gives nothing invalid where everything is valid', () => {
    expect(() => schemaValues({ type: 'string', enum: [1] }, 1).valid()).toThrow(
      expect.objectContaining({ code: 'SCHEMA_VALUE_UNKNOWN' }),
    )
    expect(schemaValues({}, 1).invalid()).toBeUndefined()
    expect(fits(schemaValues({}, 1).valid(), {}, {})).toBe(true)
  })
})

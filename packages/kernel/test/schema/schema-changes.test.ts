import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { jsonSchemaOf, type Schema } from '../../src/index.ts'
import { type SchemaChange, schemaChanges } from '../../src/schema/schema-changes.ts'

const changes = (before: Schema, after: Schema) =>
  schemaChanges(jsonSchemaOf(before, 'input', 'before'), jsonSchemaOf(after, 'input', 'after'))

function effectOf(found: readonly SchemaChange[]): string {
  const effects = [
    found.some(({ narrows }) => narrows) && 'narrows',
    found.some(({ widens }) => widens) && 'widens',
    found.some(({ isRemoval }) => isRemoval) && 'removes',
  ]
  return effects.filter(Boolean).join(' ') || (found.length > 0 ? 'adds' : 'same')
}

const Circle = z.object({ kind: z.literal('circle'), radius: z.number() })
const Square = z.object({ kind: z.literal('square'), side: z.number() })
const Line = z.object({ kind: z.literal('line') })
const Tree = z.object({
  value: z.string(),
  get kids() {
    return z.array(Tree)
  },
})
const OtherTree = z.object({
  value: z.int(),
  get kids() {
    return z.array(OtherTree)
  },
})

describe('schemaChanges()', () => {
  test.each<[string, Schema, Schema, string]>([
    ['a description', z.string(), z.string().describe('new'), 'same'],
    ['number to integer', z.number(), z.int(), 'narrows'],
    ['integer to number', z.int(), z.number(), 'widens'],
    ['string to number', z.string(), z.number(), 'narrows widens'],
    ['a type that may be null', z.string(), z.string().nullable(), 'widens'],
    ['a type that may not be null', z.string().nullable(), z.string(), 'narrows'],
    ['anything to a string', z.unknown(), z.string(), 'narrows'],
    ['a longer minimum', z.string().min(1), z.string().min(2), 'narrows'],
    ['a longer maximum', z.string().max(1), z.string().max(2), 'widens'],
    ['a new format', z.string(), z.email(), 'narrows'],
    ['another format', z.uuid(), z.email(), 'narrows widens'],
    ['a coarser step', z.number().multipleOf(2), z.number().multipleOf(4), 'narrows'],
    ['a new enum value', z.enum(['a']), z.enum(['a', 'b']), 'widens'],
    ['a removed enum value', z.enum(['a', 'b']), z.enum(['a']), 'narrows'],
    ['a literal to its type', z.literal('a'), z.string(), 'widens'],
    ['a new required property', z.object({}), z.object({ a: z.string() }), 'narrows'],
    ['a new optional property', z.object({}), z.object({ a: z.string().optional() }), 'adds'],
    ['a removed property', z.object({ a: z.string() }), z.object({}), 'removes'],
    ['a property with a default', z.object({ a: z.string() }), z.object({ a: z.string().default('') }), 'widens'],
    ['a record of something else', z.record(z.string(), z.int()), z.record(z.string(), z.number()), 'widens'],
    ['items of something else', z.array(z.number()), z.array(z.int()), 'narrows'],
    ['a longer tuple', z.tuple([z.string()]), z.tuple([z.string(), z.string()]), 'narrows widens'],
    ['a plain type in a union', z.string(), z.union([z.string(), z.object({})]), 'widens'],
    [
      'alternatives in another order',
      z.discriminatedUnion('kind', [Circle, Square]),
      z.discriminatedUnion('kind', [Square, Circle]),
      'same',
    ],
    [
      'a new alternative',
      z.discriminatedUnion('kind', [Circle, Square]),
      z.discriminatedUnion('kind', [Circle, Square, Line]),
      'widens',
    ],
    [
      'a removed alternative',
      z.discriminatedUnion('kind', [Circle, Square, Line]),
      z.discriminatedUnion('kind', [Circle, Square]),
      'narrows',
    ],
    ['a recursive schema', Tree, Tree, 'same'],
    ['something inside a recursive schema', Tree, OtherTree, 'narrows widens'],
  ])('%s', (_, before, after, effect) => {
    expect(effectOf(changes(before, after))).toBe(effect)
  })

  test('does not mind how definitions are named or where they stand', () => {
    const inline = z.object({ one: z.object({ a: z.string() }), two: z.object({ a: z.string() }) })
    const Named = z.object({ a: z.string() }).meta({ id: 'SchemaChangesNamed' })
    expect(changes(inline, z.object({ one: Named, two: Named }))).toEqual([])
  })

  test('finds what changed inside the alternative it belongs to', () => {
    const after = z.object({ kind: z.literal('square'), side: z.int() })
    expect(
      changes(
        z.object({ shapes: z.array(z.discriminatedUnion('kind', [Circle, Square])) }),
        z.object({ shapes: z.array(z.discriminatedUnion('kind', [Circle, after])) }),
      )[0],
    ).toMatchObject({ path: 'shapes[](kind="square").side', narrows: true, widens: false })
  })

  test('takes what it does not understand for a change both ways', () => {
    expect(schemaChanges({ not: { type: 'string' } }, { not: { type: 'null' } })).toMatchObject([
      { narrows: true, widens: true },
    ])
    expect(schemaChanges({ $ref: 'https://example.org/a' }, { $ref: 'https://example.org/b' })).toMatchObject([
      { narrows: true, widens: true },
      { narrows: true, widens: true },
    ])
  })
})

/** A small generator of its own, so that a failing run can be repeated by its seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Puts a schema somewhere inside others, where what happens to it happens to the whole. */
function wrap(inner: Schema, random: (below: number) => number, depth: number): z.ZodType {
  // Everything made here is zod's.
  const made = inner as z.ZodType
  if (depth === 0) return made
  const others = { x: z.string(), y: z.int().optional() }
  const wrapped = [
    () => z.object({ ...others, inner: made }),
    () => z.object({ inner: made.optional() }),
    () => z.array(made),
    () => z.record(z.string(), made),
    () => z.discriminatedUnion('kind', [Circle, z.object({ kind: z.literal('wrapped'), inner: made })]),
    () => z.tuple([z.string(), made]),
    () => z.intersection(z.object({ left: made }), z.object({ right: z.string() })),
  ][random(7)]
  return wrap(wrapped ? wrapped() : made, random, depth - 1)
}

const edits: readonly (readonly [Schema, Schema])[] = [
  [z.number(), z.int()],
  [z.string().nullable(), z.string()],
  [z.string(), z.string().min(3)],
  [z.number().max(9), z.number().max(8)],
  [z.enum(['a', 'b', 'c']), z.enum(['a', 'c'])],
  [z.string(), z.enum(['a'])],
  [z.object({ a: z.string().optional() }), z.object({ a: z.string() })],
  [z.array(z.string()), z.array(z.string()).max(5)],
  [z.union([z.string(), z.int()]), z.string()],
  [z.unknown(), z.object({})],
]

describe('schemaChanges() of random schemas', () => {
  test('classifies an edit the same however deep it is, and mirrored when it is undone', () => {
    for (let seed = 1; seed <= 400; seed++) {
      const [wide, narrow] = edits[seed % edits.length] ?? expect.fail('there are edits')
      const depth = seed % 5
      const before = wrap(wide, randomOf(seed), depth)
      const after = wrap(narrow, randomOf(seed), depth)
      expect(effectOf(changes(before, after)), `seed ${seed}`).toBe('narrows')
      expect(effectOf(changes(after, before)), `seed ${seed}, undone`).toBe('widens')
      expect(changes(before, wrap(wide, randomOf(seed), depth)), `seed ${seed}, unchanged`).toEqual([])
    }
  })
})

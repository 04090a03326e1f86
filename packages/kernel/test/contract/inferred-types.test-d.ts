/** What compilers of other platforms stumble over: the types of a contract are ordinary TypeScript, so whatever infers, infers. */
import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import * as v from 'valibot'
import { expectTypeOf, test } from 'vitest'
import * as z from 'zod'
import {
  type CallParameters,
  type CallResult,
  defineContract,
  type Handler,
  query,
  type Schema,
} from '../../src/index.ts'

type Given<Op extends Parameters<typeof defineContract>[2][string]> = NonNullable<CallParameters<Op, never>[0]>
type Got<Op extends Parameters<typeof defineContract>[2][string]> = Awaited<CallResult<Op>>

test('inferred types need not be written twice', () => {
  const Row = z.object({ id: z.string(), at: z.iso.datetime(), tags: z.array(z.string()) })
  const find = query({ input: Row.pick({ id: true }), output: Row.omit({ tags: true }).partial({ at: true }) })
  expectTypeOf<Given<typeof find>>().toEqualTypeOf<{ id: string }>()
  expectTypeOf<Got<typeof find>>().toEqualTypeOf<{ id: string; at?: string | undefined }>()
})

test('unions, discriminated and of third parties', () => {
  const Shape = z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('circle'), radius: z.number() }),
    z.object({ kind: z.literal('square'), side: z.number() }),
  ])
  const area = query({ input: Shape, output: z.union([z.number(), z.null()]) })
  expectTypeOf<Given<typeof area>>().toEqualTypeOf<
    { kind: 'circle'; radius: number } | { kind: 'square'; side: number }
  >()
  expectTypeOf<Got<typeof area>>().toEqualTypeOf<number | null>()
  const foreign = query({ input: type({ a: "'x' | 'y' | 1" }), output: toStandardJsonSchema(v.picklist(['x', 'y'])) })
  expectTypeOf<Given<typeof foreign>>().toEqualTypeOf<{ a: 'x' | 'y' | 1 }>()
  expectTypeOf<Got<typeof foreign>>().toEqualTypeOf<'x' | 'y'>()
})

test('generic makers of contracts', () => {
  const paged = <Item extends z.ZodType>(item: Item) => z.object({ items: z.array(item), next: z.string().nullable() })
  const listOf = <Item extends Schema<unknown, unknown> & z.ZodType>(item: Item) =>
    query({ input: z.object({ cursor: z.string().optional() }), output: paged(item) })
  const Notes = defineContract('notes', '1.0.0', { list: listOf(z.object({ id: z.string() })) })
  expectTypeOf<Got<typeof Notes.operations.list>>().toEqualTypeOf<{ items: { id: string }[]; next: string | null }>()
})

test('recursive types, records and branded types', () => {
  const Node = z.object({
    value: z.string(),
    get kids() {
      return z.array(Node)
    },
  })
  const Id = z.string().brand('NoteId')
  const read = query({
    input: z.object({ id: Id }),
    output: z.object({ root: Node, counts: z.record(Id, z.number()) }),
  })
  expectTypeOf<Got<typeof read>['root']['kids'][number]['value']>().toEqualTypeOf<string>()
  expectTypeOf<Parameters<Handler<typeof read, never>>[0]['id']>().toEqualTypeOf<z.infer<typeof Id>>()
  expectTypeOf<Got<typeof read>['counts']>().toEqualTypeOf<Record<z.infer<typeof Id>, number>>()
})

test('optional, nullable and default differ for who gives and who gets', () => {
  const Fields = z.object({ a: z.string().optional(), b: z.string().nullable(), c: z.string().default('x') })
  const echo = query({ input: Fields, output: Fields })
  expectTypeOf<Given<typeof echo>>().toEqualTypeOf<{
    a?: string | undefined
    b: string | null
    c?: string | undefined
  }>()
  expectTypeOf<Got<typeof echo>>().toEqualTypeOf<{ a?: string | undefined; b: string | null; c: string }>()
})

test('an output need not be spelt out to be known', () => {
  const count = query({ output: z.int() })
  expectTypeOf<Got<typeof count>>().toEqualTypeOf<number>()
})

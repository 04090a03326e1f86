/** Schemas and routes at random, in the shapes that contracts have. */
import type { Random } from '@keelson/kernel/testing'
import * as z from 'zod'

export interface ArbitraryInput {
  readonly schema: z.ZodType
  /** `POST /v1/…`, with the inputs of the path. */
  readonly route: string
  readonly options: { readonly json?: string; readonly body?: string; readonly query?: readonly string[] }
}

const keys = ['name', 'limit', 'tags', 'constructor', 'kebab-key', 'x y', 'größe', 'toString', 'a.b']
let named = 0

/** An object, one of several, or two in one, and a route that can carry it. */
export function arbitraryInput(random: Random, place: string): ArbitraryInput {
  const method = pick(random, ['GET', 'DELETE', 'POST', 'PUT', 'PATCH'])
  const inPath = ['id', 'part'].slice(0, below(random, 3))
  const path = Object.fromEntries(inPath.map((key) => [key, scalar(random)]))
  const fields = () => Object.fromEntries(some(random, keys).map((key) => [key, field(random)]))
  const schema = pick(random, [
    () => z.object({ ...path, ...fields() }),
    () => z.object({ ...path, ...fields() }).catchall(arbitraryValue(random, 2)),
    () =>
      z.discriminatedUnion('kind', [
        z.object({ ...path, kind: z.literal('a'), ...fields() }),
        z.object({ ...path, kind: z.literal(1), ...fields() }).meta({ id: name() }),
      ]),
    () => z.object({ ...path, first: field(random) }).and(z.object({ second: field(random) })),
    () => z.object({ ...path, ...fields() }).meta({ id: name() }),
  ])()
  const route = `${method} /v1/${place}${inPath.map((key) => `/{${key}}`).join('')}`
  if (method === 'GET' || method === 'DELETE') return { schema, route, options: {} }
  const whole = below(random, 4)
  const object = z.object({ ...path, whole: arbitraryValue(random, 1).optional(), limit: field(random) })
  if (whole === 0) return { schema: object, route, options: { json: 'whole' } }
  const text = z.object({ ...path, text: z.string().optional(), limit: field(random) })
  if (whole === 1) return { schema: text, route, options: { body: 'text' } }
  if (whole === 2)
    return {
      schema: z.object({ ...path, limit: field(random), name: field(random) }),
      route,
      options: { query: ['limit'] },
    }
  return { schema, route, options: {} }
}

function field(random: Random): z.ZodType {
  const value = arbitraryValue(random, 1)
  return pick(random, [
    () => value,
    () => value.optional(),
    () => value.nullish(),
    () => z.string().default('x'),
    () => z.int().nullable(),
  ])()
}

/** What can be a part of a path. */
function scalar(random: Random): z.ZodType {
  return pick(random, [
    () => z.string(),
    () => z.int(),
    () => z.number(),
    () => z.boolean(),
    () => z.string().nullable(),
    () => z.enum(['a', 'b/c', '%2F', ':d']),
    () => z.literal(['1', 2, true]),
    () => z.int().min(1).meta({ id: name() }),
    () => z.union([z.int(), z.string()]),
  ])()
}

export function arbitraryValue(random: Random, depth: number): z.ZodType {
  const inner = () => arbitraryValue(random, depth + 1)
  const flat = [
    () => scalar(random),
    () => z.string().min(1).max(20),
    () => z.literal([1, '1', null, true]),
    () => z.iso.datetime(),
    () => z.null(),
    () => z.any(),
    () => z.number().min(-1).max(1),
  ]
  const nested = [
    () => z.array(inner()).max(3),
    () => z.tuple([inner(), inner()]),
    () => z.object({ a: inner(), b: inner().optional(), c: z.int().default(5) }),
    () => z.union([inner(), inner()]),
    () => z.union([z.string(), z.array(z.string())]),
    () => z.record(z.string(), inner()),
    () => z.object({ a: inner() }).meta({ id: name() }),
    () => z.object({ a: inner() }).and(z.object({ b: inner() })),
    () => tree(),
    () => z.discriminatedUnion('k', [z.object({ k: z.literal('x'), v: inner() }), z.object({ k: z.literal('y') })]),
  ]
  return pick(random, depth > 3 ? flat : [...flat, ...nested])()
}

function tree(): z.ZodType {
  const Tree = z.object({
    value: z.int(),
    get children() {
      return z.array(Tree).max(2).optional()
    },
  })
  return Tree
}

function name(): string {
  return `Named ${++named}`
}

function some<T>(random: Random, values: readonly T[]): T[] {
  return values.filter(() => random() < 0.3)
}

function below(random: Random, bound: number): number {
  return Math.floor(random() * bound)
}

function pick<T>(random: Random, values: readonly T[]): T {
  const value = values[below(random, values.length)]
  if (value === undefined) throw new Error('nothing to pick from')
  return value
}

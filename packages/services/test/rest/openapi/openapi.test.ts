import { command, defineContract, type Operations, query } from '@keelson/kernel'
import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { http } from '../../../src/rest/http.ts'
import { openApiOf } from '../../../src/rest/openapi/openapi.ts'
import { Greeter } from '../../greeter.ts'

const info = { title: 'test', version: '1.0.0' }

async function validated(document: Record<string, unknown>): Promise<unknown> {
  return (await new Validator().validate(structuredClone(document))).valid || 'not valid'
}

describe('openApiOf()', () => {
  it('describes every operation with a route, validly', async () => {
    const document = openApiOf(info, [Greeter], 'http://127.0.0.1:4000')
    expect(await validated(document)).toBe(true)
    expect(document).toMatchObject({
      openapi: '3.1.0',
      paths: {
        '/v1/greetings/{name}': {
          get: {
            operationId: 'greeter.greet',
            summary: 'Greet somebody',
            parameters: [
              { name: 'name', in: 'path', required: true },
              { name: 'times', in: 'query', required: false, schema: { default: 1 } },
              { name: 'loud', in: 'query', required: false },
            ],
          },
          // Another name of the parameter does not make another path.
          delete: { parameters: [{ name: 'name', in: 'path' }], responses: { 204: {} } },
        },
        '/v1/greetings': {
          post: { responses: { 201: { headers: { Location: {} } } }, requestBody: { required: true } },
        },
        '/v1/texts/{id}': { put: { requestBody: { content: { '*/*': {} } } } },
        '/v1/count/{to}': { get: { responses: { 200: { content: { 'text/event-stream': {} } } } } },
      },
    })
    expect(JSON.stringify(document)).not.toContain('greeter.ping')
  })

  it('moves named and recursive schemas to components and keeps names apart', async () => {
    const Node = z.object({
      value: z.string(),
      get children() {
        return z.array(Node)
      },
    })
    const Tree = defineContract('tree', '1.0.0', {
      get: query({ output: Node }, http('GET /v1/tree')),
      named: query(
        { output: z.object({ one: z.object({ a: z.string() }).meta({ id: 'Thing' }) }) },
        http('GET /v1/named'),
      ),
      other: query(
        { output: z.object({ one: z.object({ b: z.int() }).meta({ id: 'Thing2' }) }) },
        http('GET /v1/other'),
      ),
    })
    const document = openApiOf(info, [Tree])
    expect(await validated(document)).toBe(true)
    const text = JSON.stringify(document)
    for (const [, reference] of text.matchAll(/"\$ref":"([^"]+)"/g)) {
      const found = (reference ?? '')
        .slice(2)
        .split('/')
        .reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], document)
      expect(found, reference).toBeDefined()
    }
    expect(text).not.toContain('$defs')
    expect(text).not.toContain('"$ref":"#"')
  })

  it('takes the inputs of a path out of every alternative of the body', () => {
    const A = z.object({ id: z.string(), kind: z.literal('a'), n: z.int() }).meta({ id: 'A' })
    const B = z.object({ id: z.string(), kind: z.literal('b') })
    const { put } = operationsOf({
      put: command({ input: z.discriminatedUnion('kind', [A, B]) }, http('PUT /v1/things/{id}')),
    })
    expect(put).toMatchObject({
      parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
      requestBody: { required: true, content: { 'application/json': { schema: { oneOf: [{}, {}] } } } },
    })
    expect(JSON.stringify(put?.['requestBody'])).not.toContain('"id"')
  })

  it('describes how each parameter is written', () => {
    const input = z.object({
      id: z.string(),
      tags: z.array(z.string()),
      pairs: z.array(z.tuple([z.int(), z.int()])).optional(),
      near: z.object({ lat: z.number() }).optional(),
      limit: z.int().meta({ id: 'Limit', description: 'At most' }).default(5),
    })
    const rest = z.object({ q: z.string() }).catchall(z.int())
    const { get, open } = operationsOf({
      get: query({ input }, http('GET /v1/things/{id}')),
      open: query({ input: rest }, http('GET /v1/open')),
    })
    const list = { in: 'query', style: 'form', explode: true }
    expect(get?.['parameters']).toMatchObject([
      { name: 'id', in: 'path', required: true },
      { name: 'tags', required: true, ...list, schema: { type: 'array', items: { type: 'string' } } },
      { name: 'pairs', required: false, ...list, schema: { items: { contentMediaType: 'application/json' } } },
      { name: 'near', in: 'query', content: { 'application/json': { schema: { type: 'object' } } } },
      { name: 'limit', in: 'query', required: false },
    ])
    expect(open?.['parameters']).toMatchObject([
      { name: 'q' },
      { name: 'others', ...list, schema: { type: 'object', additionalProperties: { type: 'integer' } } },
    ])
  })

  it('says 204 where an answer may be nothing, and no body where nothing is left for it', () => {
    const { find, touch } = operationsOf({
      find: query({ output: z.object({ a: z.string().nullable() }).optional() }, http('GET /v1/find')),
      touch: command({ input: z.object({ id: z.string() }) }, http('POST /v1/touch/{id}')),
    })
    expect(Object.keys(find?.['responses'] ?? {})).toEqual(['200', '204', 'default'])
    expect(Object.keys(touch?.['responses'] ?? {})).toEqual(['204', 'default'])
    expect(touch).not.toHaveProperty('requestBody')
  })

  it('gives components legal names that do not collide, and leaves data alone', async () => {
    const named = (id: string, key: string) => z.object({ [key]: z.object({ x: z.literal(key) }).meta({ id }) })
    const Odd = defineContract('odd', '1.0.0', {
      one: query({ output: named('My Type/1', 'a') }, http('GET /v1/one')),
      two: query({ output: named('MyType1', 'b') }, http('GET /v1/two')),
      three: query({ output: named('Problem', 'c') }, http('GET /v1/three')),
      four: query({ output: named('constructor', 'd') }, http('GET /v1/four')),
    })
    const document = openApiOf(info, [Odd])
    expect(await validated(document)).toBe(true)
    const { schemas } = document['components'] as { schemas: Record<string, unknown> }
    expect(Object.keys(schemas)).toEqual([
      'Problem',
      'MyType1',
      'OddTwoOutputMyType1',
      'OddThreeOutputProblem',
      'constructor',
    ])
    const { data } = operationsOf({
      data: query({ output: z.object({ v: z.any().default({ $ref: '#/$defs/x' }) }) }, http('GET /v1/data')),
    })
    expect(JSON.stringify(data)).toContain('"default":{"$ref":"#/$defs/x"}')
  })
})

/** What the document of a contract says of each of its operations. */
function operationsOf(operations: Operations): Record<string, Record<string, object>> {
  const { paths } = openApiOf(info, [defineContract('shop', '1.0.0', operations as Record<string, never>)])
  // The document is data: tests look into it without its types.
  const all = Object.values(paths as Record<string, Record<string, Record<string, object>>>).flatMap(Object.values)
  return Object.fromEntries(all.map((one) => [String(one['operationId']).replace('shop.', ''), one]))
}

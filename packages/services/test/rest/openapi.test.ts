import { defineContract, query } from '@keelson/kernel'
import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { http } from '../../src/rest/http.ts'
import { openApiOf } from '../../src/rest/openapi.ts'
import { Greeter } from '../greeter.ts'

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
        },
        '/v1/greetings': {
          post: { responses: { 201: { headers: { Location: {} } } }, requestBody: { required: true } },
        },
        '/v1/texts/{id}': { put: { requestBody: { content: { '*/*': {} } } } },
        '/v1/greetings/{id}': { delete: { responses: { 204: {} } } },
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
})

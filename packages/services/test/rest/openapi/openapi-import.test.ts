import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CallParameters, command, defineContract, type Operation, query } from '@keelson/kernel'
import { describe, expect, expectTypeOf, it } from 'vitest'
import * as z from 'zod'
import { http, readHttp } from '../../../src/rest/http.ts'
import { openApiOf } from '../../../src/rest/openapi/openapi.ts'
import { importOpenApi } from '../../../src/rest/openapi/openapi-import.ts'
import { Pets } from '../../fixtures/pets.contract.ts'

const fixtures = join(import.meta.dirname, '../../fixtures')
const document = JSON.parse(readFileSync(join(fixtures, 'pets.openapi.json'), 'utf8'))
const { operations } = Pets

async function accepts(operation: Operation, input: unknown): Promise<boolean> {
  return !(await operation.input?.['~standard'].validate(input))?.issues
}

/** A document with one operation that answers with this schema. */
function withSchema(schema: object): object {
  const responses = { 200: { description: '', content: { 'application/json': { schema } } } }
  return { openapi: '3.1.0', paths: { '/odd': { get: { responses } } } }
}

describe('importOpenApi()', () => {
  it('writes the module that is kept beside this test, which compiles', () => {
    expect(importOpenApi(document, 'pets').source).toBe(readFileSync(join(fixtures, 'pets.contract.ts'), 'utf8'))
  })

  it('makes operations with the routes, kinds and checks of the document', async () => {
    expect(readHttp(operations.health2)).toMatchObject({
      method: 'POST',
      path: '/pets',
      options: { query: ['dryRun'] },
    })
    expect(readHttp(operations.getPetsPetId)).toMatchObject({ method: 'GET', path: '/pets/{petId}' })
    expect(operations.getPetsPetId.errors).toMatchObject({ NOT_FOUND: { kind: 'not-found', message: 'No such pet' } })
    expect(await accepts(operations.findAll, { limit: 99, 'filter[kind]': ['cat', "it's"] })).toBe(true)
    expect(await accepts(operations.findAll, { limit: 100 })).toBe(false)
    expect(await accepts(operations.health2, { name: 'Tom', kind: 'cat', born: null, dryRun: true })).toBe(true)
    expect(await accepts(operations.health2, { name: 'Tom!', kind: 'cat' })).toBe(false)
    expect(await accepts(operations.getPetsPetId, { petId: '7' })).toBe(false)
  })

  it('gives types, recursive ones included', () => {
    type Found = CallParameters<typeof operations.findAll, never>[0]
    expectTypeOf<NonNullable<Found>['limit']>().toEqualTypeOf<number | undefined>()
    expectTypeOf(operations.getTree).not.toBeAny()
  })

  it('notes what it leaves out, on one line each', () => {
    const { notes } = importOpenApi(document, 'pets')
    expect(notes).toContain('upload: left out: a body of multipart/form-data cannot be sent')
    expect(notes.join('\n')).toContain('Owner.secret: the format "password" is not checked')
    expect(notes.every((one) => !one.includes('\n'))).toBe(true)
  })

  it.each([
    ['^\\p{L}+$', "new RegExp('^\\\\p{L}+$', 'u')", 'Anna'],
    ['^.$', "new RegExp('^.$', 'u')", '😀'],
    ['^[\\w\\-]+$', "new RegExp('^[\\\\w\\\\-]+$')", 'a-b'],
    ['^[\\w-.]+$', "new RegExp('^[\\\\w-.]+$')", 'a.b'],
    ['\\Aabc\\z', undefined, ''],
    ['(?<=a)(?i)b', undefined, ''],
  ])('reads the pattern %s as JSON Schema means it, or notes it', (pattern, code, text) => {
    const { source, notes } = importOpenApi(withSchema({ type: 'string', pattern }), 'odd')
    if (code === undefined) return expect(notes.join()).toContain('is not checked')
    expect(source).toContain(code)
    expect(new RegExp(pattern, code.endsWith("'u')") ? 'u' : '').test(text)).toBe(true)
  })

  it('leaves out what no route can say, and says so', () => {
    const answers = { responses: { 204: { description: '', content: { 'application/json': {} } } } }
    const parameters = [{ name: 'ids', in: 'path', required: true, schema: { type: 'array', items: {} } }]
    const body = { requestBody: { content: { 'application/json': { schema: { type: 'object' } } } } }
    const { source, notes } = importOpenApi(
      {
        openapi: '3.1.0',
        paths: {
          '/a/*': { get: answers },
          '/b/{ids}': { get: { ...answers, parameters, ...body } },
        },
      },
      'odd',
    )
    expect(notes).toEqual([
      'getA: left out: /a/* is no route: "*" cannot stand in a route',
      'getBIds.ids: the list in the path is given as text',
      'getBIds: the body of a GET is left out',
    ])
    expect(source).toContain('ids: z.string(),')
    expect(source).not.toMatch(/output|status/)
  })

  it('reads our own documents, with the codes of declared errors', () => {
    const Own = defineContract('own', '2.1.0', {
      take: command(
        {
          input: z.object({ id: z.string() }),
          errors: {
            NOT_FOUND: z.object({ id: z.string() }),
            STOCK_CONFLICT: z.object({ left: z.int() }),
            OTHER_CONFLICT: { kind: 'conflict' },
          },
        },
        http('POST /v1/things/{id}'),
      ),
      list: query({ output: z.array(z.object({ id: z.string() })) }, http('GET /v1/things')),
    })
    const made = openApiOf({ title: 'own', version: '2.1.0' }, [Own])
    const { source, notes } = importOpenApi(made, 'own')
    expect(source).toMatch(/take: command\([\s\S]*NOT_FOUND: \{[\s\S]*STOCK_CONFLICT: \{[\s\S]*OTHER_CONFLICT: \{/)
    expect(source).toContain("defineContract('own', '2.1.0'")
    expect(notes).toEqual([])
  })

  it.each([null, [], {}, { openapi: '2.0' }, { swagger: '2.0' }, { openapi: '4.0.0' }])('refuses %j', (value) => {
    expect(() => importOpenApi(value, 'pets')).toThrow(expect.objectContaining({ code: 'OPENAPI_UNREADABLE' }))
  })

  it('does not fall for references that go in circles or nowhere', () => {
    const broken = {
      openapi: '3.1.0',
      paths: {
        '/a': {
          get: {
            responses: { 200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/A' } } } } },
          },
        },
        '/b': { get: { responses: { 200: { $ref: '#/components/responses/Nowhere' } } } },
      },
      components: { schemas: { A: { $ref: '#/components/schemas/B' }, B: { $ref: '#/components/schemas/A' } } },
    }
    const { notes } = importOpenApi(broken, 'broken')
    expect(notes.join('\n')).toMatch(/leads nowhere/)
  })
})

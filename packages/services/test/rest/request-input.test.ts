import { query, type Schema } from '@keelson/kernel'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { HttpRoute } from '../../src/rest/http-route.ts'
import { type InputLayout, layoutOf } from '../../src/rest/input-layout.ts'
import { readInput, writeInput } from '../../src/rest/request-input.ts'

function over(
  input: Schema,
  method: HttpRoute['method'],
  path: string,
  options: HttpRoute['options'] = {},
): InputLayout {
  return layoutOf(query({ input }), { method, path, options }, 'shop.find')
}

/** What comes out of a request that was written, as JSON bodies and the router would hand it on. */
function through(layout: InputLayout, input: unknown): unknown {
  const { path, body } = writeInput(layout, 'shop.find', input)
  const [way = '', search] = path.split('?')
  const values = way.split('/').slice(3).map(decodeURIComponent)
  const names = [...layout.route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  return readInput(layout, {
    path: Object.fromEntries(names.map((name, at) => [name, values[at] ?? ''])),
    query: new URLSearchParams(search),
    body: body === undefined ? undefined : JSON.parse(String(body)),
  })
}

const Limit = z.int().meta({ id: 'Limit' })
const Anything = z.object({
  s: z.string().nullish(),
  n: z.number().nullish(),
  b: z.boolean().optional(),
  list: z.array(z.string()).optional(),
  numbers: z.array(z.number().nullable()).optional(),
  nested: z.array(z.array(z.int())).optional(),
  object: z.object({ a: z.string() }).optional(),
  either: z.union([z.number(), z.string()]).optional(),
  some: z.union([z.string(), z.array(z.string())]).optional(),
  mixed: z.literal([1, 'x', null, true]).optional(),
  limit: Limit.optional(),
  any: z.any(),
})
const find = over(Anything, 'GET', '/v1/find')

describe('an input over path and query', () => {
  it.each([
    { s: null, n: null },
    { s: '' },
    { s: ' 5&=+%2F#?é😀\n' },
    { n: 1e21, b: false, limit: 5 },
    { n: -0.1, either: 5 },
    { either: '0x10', mixed: null },
    { mixed: 1, any: true },
    { list: ['a'], numbers: [1, null] },
    { list: ['', ''], nested: [[], [1, 2]] },
    { object: { a: '1' }, any: [1, 'x'] },
    { some: 'a' },
    { some: ['a', '["b"]'] },
    {},
  ])('comes out as it went in: %j', (input) => {
    expect(through(find, input)).toEqual(input)
  })

  it.each([
    [{ s: 'null' }, 's'],
    [{ either: '5' }, 'either'],
    [{ list: [] }, 'list'],
    [{ some: ['a'] }, 'some'],
    [{ any: '5' }, 'any'],
    [{ s: '\ud800' }, 's'],
    [{ n: Number.NaN }, 'n'],
    [{ any: new Date(0) }, 'any'],
    [{ n: '5' }, 'n'],
    [undefined, ''],
    [[], ''],
    [null, ''],
  ])('is refused where it would come out as another: %j', (input, path) => {
    expect(() => writeInput(find, 'shop.find', input)).toThrow(
      expect.objectContaining({
        code: 'OPERATION_INPUT_INVALID',
        details: expect.objectContaining({ problems: [expect.objectContaining({ path })] }),
      }),
    )
  })

  it('fills the path with every value that leaves it one', () => {
    const get = over(z.object({ id: z.string(), n: z.int() }), 'GET', '/v1/get/{id}/{n}')
    for (const id of ['a/b', '%2F', '...', '{n}', '$&', ':x', '*', 'x'.repeat(600), '\n'])
      expect(through(get, { id, n: 5 })).toEqual({ id, n: 5 })
    for (const id of ['', '.', '..', undefined]) expect(() => writeInput(get, 'shop.get', { id, n: 5 })).toThrow('id: ')
    const compare = over(z.object({ base: z.string(), head: z.string() }), 'GET', '/v1/get/{base}...{head}')
    expect(writeInput(compare, 'shop.compare', { base: 'a', head: 'b...c' }).path).toBe('/v1/get/a...b...c')
    expect(() => writeInput(compare, 'shop.compare', { base: 'a...b', head: 'c' })).toThrow('another part of the path')
  })
})

describe('an input over a body', () => {
  const fields = over(z.record(z.string(), z.any()), 'POST', '/v1/put')

  it('comes out as it went in, names of prototypes too', () => {
    const input = JSON.parse('{"__proto__":{"a":[1,null]},"constructor":"5","x":{}}')
    expect(JSON.stringify(through(fields, input))).toBe(JSON.stringify(input))
    const json = over(z.object({ all: z.unknown(), dry: z.boolean() }), 'PUT', '/v1/put', { json: 'all' })
    for (const all of [null, 0, '', [], {}]) expect(through(json, { all, dry: true })).toEqual({ all, dry: true })
  })

  it.each([Number.POSITIVE_INFINITY, 1n, new Date(0), new Map(), [undefined], () => {}])(
    'refuses what JSON would change',
    (x) => {
      expect(() => writeInput(fields, 'shop.put', { x })).toThrow(
        expect.objectContaining({ code: 'OPERATION_INPUT_INVALID' }),
      )
    },
  )

  it('takes each input from its one place', () => {
    const layout = over(z.object({ id: z.string(), x: z.string(), dry: z.string() }), 'POST', '/v1/put/{id}', {
      query: ['dry'],
    })
    const read = (body: unknown, search: string) =>
      readInput(layout, { path: { id: 'p' }, query: new URLSearchParams(search), body })
    expect(read({ x: '1' }, 'dry=2')).toEqual({ id: 'p', x: '1', dry: '2' })
    for (const [body, search] of [
      [{ id: 'b' }, ''],
      [{ dry: '1' }, ''],
      [{}, 'x=1'],
      [{}, 'id=1'],
      [[], ''],
      [null, ''],
    ] as const)
      expect(() => read(body, search), JSON.stringify(body)).toThrow(
        expect.objectContaining({ code: 'REQUEST_MALFORMED' }),
      )
  })

  it('cannot be sent where it is no object, which routes have no place for', () => {
    for (const method of ['GET', 'POST'] as const)
      expect(() => writeInput(over(z.string(), method, '/v1/text'), 'shop.text', 'a')).toThrow('an object is needed')
  })

  it('is raw text only where it is text', () => {
    const text = over(z.object({ name: z.string(), text: z.string().optional() }), 'PUT', '/v1/put/{name}', {
      body: 'text',
    })
    expect(writeInput(text, 'shop.put', { name: 'a', text: '\ufeff5' })).toMatchObject({
      body: '\ufeff5',
      contentType: 'text/plain; charset=utf-8',
    })
    expect(writeInput(text, 'shop.put', { name: 'a' })).toMatchObject({ body: undefined, contentType: undefined })
    for (const value of [5, null, '\udc00'])
      expect(() => writeInput(text, 'shop.put', { name: 'a', text: value })).toThrow('well-formed text')
  })
})

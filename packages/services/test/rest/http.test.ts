import { command, defineContract, type Operation, query, type Schema } from '@keelson/kernel'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { http } from '../../src/rest/http.ts'

const Input = z.object({ id: z.string(), tags: z.array(z.string()), n: z.int(), name: z.string() })
const define = (...operations: Operation[]) =>
  defineContract('shop', '1.0.0', Object.fromEntries(operations.map((one, at) => [`op${at}`, one])))
/** Without the compiler's check, which refuses most of these already. */
const over = (route: string, options: object = {}, input: Schema = Input) =>
  query({ input }, http(route as never, options) as never)

describe('http()', () => {
  it.each([
    [over('GET /v1/{uid}'), 'op0 (GET /v1/{uid}): it has no input "uid"'],
    [over('GET /v1/{tags}'), 'its input "tags" cannot be a part of a path'],
    [over('GET /v1/x', { query: ['uid'] }), 'it has no input "uid"'],
    [over('GET /v1/x', { body: 'name' }), 'a GET carries no body'],
    [over('POST /v1/x', { body: 'n' }), 'its input "n" is no text'],
    [over('POST /v1/{name}', { body: 'name' }), 'its input "name" cannot travel in two places'],
    [over('POST /v1/x', { body: 'name', json: 'tags' }), 'both a raw and a JSON body'],
    [over('POST /v1/x', { base64: 'name' }), 'which is not there'],
    [over('POST /v1/x', { status: 404 }), '404 is no status of success'],
    [over('POST /v1/x', { location: '/v1/{id}' }), 'its output has no "id"'],
    [command({ output: z.string() }, http('POST /v1/x', { status: 204 })), '204 carries no output'],
  ])('refuses the contract of a route that cannot carry the input: %#', (operation, reason) => {
    expect(() => define(operation)).toThrow(
      expect.objectContaining({ code: 'CONTRACT_INVALID', message: expect.stringContaining(reason) }),
    )
  })

  it('refuses two routes for the same requests', () => {
    expect(() => define(over('GET /v1/x/{id}'), over('GET /v1/x/{name}/'))).toThrow(
      'op1 (GET /v1/x/{name}/) and op0 claim',
    )
    expect(() => define(over('GET /v1/x/{id}'), over('PUT /v1/x/{id}'), over('GET /v1/x/all'))).not.toThrow()
  })

  it.each(['FETCH /v1/x', 'GET v1/x', 'GET /v1/*', 'GET /v1/{a}{b}'])('refuses "%s"', (route) => {
    expect(() => http(route as never)).toThrow(expect.objectContaining({ code: 'ROUTE_INVALID' }))
  })

  it('takes inputs that have a name, are chosen or combined', () => {
    const Named = z.object({ id: z.string(), n: z.int() }).meta({ id: 'Named' })
    const Either = z.union([Named, z.object({ id: z.string(), s: z.string() })])
    expect(() => define(over('GET /v1/a/{id}', {}, Named), over('GET /v1/b/{id}', {}, Either))).not.toThrow()
    expect(() => define(over('GET /v1/{any}', {}, z.record(z.string(), z.string())))).not.toThrow()
  })
})

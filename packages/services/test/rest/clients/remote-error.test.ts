import { defineContract, query, rootCall } from '@keelson/kernel'
import { afterEach, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { servicesErrors } from '../../../src/errors.ts'
import { problemOf } from '../../../src/listener/problem.ts'
import { HttpClient } from '../../../src/rest/clients/http-client.ts'
import { errorOfAnswer } from '../../../src/rest/clients/remote-error.ts'

const { read } = defineContract('remote', '1.0.0', { read: query({ output: z.string() }) }).operations

afterEach(() => vi.useRealTimers())

/** The error of a client whose server answers so. */
async function errorOf(response: Response) {
  const client = new HttpClient('http://peer.test', { fetch: async () => response })
  const answer = await client.send({ operation: 'remote.read', method: 'GET', path: '/', call: rootCall })
  return errorOfAnswer(answer, 'remote.read', read)
}

test.each([
  ['2', 2_000],
  ['0', 0],
  ['Fri, 27 Nov 2026 12:00:30 GMT', 30_000],
  ['Fri, 27 Nov 2026 11:00:00 GMT', 0],
  ['soon', undefined],
  [undefined, undefined],
])('errorOfAnswer() says when to come back: retry-after %s is %s ms', async (header, retryAfterMs) => {
  vi.useFakeTimers({ now: Date.UTC(2026, 10, 27, 12), toFake: ['Date'] })
  const headers: Record<string, string> = header === undefined ? {} : { 'retry-after': header }
  const error = await errorOf(new Response('busy', { status: 503, headers }))
  expect(error).toMatchObject({ code: 'REMOTE_BUSY', retryable: true })
  expect(error.details['retryAfterMs']).toBe(retryAfterMs)
})

test('errorOfAnswer() takes the kind from our own listener, and from the status of any other server', async () => {
  const answer = (problem: object) => errorOf(Response.json(problem, { status: 409 }))
  const own = problemOf(servicesErrors.REQUEST_CANCELLED({}), 'c-1')
  expect(await answer(own)).toMatchObject({ code: 'REQUEST_CANCELLED', kind: 'cancelled' })
  const { kind: _, ...foreign } = own
  expect(await answer(foreign)).toMatchObject({ code: 'REMOTE_CONFLICT', kind: 'conflict' })
})
